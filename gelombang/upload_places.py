"""Where an upload attempt ended: one place for each, on the server's end when it saw the attempt, else on the generator's.

A place is a stage, an outcome and a code, with a sentence that a person can read. Acknowledged attempts are a place too, so that all
places together are all attempts.
"""

from typing import NamedTuple

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage

ACKNOWLEDGED = "acknowledged"
"""The key of acknowledged attempts in `Windows.upload_where`."""

MEANINGS: dict[Code, str] = {
    Code.UPLOAD_FAILED: "\"the upload failed, please repeat\": every upload place was taken after the whole photo had been received",
    Code.UPLOAD_TIMED_OUT: "the proxy gave up waiting for the store, while the store worked on for nobody",
    Code.HOST_NOT_ALLOWED: "the way led to a host that is not one of the allowed ones: the request was never sent",
    Code.PHOTO_TOO_LARGE: "the photo was over the site's limit",
    Code.PHOTO_WRONG_FORMAT: "what was sent is no JPEG",
    Code.PHOTO_TRUNCATED: "the photo was cut off",
    Code.PHOTO_TOO_MANY_PIXELS: "the photo has more pixels than the site takes",
    Code.PHOTO_POLYGLOT: "the photo was something else as well: a page, a program, an archive",
    Code.PHOTO_UNDECODABLE: "the photo could not be decoded",
    Code.PHOTO_DIGEST_MISMATCH: "the bytes received are not those that were announced",
    Code.PHOTO_SIZE_MISMATCH: "the photo's length is not the one announced",
    Code.TICKET_MISSING: "the photo came without a ticket",
    Code.TICKET_INVALID: "the ticket was not one of this site's",
    Code.TICKET_EXPIRED: "the ticket was too old when the photo came",
    Code.UPLOADS_BUSY: "no room for another photo: told when to come back, before a byte was sent",
    Code.STORE_FULL: "the photo store was full",
    Code.STORE_STALLED: "the photo store stood still",
    Code.SYNC_FAILED: "the photo could not be made durable",
    Code.COMMITS_BUSY: "photos stood in line for the disk, and this one had waited too long: told when to come back",
    Code.DEADLINE_PASSED: "the time that the request gave itself was over, and the site dropped the photo",
    Code.PLACE_INVALID: "the place in the waiting room was not this person's",
    Code.BODY_TOO_SLOW: "the photo stopped coming, and the site gave up",
    Code.CLIENT_LEFT: "the person stopped waiting",
    Code.TOO_MANY_REQUESTS_IN_PROGRESS: "the site had too many requests in progress",
    Code.DATABASE_BUSY: "the site's database had too much waiting",
    Code.DATABASE_FULL: "the disk of the site's database was full",
    Code.DATABASE_GONE: "the site's database could not be reached",
    Code.OBJECTS_GONE: "the object store did not answer: told when to come back",
    Code.OBJECTS_SLOW: "the object store did not take the photo in time: told when to come back",
    Code.OBJECTS_REFUSED: "the object store refused the photo",
    Code.SHUTTING_DOWN: "the site was shutting down",
    Code.INTERNAL_ERROR: "the site broke",
    Code.SESSION_MISSING: "the person was not logged in",
    Code.SESSION_INVALID: "the person was not logged in",
    Code.SESSION_EXPIRED: "the person's session was too old",
    Code.STEP_NOT_OPEN: "an earlier step was missing",
    Code.MALFORMED_REQUEST: "the request could not be understood",
    Code.WRONG_TYPE: "the request was of the wrong type",
    Code.BODY_TOO_LARGE: "the request was larger than the site takes",
}  # fmt: skip
"""What each code means for an upload; other codes are told by their name."""

_LEFT: dict[Stage, str] = {
    Stage.ADMISSION: "the person stopped waiting before the photo was sent",
    Stage.BODY: "the person stopped waiting while the photo was being sent",
    Stage.STORE: "the person stopped waiting while the photo was at the store",
    Stage.COMMIT: "the person stopped waiting while the photo was being made durable",
    Stage.ACKNOWLEDGE: "the photo was stored after its person had stopped waiting",
}
_NOT_HELD = "the answer was well, but did not hold what the scenario looks for"
_UNSEEN: dict[Outcome, str] = {
    Outcome.TIMED_OUT: "the person stopped waiting, and the server never saw the attempt",
    Outcome.CONNECT_REFUSED: "nobody listened: the connection was refused",
    Outcome.RESET: "the connection broke, and the server never saw the attempt",
    Outcome.PROTOCOL: "what came back was no HTTP, and the server never saw the attempt",
    Outcome.TLS_FAILED: "no secure connection came about",
    Outcome.PROXY_REFUSED: "the proxy did not let it pass",
    Outcome.CAPTURE_FAILED: _NOT_HELD,
    Outcome.CUT: "the run ended first",
    Outcome.PROCESS_DIED: "the generator process was killed",
}


class Place(NamedTuple):
    """One entry of `Uploads.where`."""

    stage: str
    outcome: str
    code: str
    meaning: str

    @property
    def key(self) -> str:
        """How `Windows.upload_where` calls it."""
        if self == TOLD:
            return ACKNOWLEDGED
        return f"{self.stage}/{self.outcome if self.code == 'none' else self.code}"


TOLD = Place("acknowledge", "completed", "none", "stored, and its person was told")
_UNHEARD = Place("acknowledge", "completed_unheard", "client_left", _LEFT[Stage.ACKNOWLEDGE])


def place_of(outcome: Outcome, phase: Phase, code: Code, stage: Stage | None, server_outcome: ServerOutcome, server_code: Code) -> Place:
    """Where an attempt with these ends ended; `stage` None: the server has no row, and the two after it mean nothing."""
    if outcome is Outcome.OK:
        return TOLD
    name = outcome.name.lower()
    if outcome in (Outcome.CUT, Outcome.PROCESS_DIED):
        return Place(phase.name.lower(), name, "none", _UNSEEN[outcome])
    if stage is None:
        meaning = MEANINGS.get(code) or _UNSEEN.get(outcome) or f"{name}, and the server never saw the attempt"
        return Place(phase.name.lower(), name, code.name.lower(), meaning)
    if server_outcome is ServerOutcome.COMPLETED and phase is Phase.RECEIVE and outcome not in (Outcome.TIMED_OUT, Outcome.RESET):
        return Place("acknowledge", name, "none", _NOT_HELD)
    if server_outcome is ServerOutcome.COMPLETED or (server_outcome is ServerOutcome.COMPLETED_UNHEARD and server_code is Code.NONE):
        # The server handed its answer over, but the person had left: for the person there was no acknowledgement.
        return _UNHEARD
    return Place(stage.name.lower(), server_outcome.name.lower(), server_code.name.lower(), _meaning(stage, server_outcome, server_code))


def _meaning(stage: Stage, outcome: ServerOutcome, code: Code) -> str:
    if outcome is ServerOutcome.PROCESS_DIED:
        return "the server process was killed"
    if outcome is ServerOutcome.OPEN:
        return "the server closed its ledger and left the attempt open"
    if code is Code.CLIENT_LEFT and stage in _LEFT:
        return _LEFT[stage]
    if code is Code.UPLOAD_TIMED_OUT and outcome is ServerOutcome.COMPLETED_UNHEARD:
        return "the proxy gave up waiting for the store, and the photo was stored for nobody"
    return MEANINGS.get(code, code.name.lower().replace("_", " "))
