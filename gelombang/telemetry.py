"""The catalogue of metrics: the one place where a metric's name, kind, unit, labels and meaning are written.

Server and generator register from here, dashboards and alert rules are checked against it, and `docs/metrics.md` is generated from it.
Labels take values from closed sets only. Naming follows Prometheus, "Metric and label naming": base units, `_total` for counters.

A machine has one owner on each side: the server's process 0 says how its machine fares, the generator's process 0 how its own does. Sums
over processes are then right, and a site without a generator still has a machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Side(StrEnum):
    SERVER = "server"
    GENERATOR = "generator"


SERIES_LIMITS = {Side.SERVER: 2_500, Side.GENERATOR: 3_500}
"""Series that one process of this side may have, whatever people send."""
PAGE_BYTES_LIMITS = {Side.SERVER: 300_000, Side.GENERATOR: 400_000}
"""Bytes of one process's page with as many."""
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are in the order in which values are given."""

    name: str
    kind: Kind
    side: Side
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    takes_labels: bool = False
    """The labels that the operator gave the run (`--label key=value`) come after its own."""


class MachineMetrics(NamedTuple):
    """How one side's machine fares, as its kernel counts."""

    cores: Metric
    cpu_seconds: Metric
    stalled_seconds: Metric
    memory_bytes: Metric
    memory_available_bytes: Metric
    dirty_bytes: Metric
    writeback_bytes: Metric
    retransmits: Metric
    listen_overflows: Metric
    listen_drops: Metric


class AuditMetrics(NamedTuple):
    """What the auditor does that keeps the photos within a bound; absent where there is none."""

    photos: Metric
    removed_bytes: Metric
    kept_bytes: Metric
    due_bytes: Metric
    limit_bytes: Metric
    age_seconds: Metric


