"""The causes that a diagnosis can name: a closed set, each with who owns it and what to turn.

The order is that of looking: the instrument first, because a starved generator makes every other number a guess; then the kernel and the
processes that everything stands on; then the disk, the database, the store, the partner; and last what people and settings do.
"""

from enum import StrEnum


class Owner(StrEnum):
    """Whose fault it is."""

    GENERATOR = "generator"
    KERNEL = "kernel"
    PROCESS = "server process"
    STAGE = "server stage"
    STORE = "store"
    PARTNER = "partner"
    LINE = "person's line"


class Cause(StrEnum):
    """What is wrong, in the order of looking."""

    GENERATOR_STARVED = "generator starved"
    BACKLOG_TOO_SMALL = "listen backlog too small"
    PROCESS_SLOW = "one slow process"
    SERVER_STARVED = "server starved"
    DISK_STALLED = "stalled fsync"
    DATABASE_LOCKED = "database writer locked"
    STORE_FULL = "full store"
    STORE_SLOW = "slow store"
    STORE_OVERLOADED = "too many turns"
    REGISTRY_CAPPED = "registry capped"
    BODY_LIMIT_LOW = "body limit too low"
    TIME_OUT_SHORT = "time-out shorter than the store"
    LINES_SLOW = "slow lines"


OWNER_OF: dict[Cause, Owner] = {
    Cause.GENERATOR_STARVED: Owner.GENERATOR,
    Cause.BACKLOG_TOO_SMALL: Owner.KERNEL,
    Cause.PROCESS_SLOW: Owner.PROCESS,
    Cause.SERVER_STARVED: Owner.PROCESS,
    Cause.DISK_STALLED: Owner.KERNEL,
    Cause.DATABASE_LOCKED: Owner.STAGE,
    Cause.STORE_FULL: Owner.STORE,
    Cause.STORE_SLOW: Owner.STORE,
    Cause.STORE_OVERLOADED: Owner.STAGE,
    Cause.REGISTRY_CAPPED: Owner.PARTNER,
    Cause.BODY_LIMIT_LOW: Owner.STAGE,
    Cause.TIME_OUT_SHORT: Owner.STAGE,
    Cause.LINES_SLOW: Owner.LINE,
}

KNOB_OF: dict[Cause, str] = {
    Cause.GENERATOR_STARVED: "--sample, --generator-processes",
    Cause.BACKLOG_TOO_SMALL: "api.backlog, net.core.somaxconn",
    Cause.PROCESS_SLOW: "restart that process",
    Cause.SERVER_STARVED: "--server-processes",
    Cause.DISK_STALLED: "the disk below the site's folder",
    Cause.DATABASE_LOCKED: "whoever holds the database's lock",
    Cause.STORE_FULL: "store.capacity_bytes",
    Cause.STORE_SLOW: "store.bandwidth_bytes_per_second",
    Cause.STORE_OVERLOADED: "store.turns_limit",
    Cause.REGISTRY_CAPPED: "registry.lookups_per_second",
    Cause.BODY_LIMIT_LOW: "uploads.photo_limit_bytes",
    Cause.TIME_OUT_SHORT: "uploads.answer_within_seconds",
    Cause.LINES_SLOW: "uploads.body_stall_seconds, smaller photos",
}
"""The setting of the profile, the option of the command, or the thing outside of both."""
