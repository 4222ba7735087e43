"""An attempt: one person's one try at one step; how it ends at either end, why, and the fates of people.

All sets here are closed: there is no "other". Which attempt it is, its `attempt_id` says.
"""

from enum import IntEnum, unique


@unique
class Outcome(IntEnum):
    """How an attempt ended for the person who made it. OPEN marks a row that was begun and never ended."""

    OPEN = 0
    OK = 1
    REFUSED = 2
    """The site said: not now, come back (503 or 429 with a time to return)."""
    FAILED = 3
    """The site said that the try failed (5xx without a time to return)."""
    TOO_LARGE = 4
    INVALID = 5
    """The site refused what was sent, for good (4xx)."""
    CONFLICT = 6
    """It was done already (409)."""
    EXPIRED = 7
    """A link, code, session or ticket was too old (401, 410)."""
    TIMED_OUT = 8
    """The person's patience ran out."""
    CONNECT_REFUSED = 9
    RESET = 10
    PROTOCOL = 11
    """The answer was not HTTP, or broke off."""
    NO_MESSAGE = 12
    """A mail or SMS did not come in time."""
    NOT_READ = 13
    """The mail will never be read (spam folder, mistyped address): a property of the person, not of the site."""
    CUT = 14
    """The run ended first."""
    PROCESS_DIED = 15
    """The generator process was killed: its open rows are read as this."""
    TLS_FAILED = 16
    """No secure connection: a certificate that was not accepted, on either end, or no version in common."""
    PROXY_REFUSED = 17
    """The proxy between generator and site could not be reached, or did not let the request pass."""
    CAPTURE_FAILED = 18
    """The answer was well, but did not hold a value that the step captures."""


@unique
class Phase(IntEnum):
    """Where in the exchange the generator was when the attempt ended."""

    NONE = 0
    CONNECT = 1
    SEND = 2
    WAIT = 3
    RECEIVE = 4
    INBOX = 5
    """Waiting for a mail or SMS, outside any exchange."""


@unique
class Stage(IntEnum):
    """Where in the server an attempt ended."""

    OPEN = 0
    ACCEPT = 1
    HEADERS = 2
    ADMISSION = 3
    BODY = 4
    DIGEST = 5
    INSPECT = 6
    STORE = 7
    COMMIT = 8
    ACKNOWLEDGE = 9


@unique
class ServerOutcome(IntEnum):
    """How the server ended an attempt."""

    OPEN = 0
    COMPLETED = 1
    """Done, and the answer was handed to the kernel."""
    REFUSED = 2
    """Shed on purpose, to come back."""
    REJECTED = 3
    """The request was wrong: 4xx."""
    FAILED = 4
    """The server's own failure: 5xx."""
    ABANDONED = 5
    """The client left first and the work was dropped."""
    COMPLETED_UNHEARD = 6
    """Done and durable, but the client had left."""
    SHUTDOWN = 7
    PROCESS_DIED = 8


