"""What a caller is told when a request is not done: a problem document (RFC 9457) with a stable code.

Every answer of 400 and above comes from a `Problem`; one table holds the status of each code. A `Problem` also says at which stage the
attempt ended and derives how the server's ledger calls it.
"""

import math
from types import MappingProxyType

import orjson

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang_server.answers import Answer

PROBLEM_TYPE = "application/problem+json"

STATUS_OF_CODE = MappingProxyType(
    {
        Code.MALFORMED_REQUEST: 400,
        Code.WRONG_TYPE: 415,
        Code.BODY_TOO_LARGE: 413,
        Code.UNKNOWN_ROUTE: 404,
        Code.WRONG_METHOD: 405,
        Code.FIELD_MISSING: 422,
        Code.FIELD_INVALID: 422,
        Code.IDEMPOTENCY_KEY_INVALID: 400,
        Code.IDEMPOTENCY_KEY_REUSED: 422,
        Code.SESSION_MISSING: 401,
        Code.SESSION_INVALID: 401,
        Code.SESSION_EXPIRED: 401,
        Code.CREDENTIALS_WRONG: 401,
        Code.TRIES_EXHAUSTED: 429,
        Code.EMAIL_TAKEN: 409,
        Code.PHONE_TAKEN: 409,
        Code.NIK_TAKEN: 409,
        Code.NIK_INVALID: 422,
        Code.BIRTH_DATE_MISMATCH: 422,
        Code.LINK_INVALID: 404,
        Code.LINK_EXPIRED: 410,
        Code.OTP_WRONG: 422,
        Code.OTP_EXPIRED: 410,
        Code.STEP_NOT_OPEN: 409,
        Code.TEST_TIME_OVER: 410,
        Code.WAVE_CLOSED: 409,
        Code.WAVE_UNKNOWN: 404,
        Code.ALREADY_DONE: 409,
        Code.REGISTRY_QUEUE_FULL: 503,
        Code.UPLOAD_FAILED: 503,
        Code.UPLOAD_TIMED_OUT: 504,
        Code.PHOTO_TOO_LARGE: 413,
        Code.PHOTO_WRONG_FORMAT: 422,
        Code.PHOTO_TRUNCATED: 422,
        Code.PHOTO_TOO_MANY_PIXELS: 422,
        Code.PHOTO_POLYGLOT: 422,
        Code.PHOTO_UNDECODABLE: 422,
        Code.PHOTO_DIGEST_MISMATCH: 422,
        Code.PHOTO_SIZE_MISMATCH: 422,
        Code.TICKET_MISSING: 401,
        Code.TICKET_INVALID: 401,
        Code.TICKET_EXPIRED: 410,
        Code.UPLOADS_BUSY: 503,
        Code.STORE_FULL: 503,
        Code.STORE_STALLED: 503,
        Code.COMMITS_BUSY: 503,
        Code.DEADLINE_PASSED: 504,
        Code.PLACE_INVALID: 403,
        Code.SYNC_FAILED: 503,
        Code.BODY_TOO_SLOW: 408,
        Code.UPLOAD_UNKNOWN: 404,
        Code.UPLOAD_EXPIRED: 410,
        Code.OFFSET_MISMATCH: 409,
        Code.CHECKSUM_MISMATCH: 460,
        Code.UPLOAD_IN_USE: 423,
        Code.PROTOCOL_VERSION_UNKNOWN: 412,
        Code.OBJECTS_GONE: 503,
        Code.OBJECTS_SLOW: 503,
        Code.OBJECTS_REFUSED: 503,
        Code.WAVE_NOT_OPEN: 409,
        Code.MEMBER_ALREADY: 409,
        Code.SELECTED_ALREADY: 409,
        Code.NOT_SELECTED: 403,
        Code.PLACE_LAPSED: 410,
        Code.BENEFIT_ONCE: 403,
        Code.WALLET_OF_ANOTHER: 403,
        Code.WALLET_UNKNOWN: 422,
        Code.WALLET_CHOSEN: 409,
        Code.PARTNER_BUSY: 503,
        Code.TRAINING_FIRST: 409,
        Code.CREDIT_SPENT: 403,
        Code.DRAW_NOT_DUE: 409,
        Code.DRAW_HELD: 409,
        Code.CLIENT_LEFT: 499,
        Code.TOO_MANY_REQUESTS_IN_PROGRESS: 503,
        Code.DATABASE_BUSY: 503,
        Code.DATABASE_FULL: 503,
        Code.DATABASE_GONE: 503,
        Code.HASH_QUEUE_FULL: 503,
        Code.SHUTTING_DOWN: 503,
        Code.MESSAGE_QUEUE_FULL: 503,
        Code.FORM_TOKEN_INVALID: 403,
        Code.REPORTS_EXHAUSTED: 429,
        Code.INTERNAL_ERROR: 500,
    }
)
"""The only place where a code gets its status."""

SHED_CODES = frozenset(
    {
        Code.REGISTRY_QUEUE_FULL,
        Code.MESSAGE_QUEUE_FULL,
        Code.PARTNER_BUSY,
        Code.TOO_MANY_REQUESTS_IN_PROGRESS,
        Code.DATABASE_BUSY,
        Code.DATABASE_GONE,
        Code.OBJECTS_GONE,
        Code.OBJECTS_SLOW,
        Code.HASH_QUEUE_FULL,
        Code.SHUTTING_DOWN,
    }
)
"""Shed by a bound of this server: when nobody computed a time to come back, the answer tells `SHED_RETRY_SECONDS`."""

SHED_RETRY_SECONDS = 5.0
"""People's time."""


class Problem(Exception):  # noqa: N818  (RFC 9457 calls it a problem, and most of them are no errors)
    """A request that is refused, rejected or failed. Raise it from anywhere below a handler; the door answers.

    `stage` says where the attempt ended; without it, the stage that the attempt had reached.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        retry_after_seconds: float | None = None,
        stage: Stage | None = None,
        place: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = STATUS_OF_CODE[code]
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.stage = stage
        self.place = place
        """A signed place in the waiting room, for the person to show when they come back."""
        self.shown: Answer | None = None
        """The page that says it, where people read the answer and not programs."""

    @property
    def outcome(self) -> ServerOutcome:
        """REFUSED when a time to come back was told, else by the status."""
        if self.retry_after_seconds is not None and self.status in (429, 503):
            return ServerOutcome.REFUSED
        return ServerOutcome.FAILED if self.status >= 500 else ServerOutcome.REJECTED


def problem_answer(problem: Problem) -> Answer:
    """The problem document, or the page that says the same. `type` is a relative reference, stable like the code."""
    if problem.shown is not None:
        return problem.shown
    code = problem.code.name.lower()
    document: dict[str, str | int | float] = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " "),
        "status": problem.status,
        "detail": problem.detail,
        "code": code,
    }
    headers = None
    if problem.retry_after_seconds is not None:
        document["retry_after_seconds"] = problem.retry_after_seconds
        headers = {"Retry-After": str(max(1, math.ceil(problem.retry_after_seconds)))}
    if problem.place is not None:
        document["place"] = problem.place
    return Answer(problem.status, orjson.dumps(document), PROBLEM_TYPE, headers)
