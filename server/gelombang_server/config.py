"""What a server process knows about its run: read once from server.json, scaled once, handed to every handler through the app.

Everything under `SiteContext.profile` is scaled: wall seconds, this run's counts and bytes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from aiohttp import web

from gelombang.clock import monotonic_us
from gelombang.errors import Fault, FileError, GelombangError
from gelombang.profile import Profile
from gelombang.runplan import ServerPlan, read_model
from gelombang.scale import Scale, scaled
from gelombang.secrets import look_up_text
from gelombang_server.attempts import AttemptBook, ServerAttempt
from gelombang_server.logbook import Logbook
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import PeopleStore
from gelombang_server.sealing import Seal

SITE_FOLDER = "site"
SESSION_KEY_FILE = "session.key"
SESSION_KEY_BYTES = 32
EVERY_ADDRESS = "0.0.0.0"
LAST_PORT = 65_535


@dataclass(slots=True)
class SiteContext:
    """One process's view of the site."""

    plan: ServerPlan
    profile: Profile
    """Scaled."""
    scale: Scale
    slot: int
    """Which process: 0 runs registry, outbox and harness; uploads of their own have the last slots."""
    site: Path
    """The server's data: the database, photos/."""
    session_key: bytes
    site_zero_us: int
    """The run's zero, or that of the first of several servers that share a database."""
    database: PeopleStore
    book: AttemptBook
    metrics: Metrics
    uploads_url: str
    """Of the process that takes uploads: where a ticket's photo goes."""
    front_url: str
    """Where tickets are asked for, and uploads begun and gone on with: any server of the site understands those."""
    seal: Seal
    """What identity numbers are closed with before they are written."""
    stopping: asyncio.Event
    """Set when the process drains."""
    pages_url: str = ""
    """Where the pages are, for a process that takes uploads and has none; empty in those that serve them."""
    log: Logbook | None = None
    """None: the profile wants none."""
    sync_delay_seconds: float = 0.0
    """What a drill makes each sync of a photo wait; 0 outside of drills."""
    sync_fails: bool = False
    """A drill makes each sync of a photo fail."""
    when_changed: list[Callable[[], None]] = field(default_factory=list)
    """Told when a drill has changed `profile`: at most one entry for each part of the site that keeps its settings."""
    failure: GelombangError | None = None
    """Why this process can't go on, when it was not asked to stop."""

    @property
    def seed(self) -> int:
        return self.plan.seed

    @property
    def zero_us(self) -> int:
        return self.plan.zero_us

    @property
    def place(self) -> int:
        """Of this process among those that take uploads, from 0 on."""
        return max(0, self.slot - self.plan.processes)

    @property
    def places(self) -> int:
        """How many processes take uploads."""
        return self.plan.profile.uploads.processes

    def fail(self, error: GelombangError) -> None:
        """This process can't go on: drain, and end with this error (the first one counts)."""
        self.failure = self.failure or error
        self.stopping.set()

    def now_us(self) -> int:
        """Microseconds since the site's zero; negative before it."""
        return monotonic_us() - self.site_zero_us

    def after_us(self, seconds: float) -> int:
        """The moment `seconds` (wall) from now."""
        return self.now_us() + round(seconds * 1e6)


CONTEXT = web.AppKey("context", SiteContext)
ATTEMPT = web.RequestKey("attempt", ServerAttempt)
"""The attempt that a request belongs to; the door puts it there before any handler runs."""


def read_plan(path: Path) -> ServerPlan:
    """The orders in server.json. Raises RecordError or FileError with what is wrong and what is wanted."""
    plan = read_model(path, ServerPlan)
    faults = []
    try:
        scale = plan.scale.scale()
        if not 0 < scale.sample <= 1 or min(scale.speed, scale.bytes_ratio, scale.load) <= 0:
            faults.append(Fault("scale", str(plan.scale), "sample in (0, 1], speed, bytes_ratio and load above 0"))
    except (ValueError, ZeroDivisionError):
        faults.append(Fault("scale.sample", repr(plan.scale.sample), f"a fraction such as {Fraction(1, 50)}"))
    if plan.processes > 1 and not plan.profile.uploads.own_process:
        wanted = f"1, because profile {plan.profile.name} takes uploads inside the API processes and its modelled photo store has one owner"
        faults.append(Fault("processes", str(plan.processes), wanted))
    if plan.uploads_url is not None and plan.profile.uploads.own_process and plan.profile.uploads.processes > 1:
        wanted = f"none, because profile {plan.profile.name} takes uploads in {plan.profile.uploads.processes} processes, each with its own"
        faults.append(Fault("uploads_url", plan.uploads_url, wanted))
    faults += _address_faults(plan)
    if faults:
        raise FileError(str(path), faults)
    look_up_text(plan.harness_token, "harness_token")
    return plan


def _address_faults(plan: ServerPlan) -> list[Fault]:
    uploads, faults = plan.profile.uploads, []
    processes = uploads.processes if uploads.own_process else 0
    wanted_ports = (("uploads_port", plan.uploads_port, processes), ("metrics_port", plan.metrics_port, plan.processes + processes - 1))
    for name, first, count in wanted_ports:
        if first and first + count - 1 > LAST_PORT:
            faults.append(Fault(name, str(first), f"room for {count} ports from there on, up to {LAST_PORT}"))
    if plan.host == EVERY_ADDRESS and (plan.site_url is None or (uploads.own_process and plan.uploads_url is None)):
        faults.append(Fault("host", plan.host, "site_url and uploads_url beside it, because it is no address that people can be told"))
    return faults


def scaled_profile(plan: ServerPlan) -> Profile:
    """The site at this run's scale, as one of its upload processes has it."""
    return shared(scaled(plan.profile, plan.scale.scale()))


def shared(profile: Profile) -> Profile:
    """What one of the upload processes has of the site: an equal share of store, line and budgets."""
    uploads, store, places = profile.uploads, profile.store, profile.uploads.processes
    if places == 1 or store is None:
        return profile
    share = {name: max(1, getattr(store, name) // places) for name in ("capacity_bytes", "turns_limit", "queue_limit")}
    store = store.model_copy(update={"bandwidth_bytes_per_second": store.bandwidth_bytes_per_second / places, **share})
    more: dict[str, object] = {"bodies_limit": max(1, uploads.bodies_limit // places)}
    if (tickets := uploads.tickets) is not None:
        budgets = {name: max(1, getattr(tickets, name) // places) for name in ("received_budget_bytes", "admitted_budget_bytes")}
        more["tickets"] = tickets.model_copy(update=budgets)
    return profile.model_copy(update={"store": store, "uploads": uploads.model_copy(update=more)})
