"""The page *The machine*: each resource of the server by use, saturation and errors (Gregg, "The USE Method", ACM Queue 10, 2012)."""

from gelombang import telemetry
from gelombang.panels.expression import Expression, Over, now, per_second, quantile
from gelombang.panels.parts import Colour, Page, Paint, Panel, Query, Row, Runbook, Unit

_MACHINE = telemetry.SERVER_MACHINE
_AUDIT = telemetry.SERVER_AUDIT
_LIMIT = Paint("limit", Colour.GREY, dashed=True)
_PAGE = Runbook.PEOPLE_NOT_FINISHING


def _panel(title: str, description: str, unit: Unit, *lines: tuple[Expression, str], decimals: int | None = None) -> Panel:
    queries = tuple(Query(expression, legend) for expression, legend in lines)
    return Panel(title, description, unit, queries, _PAGE, decimals=decimals, paints=(_LIMIT,))


_CPU = Row(
    "CPU and event loop",
    (
        _panel(
            "Server CPU",
            "Use: cores of each server process. Near 1 the process is at its end: add processes, unless the store is the bottleneck; then"
            " more processes make it worse.",
            Unit.CORES,
            (per_second(telemetry.SERVER_CPU_SECONDS, by=("instance",)), "{{instance}}"),
            decimals=2,
        ),
        _panel(
            "Server machine: CPU",
            "Use: cores by what they do, and how many there are (dashed). Steal means that a neighbour on the same host takes them away;"
            " iowait that they wait for the disk.",
            Unit.CORES,
            (per_second(_MACHINE.cpu_seconds, 'mode!="idle"', by=("mode",)), "{{mode}}"),
            (now(_MACHINE.cores), "limit: cores"),
        ),
        _panel(
            "Loop lag p99",
            "Saturation: how late the event loop woke a timer. Above 0.05 s something blocks the loop or the CPU is used up, and every time"
            " on these pages grows with it. One instance alone: that process is slow, take it out.",
            Unit.SECONDS,
            (quantile(0.99, telemetry.LOOP_LAG_SECONDS, by=("instance",)), "{{instance}}"),
        ),
    ),
)

_DOOR = Row(
    "The door: kernel and requests",
    (
        _panel(
            "Accept queue",
            "Use: connections that the kernel took and no process accepted yet, and how many it keeps (dashed). A full queue drops what"
            " comes: raise api.backlog and the kernel's net.core.somaxconn.",
            Unit.COUNT,
            (now(telemetry.ACCEPT_QUEUE, by=("listener",)), "{{listener}}"),
            (now(telemetry.ACCEPT_QUEUE_LIMIT, by=("listener",)), "limit of {{listener}}"),
            decimals=0,
        ),
        _panel(
            "Connections that the kernel dropped",
            "Errors: connections that found the accept queue full, and all that were dropped before a server saw them. Nobody logs them:"
            " these counters are their only witness.",
            Unit.PER_SECOND,
            (per_second(_MACHINE.listen_overflows), "accept queue full"),
            (per_second(_MACHINE.listen_drops), "dropped"),
            (per_second(_MACHINE.retransmits), "segments sent again"),
        ),
        _panel(
            "Requests in progress",
            "Use: requests being answered, photos apart, and places for uploads, each with its limit (dashed). At the limit people are told"
            " to come back: that is meant.",
            Unit.COUNT,
            (now(telemetry.REQUESTS_IN_PROGRESS), "requests"),
            (now(telemetry.REQUESTS_LIMIT), "limit of requests"),
            (now(telemetry.UPLOAD_PLACES_USED), "upload places"),
            (now(telemetry.UPLOAD_PLACES_LIMIT), "limit of upload places"),
        ),
    ),
)

