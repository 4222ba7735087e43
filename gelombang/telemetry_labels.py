"""The closed sets that the values of every label come from, on each side: what bounds the series, and what docs and lint read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from gelombang.attempt import PAGE_OUTCOMES, PAGE_PHASES, Code, Fate, Outcome, Phase, ServerOutcome, Stage
from gelombang.steps import PhotoKind
from gelombang.telemetry import Side


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The closed set that a label's values come from: all of them, or, where a file names them, `bounded_by` that file's part."""

    values: tuple[str, ...]
    bounded_by: str


def _members(members: Iterable[IntEnum], source: str) -> LabelSet:
    return LabelSet(tuple(member.name.lower() for member in members if member.name != "OPEN"), source)


REGISTRATION_STEPS = ("account", "email-link", "data", "otp", "nik", "ktp", "selfie", "test", "join")
"""The server's steps, in order; the opening hour's milestones bear the same names, so that both ends can be compared."""

SERVER_ROUTES = (
    *("unknown", "health", "account", "login", "email_link", "data", "otp_send", "otp", "upload_page"),
    *("test_start", "test", "join", "status", "ready", "openapi", "photo_post", "ticket", "photo_put"),
    *("tus_options", "tus_create", "tus_head", "tus_patch", "tus_delete", "tus_upload_options"),
    *("look", "wallet", "benefits", "training", "training_done", "survey", "test_look", "test_answer", "test_handed_in"),
    *("page", "page_form", "page_report", "page_ticket", "page_photo"),
)
"""What was asked for: one name a route of the reference server."""

LIVE_DOUBTS = ("late-generator", "stalled-generator", "busy-generator", "busy-machine")
"""By their names in the record."""

CPU_MODES = ("user", "system", "iowait", "steal", "idle")
PRESSURES = ("cpu", "io", "memory")
_CPU_MODES = LabelSet(CPU_MODES, "what a core does; user has nice in it, system has interrupts")
_PRESSURES = LabelSet(PRESSURES, "what the kernel keeps pressure stall information of")

PHOTO_VERDICTS = (
    "validated",
    "photo_wrong_format",
    "photo_truncated",
    "photo_too_many_pixels",
    "photo_polyglot",
    "photo_undecodable",
)
AUDIT_FINDINGS = ("right", "wrong", "unreadable")
LABEL_SETS: Mapping[tuple[Side, str], LabelSet] = {
    (Side.SERVER, "photo"): LabelSet(tuple(PhotoKind), "the two photos"),
    (Side.SERVER, "stage"): LabelSet(
        (*_members(Stage, "").values, "store_wait"), "the server's stages, and for times also the wait for a turn at the store"
    ),
    (Side.SERVER, "outcome"): _members(ServerOutcome, "how the server ended an attempt"),
    (Side.SERVER, "client_outcome"): _members(PAGE_OUTCOMES, "how an upload ends for an applicant's page"),
    (Side.SERVER, "client_phase"): _members(PAGE_PHASES, "where in the exchange the page was"),
    (Side.SERVER, "code"): _members(Code, "the codes of problem documents; none with success"),
    (Side.SERVER, "route"): LabelSet(SERVER_ROUTES, "the server's routes, and one for everything else"),
    (Side.SERVER, "status"): LabelSet((), "the HTTP statuses that the server answers with"),
    (Side.SERVER, "step"): LabelSet(REGISTRATION_STEPS, "the steps of the registration"),
    (Side.SERVER, "budget"): LabelSet(("received", "admitted"), "the tickets' two byte budgets"),
    (Side.SERVER, "promise"): LabelSet(("kept", "broken"), "whether the time that was told was true"),
    (Side.SERVER, "result"): LabelSet(("verified", "unknown"), "what the civil registry says"),
    (Side.SERVER, "answer"): LabelSet(("stored", "gone", "slow", "refused"), "what came of a photo at the object store"),
    (Side.SERVER, "became"): LabelSet(("paid", "returned", "again"), "what became of a payment when its partner was asked"),
    (Side.SERVER, "verdict"): LabelSet(PHOTO_VERDICTS, "what a decoder found in an acknowledged photo"),
    (Side.SERVER, "finding"): LabelSet(AUDIT_FINDINGS, "what the auditor read back, beside what was acknowledged"),
    (Side.SERVER, "kind"): LabelSet(("email-link", "otp", "registry", "wave-result"), "the kinds of message"),
    (Side.SERVER, "target"): LabelSet(("file", "directory"), "what is synced for a photo"),
    (Side.SERVER, "listener"): LabelSet(("public", "uploads"), "the public socket, and the one for uploads in a process of their own"),
    (Side.SERVER, "mode"): _CPU_MODES,
    (Side.SERVER, "resource"): _PRESSURES,
    (Side.SERVER, "run_id"): LabelSet((), "the run: one value a process"),
    (Side.SERVER, "scenario"): LabelSet((), "the scenario that is replayed: one value a process"),
    (Side.SERVER, "profile"): LabelSet((), "the profile that the process runs: one value a process"),
    (Side.SERVER, "scale"): LabelSet((), "the scale that the process runs at: one value a process"),
    (Side.SERVER, "slot"): LabelSet((), "the number of the server process, below the number of processes"),
    (Side.GENERATOR, "step"): LabelSet((), "the journey of the scenario"),
    (Side.GENERATOR, "outcome"): _members(Outcome, "how an attempt ended for its person"),
    (Side.GENERATOR, "phase"): _members(Phase, "where in the exchange the attempt ended"),
    (Side.GENERATOR, "fate"): _members(Fate, "what became of a person"),
    (Side.GENERATOR, "photo"): LabelSet(tuple(PhotoKind), "the two photos"),
    (Side.GENERATOR, "validity"): LabelSet(("valid", "suspect", "invalid"), "what a run can be"),
    (Side.GENERATOR, "doubt"): LabelSet(LIVE_DOUBTS, "the doubts that can be seen before the end"),
    (Side.GENERATOR, "mode"): _CPU_MODES,
    (Side.GENERATOR, "resource"): _PRESSURES,
    (Side.GENERATOR, "scenario"): LabelSet((), "the scenario that the process replays: one value a process"),
    (Side.GENERATOR, "profile"): LabelSet((), "the profile that the target runs: one value a process"),
    (Side.GENERATOR, "scale"): LabelSet((), "the scale that the process runs at: one value a process"),
    (Side.GENERATOR, "run_id"): LabelSet((), "the run: one value a process"),
    (Side.GENERATOR, "process"): LabelSet((), "the number of the generator process, below the number of processes"),
}
"""Where the values of each label come from; a test fails on a label without an entry."""