@unique
class Code(IntEnum):
    """The reason of an answer; the `code` of the problem document (RFC 9457) in lower case. NONE goes with success."""

    NONE = 0
    # the request
    MALFORMED_REQUEST = 1
    WRONG_TYPE = 2
    BODY_TOO_LARGE = 3
    UNKNOWN_ROUTE = 4
    WRONG_METHOD = 5
    FIELD_MISSING = 6
    FIELD_INVALID = 7
    IDEMPOTENCY_KEY_INVALID = 8
    IDEMPOTENCY_KEY_REUSED = 9
    """The same key came with another body."""
    # who asks
    SESSION_MISSING = 10
    SESSION_INVALID = 11
    SESSION_EXPIRED = 12
    CREDENTIALS_WRONG = 13
    TRIES_EXHAUSTED = 14
    # registration
    EMAIL_TAKEN = 20
    PHONE_TAKEN = 21
    NIK_TAKEN = 22
    NIK_INVALID = 23
    BIRTH_DATE_MISMATCH = 24
    LINK_INVALID = 25
    LINK_EXPIRED = 26
    OTP_WRONG = 27
    OTP_EXPIRED = 28
    STEP_NOT_OPEN = 29
    """An earlier step is still missing."""
    TEST_TIME_OVER = 30
    WAVE_CLOSED = 31
    WAVE_UNKNOWN = 32
    ALREADY_DONE = 33
    REGISTRY_QUEUE_FULL = 34
    # uploads
    UPLOAD_FAILED = 40
    """What people read in 2020: the upload failed, please repeat."""
    UPLOAD_TIMED_OUT = 41
    PHOTO_TOO_LARGE = 42
    PHOTO_WRONG_FORMAT = 43
    PHOTO_TRUNCATED = 44
    PHOTO_TOO_MANY_PIXELS = 45
    PHOTO_DIGEST_MISMATCH = 46
    PHOTO_SIZE_MISMATCH = 47
    TICKET_MISSING = 48
    TICKET_INVALID = 49
    TICKET_EXPIRED = 50
    UPLOADS_BUSY = 51
    """The tickets' byte budget is full: come back at the told time."""
    STORE_FULL = 52
    STORE_STALLED = 53
    SYNC_FAILED = 54
    BODY_TOO_SLOW = 55
    PHOTO_POLYGLOT = 56
    """A picture that is a page, a program or an archive as well."""
    PHOTO_UNDECODABLE = 57
    """It looks like a JPEG, and no picture comes out of it."""
    # uploads that can be gone on with
    UPLOAD_UNKNOWN = 80
    UPLOAD_EXPIRED = 81
    OFFSET_MISMATCH = 82
    """The upload stands elsewhere than the request says."""
    CHECKSUM_MISMATCH = 83
    """A piece does not have the checksum that came with it."""
    UPLOAD_IN_USE = 84
    """Another request of the same upload could not be ended in time."""
    PROTOCOL_VERSION_UNKNOWN = 85
    # the process
    CLIENT_LEFT = 60
    TOO_MANY_REQUESTS_IN_PROGRESS = 61
    DATABASE_BUSY = 62
    HASH_QUEUE_FULL = 63
    SHUTTING_DOWN = 64
    # the applicant's pages
    FORM_TOKEN_INVALID = 150
    """A form that did not come from a page of this visitor's."""
    REPORTS_EXHAUSTED = 151
    INTERNAL_ERROR = 65
    MESSAGE_QUEUE_FULL = 66
    """The outbox of mail and SMS is full."""
    DATABASE_FULL = 67
    """The disk that the database is on has no room."""
    DATABASE_GONE = 68
    """The database does not answer, or has just come back; nothing was acknowledged."""
    # overload
    COMMITS_BUSY = 90
    """Photos stand in line for the disk, and this one had waited too long."""
    DEADLINE_PASSED = 91
    """The request said how long its caller would wait, and that was over: the work was dropped where it stood."""
    PLACE_INVALID = 92
    """The place in the waiting room that was shown is not one of this site, or somebody else's."""
    # the object store
    OBJECTS_GONE = 100
    """The object store does not answer, or says that it can't; nothing was acknowledged."""
    OBJECTS_SLOW = 101
    """The object store did not take the photo in the time that the profile gives it."""
    OBJECTS_REFUSED = 102
    """The object store took the photo for damaged, or this site for somebody who may not write there."""
    # the programme after the registration
    WAVE_NOT_OPEN = 120
    MEMBER_ALREADY = 121
    """In a wave whose result is not out yet, or once in this one."""
    SELECTED_ALREADY = 122
    NOT_SELECTED = 123
    PLACE_LAPSED = 124
    """No training was bought in time."""
    BENEFIT_ONCE = 125
    """This NIK has had its benefits, under whatever account."""
    WALLET_OF_ANOTHER = 126
    WALLET_UNKNOWN = 127
    WALLET_CHOSEN = 128
    PARTNER_BUSY = 129
    """The wallet's partner can't say now whose account it is."""
    TRAINING_FIRST = 130
    CREDIT_SPENT = 131
    DRAW_NOT_DUE = 132
    DRAW_HELD = 133
    # the generator's own
    HOST_NOT_ALLOWED = 70
    """The request would have gone to a host that nobody allowed: it was never sent."""


@unique
class Fate(IntEnum):
    """What became of a person. Every planned person has exactly one when a run closes."""

    OPEN = 0
    FINISHED = 1
    GAVE_UP = 2
    REJECTED = 3
    UNREACHABLE = 4
    WAITING = 5
    """Inside, or away and to come back, when the run ended."""
    CUT = 6
    """Stopped in the middle of an attempt by the end of the run, or by a stop."""
    UNSENT = 7
    """Never left the generator."""


PAGE_OUTCOMES = (
    *(Outcome.OK, Outcome.REFUSED, Outcome.FAILED, Outcome.TOO_LARGE, Outcome.INVALID),
    *(Outcome.CONFLICT, Outcome.EXPIRED, Outcome.TIMED_OUT, Outcome.RESET),
)
"""How an upload ends for a page. A browser tells no more of a broken line than that it broke; who pauses or leaves has timed out."""
PAGE_PHASES = (Phase.NONE, Phase.CONNECT, Phase.SEND, Phase.WAIT, Phase.RECEIVE)