_DISK = Row(
    "Disk",
    (
        _panel(
            "Time of a sync, p99",
            "Use: wall time of one fdatasync of a photo, and of the fsync of its directory. When it grows, the disk is the patient: look at"
            " what else writes to it, not at the store's settings. Beside it: how long a photo waited until it could be"
            " made durable, what making one durable takes alone, as the server last measured it, and, where photos are objects, how long"
            " the object store took for one.",
            Unit.SECONDS,
            (quantile(0.99, telemetry.SYNC_SECONDS, by=("target",)), "{{target}}"),
            (quantile(0.99, telemetry.COMMIT_WAIT_SECONDS), "wait in line"),
            (quantile(0.99, telemetry.OBJECT_PUT_SECONDS), "object store"),
            (now(telemetry.COMMIT_BASELINE_SECONDS), "one photo alone"),
        ),
        _panel(
            "Commit threads",
            "Saturation: threads that make photos durable, how many may work now (uploads.commits adapts it to the disk), their limit"
            " (dashed), and photos that wait for one. All that may are busy with a line before them: the disk is slow, or"
            " api.commit_threads is too low for it.",
            Unit.COUNT,
            (now(telemetry.COMMIT_THREADS_BUSY), "busy"),
            (now(telemetry.COMMIT_QUEUE), "photos waiting"),
            (now(telemetry.COMMIT_PLACES_LIMIT), "may work now"),
            (now(telemetry.COMMIT_LINE_STANDS), "1: the line stands"),
            (now(telemetry.COMMIT_THREADS_LIMIT), "limit of threads"),
        ),
        _panel(
            "Photos on their way into the object store",
            "Saturation: photos that are being put now, and how many may be at once (dashed); errors: what the store answered, a second."
            " Empty where photos are files. All places taken while answers are good: the store is slow, or objects.puts_limit is too low"
            " for it; answers that are not good: docs/server.md, the object store.",
            Unit.COUNT,
            (now(telemetry.OBJECT_PUTS_IN_PROGRESS), "under way"),
            (per_second(telemetry.OBJECT_PUTS, by=("answer",)), "{{answer}} a second"),
            (now(telemetry.OBJECT_PUTS_LIMIT), "limit at once"),
        ),
        _panel(
            "Bytes on their way to the disk",
            "Saturation: written and not yet under way, under way, and free on the disk. Dirty bytes that only grow end in writers that"
            " are made to wait.",
            Unit.BYTES,
            (now(_MACHINE.dirty_bytes), "dirty"),
            (now(_MACHINE.writeback_bytes), "under way"),
            (now(telemetry.DISK_FREE_BYTES), "limit: free on the disk"),
        ),
    ),
)

_BOUND = Row(
    "Verify, then delete: photos within a bound",
    (
        _panel(
            "Photos kept on the disk",
            "Saturation: what photos take of the disk, the bound that the site was given (dashed), and what should be gone by now: above"
            " nine tenths of the bound the oldest are read back and removed. A backlog that grows: photos come faster than the auditor"
            " reads them, or wait for their check. Empty without --keep-bytes.",
            Unit.BYTES,
            (now(_AUDIT.kept_bytes), "kept"),
            (now(_AUDIT.due_bytes), "should be gone"),
            (now(_AUDIT.limit_bytes), "limit"),
        ),
        _panel(
            "Photos kept and removed a second",
            "Use: bytes acknowledged and bytes removed. Once the bound is reached the second must keep pace with the first (it counts whole"
            " blocks of the disk, so it is a little more). It stays below: the disk gives the auditor too little; look at the time of a"
            " sync.",
            Unit.BYTES_PER_SECOND,
            (per_second(telemetry.UPLOAD_KEPT_BYTES), "acknowledged"),
            (per_second(_AUDIT.removed_bytes), "read back and removed"),
        ),
        _panel(
            "Photos read back",
            "Errors: photos read back a second, by what was found. Any that is not right is lost to its person and named by gelombang"
            " verify; its file stays: stop and look at the disk.",
            Unit.PER_SECOND,
            (per_second(_AUDIT.photos, by=("finding",)), "{{finding}}"),
        ),
        _panel(
            "Since the auditor's last look",
            "Wall time since the auditor last ended a look at the photos: above some seconds it has died, or its disk stands still.",
            Unit.SECONDS,
            (now(_AUDIT.age_seconds), "since the last look"),
        ),
    ),
)