def _server(name: str, kind: Kind, labels: tuple[str, ...], text: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(f"gelombang_server_{name}", kind, Side.SERVER, labels, text, buckets)


def _generator(name: str, kind: Kind, labels: tuple[str, ...], text: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(f"gelombang_generator_{name}", kind, Side.GENERATOR, labels, text, buckets)


def _info(owner: str, side: Side, labels: tuple[str, ...]) -> Metric:
    return Metric(f"gelombang_{owner}_info", Kind.GAUGE, side, labels, "Always 1; what this process runs.", takes_labels=True)


def _machine(owner: str, side: Side) -> MachineMetrics:
    def metric(name: str, kind: Kind, text: str, *labels: str) -> Metric:
        return Metric(f"gelombang_{owner}_machine_{name}", kind, side, labels, text)

    return MachineMetrics(
        cores=metric("cores", Kind.GAUGE, "Cores of this machine."),
        cpu_seconds=metric("cpu_seconds_total", Kind.COUNTER, "CPU time of this machine, by what its cores did.", "mode"),
        stalled_seconds=metric(
            "stalled_seconds_total", Kind.COUNTER, "Time in which some task waited for this (pressure stall information).", "resource"
        ),
        memory_bytes=metric("memory_bytes", Kind.GAUGE, "Memory of this machine."),
        memory_available_bytes=metric("memory_available_bytes", Kind.GAUGE, "Memory that a new program could have without swapping."),
        dirty_bytes=metric("dirty_bytes", Kind.GAUGE, "Bytes written and not yet on their way to the disk."),
        writeback_bytes=metric("writeback_bytes", Kind.GAUGE, "Bytes on their way to the disk."),
        retransmits=metric("tcp_retransmits_total", Kind.COUNTER, "TCP segments sent again."),
        listen_overflows=metric(
            "listen_overflows_total", Kind.COUNTER, "Connections that found an accept queue full: no server ever saw them."
        ),
        listen_drops=metric("listen_drops_total", Kind.COUNTER, "Connections dropped before a server saw them, overflows included."),
    )


def _audit() -> AuditMetrics:
    return AuditMetrics(
        photos=_server("photo_audits_total", Kind.COUNTER, ("finding",), "Photos that the auditor read back; right ones are removed."),
        removed_bytes=_server(
            "photo_audit_removed_bytes_total", Kind.COUNTER, (), "Bytes that photos took of the disk and were read back right, so removed."
        ),
        kept_bytes=_server("photo_audit_kept_bytes", Kind.GAUGE, (), "Bytes that photos take of the disk and have not been removed."),
        due_bytes=_server(
            "photo_audit_due_bytes",
            Kind.GAUGE,
            (),
            "Bytes of the oldest photos that should be read back and removed by now: how far the auditor is behind.",
        ),
        limit_bytes=_server("photo_audit_limit_bytes", Kind.GAUGE, (), "Bytes that photos may take of the disk."),
        age_seconds=_server("photo_audit_age_seconds", Kind.GAUGE, (), "Wall time since the auditor last ended a look at the photos."),
    )


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
UPLOAD_PLACES_USED = _server("upload_places_used", Kind.GAUGE, (), "Uploads that have a place: a whole form in memory, or an open ticket.")
UPLOAD_PLACES_LIMIT = _server("upload_places_limit", Kind.GAUGE, (), "Places for uploads: forms in memory, or tickets open at once.")
PHOTO_CHECKS = _server("photo_checks_total", Kind.COUNTER, ("verdict",), "Acknowledged photos that were decoded, by what was found.")
PHOTO_CHECKS_WAITING = _server("photo_checks_waiting", Kind.GAUGE, (), "Acknowledged photos that nobody has decoded yet.")
CLIENT_UPLOAD_OUTCOMES = _server(
    "client_upload_outcomes_total",
    Kind.COUNTER,
    ("photo", "client_outcome", "client_phase"),
    "Uploads as applicants' pages said that they ended.",
)
CLIENT_REPORTS_UNWRITTEN = _server(
    "client_reports_unwritten_total", Kind.COUNTER, (), "Reports of pages that were counted and not written down: the file was full."
)
SHED = _server("shed_total", Kind.COUNTER, ("code",), "Answers that refused on purpose and told a time to come back.")
REQUESTS = _server("requests_total", Kind.COUNTER, ("route", "status"), "Requests answered.")
REQUEST_SECONDS = _server("request_seconds", Kind.HISTOGRAM, ("route",), "Wall time from headers read to answer written.", SECONDS_BUCKETS)
REQUESTS_IN_PROGRESS = _server("requests_in_progress", Kind.GAUGE, (), "Requests being answered, photos apart.")
REQUESTS_LIMIT = _server("requests_limit", Kind.GAUGE, (), "Requests that are answered at once, photos apart.")
PROBLEMS = _server("problems_total", Kind.COUNTER, ("code",), "Answers that were problem documents.")
PEOPLE_STEPS = _server("people_steps_total", Kind.COUNTER, ("step",), "People who passed a step of the registration.")
STORE_TURNS = _server("store_turns", Kind.GAUGE, (), "Uploads that have a turn at the photo store.")
STORE_WAITING = _server("store_waiting", Kind.GAUGE, (), "Uploads waiting for a turn at the photo store.")
STORE_WAITING_LIMIT = _server("store_waiting_limit", Kind.GAUGE, (), "Uploads that may wait for a turn at the photo store.")
STORE_TURNS_LIMIT = _server("store_turns_limit", Kind.GAUGE, (), "Turns that the photo store gives at once.")
STORE_USED_BYTES = _server("store_used_bytes", Kind.GAUGE, (), "Bytes in the photo store.")
STORE_CAPACITY_BYTES = _server("store_capacity_bytes", Kind.GAUGE, (), "Bytes the photo store can hold.")
STORE_BANDWIDTH_BYTES_PER_SECOND = _server(
    "store_bandwidth_bytes_per_second", Kind.GAUGE, (), "Bytes that the photo store can move in a second of wall time."
)
STORE_MOVED_BYTES = _server("store_moved_bytes_total", Kind.COUNTER, (), "Bytes moved by the photo store, commit cost included.")
TICKET_BUDGET_USED_BYTES = _server("ticket_budget_used_bytes", Kind.GAUGE, ("budget",), "Byte budgets in use (received, admitted).")
TICKET_BUDGET_LIMIT_BYTES = _server("ticket_budget_limit_bytes", Kind.GAUGE, ("budget",), "Byte budgets (received, admitted).")
ROOM_PEOPLE = _server("room_people", Kind.GAUGE, (), "People with a place in the waiting room.")
ROOM_ADMITTED = _server(
    "room_admitted_total",
    Kind.COUNTER,
    ("promise",),
    "People let in who had a place: kept, when they waited within a fifth of what they had been told.",
)
ROOM_TOLD_AGAIN = _server("room_told_again_total", Kind.COUNTER, (), "Refusals of people who had a place: too early, or no room in time.")
REGISTRY_WAITING = _server("registry_waiting", Kind.GAUGE, (), "People waiting for the civil registry.")
REGISTRY_WAITING_LIMIT = _server("registry_waiting_limit", Kind.GAUGE, (), "People who may wait for the civil registry.")
REGISTRY_LIMIT_PER_SECOND = _server(
    "registry_limit_per_second", Kind.GAUGE, (), "Look-ups that the civil registry takes in a second of wall time."
)
REGISTRY_LOOKUPS = _server("registry_lookups_total", Kind.COUNTER, ("result",), "Look-ups in the civil registry.")
MESSAGES_WAITING = _server("messages_waiting", Kind.GAUGE, ("kind",), "Mail and SMS in the outbox, not sent.")
MESSAGES_SENT = _server("messages_sent_total", Kind.COUNTER, ("kind",), "Mail and SMS handed to the person's phone.")
PAYMENT_ANSWERS = _server(
    "payment_answers_total", Kind.COUNTER, ("became",), "Payments about which a wallet partner was asked, by what became of them."
)
DATABASE_QUEUE = _server("database_queue", Kind.GAUGE, (), "Operations waiting for the database writer.")
DATABASE_QUEUE_LIMIT = _server("database_queue_limit", Kind.GAUGE, (), "Operations that may wait for the database writer.")
DATABASE_LOCK_SECONDS = _server(
    "database_lock_seconds", Kind.HISTOGRAM, (), "Wall time a transaction waited to become the only writer.", SECONDS_BUCKETS
)
DATABASE_COMMIT_SECONDS = _server(
    "database_commit_seconds", Kind.HISTOGRAM, (), "Wall time from being the only writer to durable, for one transaction.", SECONDS_BUCKETS
)
DATABASE_COMMITS = _server("database_commits_total", Kind.COUNTER, (), "Transactions committed.")
DATABASE_OPERATIONS = _server("database_operations_total", Kind.COUNTER, (), "Operations in those transactions.")
HASH_QUEUE = _server("hash_queue", Kind.GAUGE, (), "Passwords waiting to be hashed.")
HASH_QUEUE_LIMIT = _server("hash_queue_limit", Kind.GAUGE, (), "Passwords that may wait to be hashed.")
HASH_THREADS_BUSY = _server("hash_threads_busy", Kind.GAUGE, (), "Threads that hash a password now.")
HASH_THREADS_LIMIT = _server("hash_threads_limit", Kind.GAUGE, (), "Threads that hash passwords.")
COMMIT_QUEUE = _server("commit_queue", Kind.GAUGE, (), "Photos waiting for a thread that makes them durable.")
COMMIT_LINE_STANDS = _server(
    "commit_line_stands", Kind.GAUGE, (), "1 while that line stands: the newest goes first, and who waited too long is refused."
)
COMMIT_WAIT_SECONDS = _server(
    "commit_wait_seconds", Kind.HISTOGRAM, (), "Wall time a photo waited until it could be made durable.", SECONDS_BUCKETS
)
COMMIT_PLACES_LIMIT = _server(
    "commit_places_limit", Kind.GAUGE, (), "Photos that are made durable at once now: adapts to how long the disk takes."
)
COMMIT_BASELINE_SECONDS = _server(
    "commit_baseline_seconds", Kind.GAUGE, (), "Wall time that making one photo durable takes alone, as last measured; 0: not yet."
)
COMMIT_THREADS_BUSY = _server("commit_threads_busy", Kind.GAUGE, (), "Threads that make a photo durable now.")
COMMIT_THREADS_LIMIT = _server("commit_threads_limit", Kind.GAUGE, (), "Threads that make photos durable.")
SYNC_SECONDS = _server(
    "sync_seconds", Kind.HISTOGRAM, ("target",), "Wall time of one fdatasync of a photo, or fsync of its directory.", SECONDS_BUCKETS
)
OBJECT_PUTS = _server("object_puts_total", Kind.COUNTER, ("answer",), "Photos, and pieces of begun ones, given to the object store.")
OBJECT_PUT_SECONDS = _server(
    "object_put_seconds", Kind.HISTOGRAM, (), "Wall time until the object store had a photo, repeated tries included.", SECONDS_BUCKETS
)
OBJECT_PUTS_IN_PROGRESS = _server("object_puts_in_progress", Kind.GAUGE, (), "Photos on their way into the object store.")
OBJECT_PUTS_LIMIT = _server("object_puts_limit", Kind.GAUGE, (), "Photos that may be on their way into the object store at once.")
DISK_FREE_BYTES = _server("disk_free_bytes", Kind.GAUGE, (), "Bytes free on the disk that photos and database are on.")
SERVER_AUDIT = _audit()
ACCEPT_QUEUE = _server("accept_queue", Kind.GAUGE, ("listener",), "Connections that the kernel has taken and no process has accepted yet.")
ACCEPT_QUEUE_LIMIT = _server("accept_queue_limit", Kind.GAUGE, ("listener",), "Connections that the kernel keeps so: the listen backlog.")
NEWCOMERS_SHARE = _server(
    "newcomers_share_ratio", Kind.GAUGE, (), "Share of sign-ups and first photos that this process lets in: below 1 while it comes late."
)
LOOP_LAG_SECONDS = _server("loop_lag_seconds", Kind.HISTOGRAM, (), "How late the event loop woke a timer.", LAG_BUCKETS)
SERVER_CPU_SECONDS = _server("cpu_seconds_total", Kind.COUNTER, (), "CPU time of this server process.")
SERVER_RESIDENT_BYTES = _server("resident_bytes", Kind.GAUGE, (), "Resident memory of this server process.")
SERVER_DESCRIPTORS = _server("open_descriptors", Kind.GAUGE, (), "Open file descriptors of this server process.")
SERVER_DESCRIPTORS_LIMIT = _server("descriptors_limit", Kind.GAUGE, (), "File descriptors that this server process may have open.")
SERVER_SPEED = _server("speed_ratio", Kind.GAUGE, (), "Seconds of the people's time in a second of wall time.")
SERVER_SAMPLE = _server("sample_ratio", Kind.GAUGE, (), "Size of this site, of the full one.")
SERVER_INFO = _info("server", Side.SERVER, ("profile", "scale", "slot", "run_id", "scenario"))
SERVER_MACHINE = _machine("server", Side.SERVER)

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
UPLOADS = _generator("upload_attempts_total", Kind.COUNTER, ("photo", "outcome", "phase"), "Photo attempts ended, as their person saw it.")
UPLOAD_PHASE_SECONDS = _generator(
    "upload_phase_seconds",
    Kind.HISTOGRAM,
    ("photo", "phase"),
    "Wall time of a photo attempt in one phase: connect and send are the person's line, wait is the site.",
    SECONDS_BUCKETS,
)
ACKNOWLEDGED = _generator("photos_acknowledged_total", Kind.COUNTER, ("photo",), "Photos that the site told their person it has.")
PEOPLE_PLANNED = _generator("people_planned", Kind.GAUGE, (), "People that this process is to start, from the first to the last.")
PEOPLE_PASSED = _generator("people_passed_total", Kind.COUNTER, ("step",), "People who passed a step.")
PEOPLE_FATES = _generator("people_fates_total", Kind.COUNTER, ("fate",), "People whose fate is known.")
PEOPLE_IN_FLIGHT = _generator("people_in_flight", Kind.GAUGE, (), "People in an exchange now.")
PEOPLE_IN_FLIGHT_LIMIT = _generator("people_in_flight_limit", Kind.GAUGE, (), "People that this process can have in an exchange.")
PEOPLE_WAITING = _generator("people_waiting", Kind.GAUGE, (), "People between two steps, or waiting for a message.")
SENT_BYTES = _generator("sent_bytes_total", Kind.COUNTER, (), "Bytes sent.")
GENERATOR_CPU_SECONDS = _generator("cpu_seconds_total", Kind.COUNTER, (), "CPU time of this generator process.")
GENERATOR_RESIDENT_BYTES = _generator("resident_bytes", Kind.GAUGE, (), "Resident memory of this generator process.")
GENERATOR_DESCRIPTORS = _generator("open_descriptors", Kind.GAUGE, (), "Open file descriptors of this generator process.")
GENERATOR_DESCRIPTORS_LIMIT = _generator("descriptors_limit", Kind.GAUGE, (), "File descriptors that this generator process may have open.")
GENERATOR_LOOP_LAG_SECONDS = _generator(
    "loop_lag_seconds",
    Kind.HISTOGRAM,
    (),
    "How late the generator's loop woke a timer: every person of the process waited as long.",
    LAG_BUCKETS,
)
VALIDITY = _generator("validity", Kind.GAUGE, ("validity",), "1 for what this process would say of the run now, 0 for the other words.")
DOUBT = _generator("doubt", Kind.GAUGE, ("doubt",), "1 while this process has this reason not to believe the run.")
GENERATOR_SPEED = _generator("speed_ratio", Kind.GAUGE, (), "Seconds of the people's time in a second of wall time.")
GENERATOR_SAMPLE = _generator("sample_ratio", Kind.GAUGE, (), "Share of the people that are sent.")
GENERATOR_INFO = _info("generator", Side.GENERATOR, ("scenario", "profile", "scale", "run_id", "process"))
GENERATOR_MACHINE = _machine("generator", Side.GENERATOR)

CATALOGUE: tuple[Metric, ...] = tuple(
    metric
    for value in list(globals().values())
    for metric in ((value,) if isinstance(value, Metric) else value if isinstance(value, MachineMetrics | AuditMetrics) else ())
)
"""Every metric, in the order of this file."""


def buckets_with(buckets: Sequence[float], limits: Iterable[float]) -> tuple[float, ...]:
    """`buckets` with an edge at each limit, so that the share beyond a limit is counted and never interpolated."""
    return tuple(sorted({*buckets, *(round(limit, 6) for limit in limits if limit > 0)}))
