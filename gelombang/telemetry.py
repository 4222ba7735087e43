"""The catalogue of metrics: the one place where a metric's name, kind, unit, labels and meaning are written.

Server and generator register from here, dashboards and alert rules are checked against it, and `docs/metrics.md` is generated from it.
Labels take values from closed sets only. Naming follows Prometheus, "Metric and label naming": base units, `_total` for counters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gelombang.attempt import Code, Fate, Outcome, Phase, ServerOutcome, Stage
from gelombang.steps import PhotoKind


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Side(StrEnum):
    SERVER = "server"
    GENERATOR = "generator"


SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are in the order in which values are given."""

    name: str
    kind: Kind
    side: Side
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


def _server(name: str, kind: Kind, labels: tuple[str, ...], text: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(f"gelombang_server_{name}", kind, Side.SERVER, labels, text, buckets)


def _generator(name: str, kind: Kind, labels: tuple[str, ...], text: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(f"gelombang_generator_{name}", kind, Side.GENERATOR, labels, text, buckets)


# Server: what the site did.
UPLOAD_ATTEMPTS = _server(
    "upload_attempts_total", Kind.COUNTER, ("photo", "stage", "outcome", "code"), "Upload attempts ended, by the stage they ended in."
)
UPLOAD_ATTEMPTS_STARTED = _server("upload_attempts_started_total", Kind.COUNTER, ("photo",), "Upload attempts begun.")
UPLOAD_ATTEMPTS_IN_FLIGHT = _server("upload_attempts_in_flight", Kind.GAUGE, (), "Upload attempts begun and not ended.")
UPLOAD_STAGE_SECONDS = _server(
    "upload_stage_seconds", Kind.HISTOGRAM, ("stage",), "Wall time an upload spent in one stage.", SECONDS_BUCKETS
)
UPLOAD_RECEIVED_BYTES = _server("upload_received_bytes_total", Kind.COUNTER, (), "Photo bytes received, kept or not.")
UPLOAD_KEPT_BYTES = _server("upload_kept_bytes_total", Kind.COUNTER, (), "Photo bytes durable and acknowledged to a client still there.")
REQUESTS = _server("requests_total", Kind.COUNTER, ("route", "status"), "Requests answered.")
REQUEST_SECONDS = _server("request_seconds", Kind.HISTOGRAM, ("route",), "Wall time from headers read to answer written.", SECONDS_BUCKETS)
PROBLEMS = _server("problems_total", Kind.COUNTER, ("code",), "Answers that were problem documents.")
PEOPLE_STEPS = _server("people_steps_total", Kind.COUNTER, ("step",), "People who passed a step of the registration.")
STORE_TURNS = _server("store_turns", Kind.GAUGE, (), "Uploads that have a turn at the photo store.")
STORE_WAITING = _server("store_waiting", Kind.GAUGE, (), "Uploads waiting for a turn at the photo store.")
STORE_TURNS_LIMIT = _server("store_turns_limit", Kind.GAUGE, (), "Turns that the photo store gives at once.")
STORE_USED_BYTES = _server("store_used_bytes", Kind.GAUGE, (), "Bytes in the photo store.")
STORE_CAPACITY_BYTES = _server("store_capacity_bytes", Kind.GAUGE, (), "Bytes the photo store can hold.")
STORE_BANDWIDTH_BYTES_PER_SECOND = _server(
    "store_bandwidth_bytes_per_second", Kind.GAUGE, (), "Bytes that the photo store can move in a second of wall time."
)
STORE_MOVED_BYTES = _server("store_moved_bytes_total", Kind.COUNTER, (), "Bytes moved by the photo store, commit cost included.")
TICKET_BUDGET_USED_BYTES = _server("ticket_budget_used_bytes", Kind.GAUGE, ("budget",), "Byte budgets in use (received, admitted).")
TICKET_BUDGET_LIMIT_BYTES = _server("ticket_budget_limit_bytes", Kind.GAUGE, ("budget",), "Byte budgets (received, admitted).")
REGISTRY_WAITING = _server("registry_waiting", Kind.GAUGE, (), "People waiting for the civil registry.")
REGISTRY_LOOKUPS = _server("registry_lookups_total", Kind.COUNTER, ("result",), "Look-ups in the civil registry.")
MESSAGES_WAITING = _server("messages_waiting", Kind.GAUGE, ("kind",), "Mail and SMS in the outbox, not sent.")
MESSAGES_SENT = _server("messages_sent_total", Kind.COUNTER, ("kind",), "Mail and SMS handed to the person's phone.")
DATABASE_QUEUE = _server("database_queue", Kind.GAUGE, (), "Operations waiting for the database writer.")
DATABASE_COMMITS = _server("database_commits_total", Kind.COUNTER, (), "Transactions committed.")
DATABASE_OPERATIONS = _server("database_operations_total", Kind.COUNTER, (), "Operations in those transactions.")
HASH_QUEUE = _server("hash_queue", Kind.GAUGE, (), "Passwords waiting to be hashed.")
LOOP_LAG_SECONDS = _server(
    "loop_lag_seconds", Kind.HISTOGRAM, (), "How late the event loop woke a timer.", (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
)
SERVER_CPU_SECONDS = _server("cpu_seconds_total", Kind.COUNTER, (), "CPU time of this server process.")
SERVER_RESIDENT_BYTES = _server("resident_bytes", Kind.GAUGE, (), "Resident memory of this server process.")
SERVER_DESCRIPTORS = _server("open_descriptors", Kind.GAUGE, (), "Open file descriptors of this server process.")
SERVER_INFO = _server("info", Kind.GAUGE, ("profile", "scale", "slot"), "Always 1; what this process runs.")

# Generator: what people met.
ARRIVALS_OFFERED = _generator("arrivals_offered_total", Kind.COUNTER, (), "People whose due time has come.")
ARRIVALS_STARTED = _generator("arrivals_started_total", Kind.COUNTER, (), "People who were started.")
LATENESS_SECONDS = _generator(
    "lateness_seconds",
    Kind.HISTOGRAM,
    (),
    "Wall time from due to sent, for first steps: the generator's fault.",
    (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0),
)
ATTEMPTS = _generator("attempts_total", Kind.COUNTER, ("step", "outcome", "phase"), "Attempts ended, as their person saw it.")
RESPONSE_SECONDS = _generator("response_seconds", Kind.HISTOGRAM, ("step",), "Wall time from due to done.", SECONDS_BUCKETS)
PEOPLE_PASSED = _generator("people_passed_total", Kind.COUNTER, ("step",), "People who passed a step.")
PEOPLE_FATES = _generator("people_fates_total", Kind.COUNTER, ("fate",), "People whose fate is known.")
PEOPLE_IN_FLIGHT = _generator("people_in_flight", Kind.GAUGE, (), "People in an exchange now.")
PEOPLE_WAITING = _generator("people_waiting", Kind.GAUGE, (), "People between two steps, or waiting for a message.")
SENT_BYTES = _generator("sent_bytes_total", Kind.COUNTER, (), "Bytes sent.")
GENERATOR_CPU_SECONDS = _generator("cpu_seconds_total", Kind.COUNTER, (), "CPU time of this generator process.")
GENERATOR_INFO = _generator("info", Kind.GAUGE, ("scenario", "profile", "scale", "run_id", "process"), "Always 1; what this process runs.")

CATALOGUE: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""Every metric, in the order of this file."""


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
    *("test_start", "test", "join", "status", "photo_post", "ticket", "photo_put"),
)
"""What was asked for: one name a route of the reference server."""

LABEL_SETS: Mapping[tuple[Side, str], LabelSet] = {
    (Side.SERVER, "photo"): LabelSet(tuple(PhotoKind), "the two photos"),
    (Side.SERVER, "stage"): LabelSet(
        (*_members(Stage, "").values, "store_wait"), "the server's stages, and for times also the wait for a turn at the store"
    ),
    (Side.SERVER, "outcome"): _members(ServerOutcome, "how the server ended an attempt"),
    (Side.SERVER, "code"): _members(Code, "the codes of problem documents; none with success"),
    (Side.SERVER, "route"): LabelSet(SERVER_ROUTES, "the server's routes, and one for everything else"),
    (Side.SERVER, "status"): LabelSet((), "the HTTP statuses that the server answers with"),
    (Side.SERVER, "step"): LabelSet(REGISTRATION_STEPS, "the steps of the registration"),
    (Side.SERVER, "budget"): LabelSet(("received", "admitted"), "the tickets' two byte budgets"),
    (Side.SERVER, "result"): LabelSet(("verified", "unknown"), "what the civil registry says"),
    (Side.SERVER, "kind"): LabelSet(("email-link", "otp", "registry"), "the kinds of message"),
    (Side.SERVER, "profile"): LabelSet((), "the profile that the process runs: one value a process"),
    (Side.SERVER, "scale"): LabelSet((), "the scale that the process runs at: one value a process"),
    (Side.SERVER, "slot"): LabelSet((), "the number of the server process, below the number of processes"),
    (Side.GENERATOR, "step"): LabelSet((), "the journey of the scenario"),
    (Side.GENERATOR, "outcome"): _members(Outcome, "how an attempt ended for its person"),
    (Side.GENERATOR, "phase"): _members(Phase, "where in the exchange the attempt ended"),
    (Side.GENERATOR, "fate"): _members(Fate, "what became of a person"),
    (Side.GENERATOR, "scenario"): LabelSet((), "the scenario that the process replays: one value a process"),
    (Side.GENERATOR, "profile"): LabelSet((), "the profile that the target runs: one value a process"),
    (Side.GENERATOR, "scale"): LabelSet((), "the scale that the process runs at: one value a process"),
    (Side.GENERATOR, "run_id"): LabelSet((), "the run: one value a process"),
    (Side.GENERATOR, "process"): LabelSet((), "the number of the generator process, below the number of processes"),
}
"""Where the values of each label come from; a test fails on a label without an entry."""