_DATABASE = Row(
    "Database and passwords",
    (
        _panel(
            "Database: waiting to be the only writer, p99",
            "Saturation: how long a transaction waited for another writer, and how long it took from there to durable. Waiting that grows"
            " alone: something else holds the lock, find and end it. Both grow: the disk.",
            Unit.SECONDS,
            (quantile(0.99, telemetry.DATABASE_LOCK_SECONDS), "waiting for the lock"),
            (quantile(0.99, telemetry.DATABASE_COMMIT_SECONDS), "commit"),
        ),
        _panel(
            "Database and password queues",
            "Saturation: operations waiting for the database writer, passwords waiting to be hashed, and their limits (dashed). A queue"
            " that does not empty delays account and data first.",
            Unit.COUNT,
            (now(telemetry.DATABASE_QUEUE), "database"),
            (now(telemetry.HASH_QUEUE), "passwords"),
            (now(telemetry.DATABASE_QUEUE_LIMIT), "limit of the database's queue"),
            (now(telemetry.HASH_QUEUE_LIMIT), "limit of the passwords' queue"),
        ),
        _panel(
            "Newcomers let in",
            "Saturation: the share of sign-ups and first photos that each process lets in. Below 1 the process comes late to everything:"
            " it asks newcomers to come back (docs/server.md, Overload). It stays low: more processes, or fewer people at once.",
            Unit.RATIO,
            (now(telemetry.NEWCOMERS_SHARE, by=("instance",)), "{{instance}}"),
        ),
        _panel(
            "Operations per database commit",
            "Use: how many operations share a commit. It rises with load, which is the point of grouping; at api.database_batch_limit the"
            " writer is full.",
            Unit.COUNT,
            (Over(per_second(telemetry.DATABASE_OPERATIONS), per_second(telemetry.DATABASE_COMMITS)), "operations"),
            decimals=1,
        ),
        _panel(
            "Hashing threads",
            "Use: threads that hash a password now, and how many there are (dashed). All busy all the time: accounts and log-ins wait, and"
            " more threads help only while there are cores.",
            Unit.COUNT,
            (now(telemetry.HASH_THREADS_BUSY), "busy"),
            (now(telemetry.HASH_THREADS_LIMIT), "limit of threads"),
        ),
    ),
)

_MEMORY = Row(
    "Memory, descriptors and waiting",
    (
        _panel(
            "Memory",
            "Use: resident memory of each server process, and what the machine could still give (dashed). Photos held whole in memory show"
            " here: it must level off at the limit of bodies times the size of a photo.",
            Unit.BYTES,
            (now(telemetry.SERVER_RESIDENT_BYTES, by=("instance",)), "{{instance}}"),
            (now(_MACHINE.memory_available_bytes), "limit: available"),
            (now(_MACHINE.memory_bytes), "limit: machine"),
        ),
        _panel(
            "Open descriptors",
            "Use: files and sockets open in each server process, against their limit (dashed). Near it connections are refused before the"
            " site sees them.",
            Unit.COUNT,
            (now(telemetry.SERVER_DESCRIPTORS, by=("instance",)), "{{instance}}"),
            (now(telemetry.SERVER_DESCRIPTORS_LIMIT, by=("instance",)), "limit of {{instance}}"),
            decimals=0,
        ),
        _panel(
            "Time in which some task waited",
            "Saturation: share of the time in which some task waited for CPU, disk or memory, as the kernel counts it. It names the"
            " resource that is short before any queue of the site shows it.",
            Unit.RATIO,
            (per_second(_MACHINE.stalled_seconds, by=("resource",)), "{{resource}}"),
        ),
        _panel(
            "Clock and size of the site",
            "Seconds of the people's time in a second of wall time, and the size of the site, of the full one.",
            Unit.COUNT,
            (now(telemetry.SERVER_SPEED, by=("instance",)), "clock of {{instance}}"),
            (now(telemetry.SERVER_SAMPLE, by=("instance",)), "size of {{instance}}"),
        ),
    ),
)

MACHINE_PAGE = Page(
    uid="gelombang-machine",
    file="the-machine",
    title="The machine",
    description="Each resource of the server by use, saturation and errors: CPU, the door, the disk, the database, memory.",
    tags=("gelombang", "machine"),
    rows=(_CPU, _DOOR, _DISK, _BOUND, _DATABASE, _MEMORY),
)
