"""One generator process's part in one run: everything built from the run's plan, warmed up, run, and closed.

The order is: make plan, photos and files (`Generator`), let the site answer a few requests that are not counted (`warm_up`), then
`run(zero_us)`, which returns when each person of this process has a fate and the files are whole.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gelombang.arrivals import make_plan
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.created import CreatedRows
from gelombang.errors import RecordError
from gelombang.hooks import load_hooks
from gelombang.journey import compile_journey
from gelombang.patience import opens_second_tabs
from gelombang.runplan import LAST_PAGE, RunPlan
from gelombang.scale import scaled
from gelombang.steps import MessageStep, PhotoStep, RequestStep, Step
from gelombang.striping import Death, Stripe
from gelombang.trial.masking import Mask
from gelombang_loadtests.beside import Beside
from gelombang_loadtests.book import Book
from gelombang_loadtests.carrier import Carrier
from gelombang_loadtests.complaints import Complaints
from gelombang_loadtests.due_people import NEVER_US, Arrivals
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.engine_ports import EngineLimits, RunEnd
from gelombang_loadtests.errands import Errands
from gelombang_loadtests.exchanges import ExchangeListener, Exchanges
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.gevent_loop import GeventLoop, calm_collector, collect_young, show_defect, spawn_watched, together
from gelombang_loadtests.guard import Guard, hosts_of, identity_of, is_reference
from gelombang_loadtests.harness_fetch import fetch_of
from gelombang_loadtests.honesty import SelfWatch
from gelombang_loadtests.inbox_sources import Source
from gelombang_loadtests.inboxes import Inboxes, inboxes, opened
from gelombang_loadtests.loop import Loop
from gelombang_loadtests.loopback import loopback_sources
from gelombang_loadtests.message_form import MessageForm
from gelombang_loadtests.metrics_page import write_last_page
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.network_report import write_network
from gelombang_loadtests.own_figures import OwnFigures
from gelombang_loadtests.person_photo import MakePhoto
from gelombang_loadtests.phone import Phone
from gelombang_loadtests.photo_form import PhotoForm
from gelombang_loadtests.plain_form import PlainForm, is_plain
from gelombang_loadtests.pool import CLOSE_IDLE_EVERY_US, ConnectionPool, sockets_limit_of_host
from gelombang_loadtests.progress import PROGRESS_EVERY_US, Done, Ready, Say, made_done
from gelombang_loadtests.readers import Readers
from gelombang_loadtests.recorder import Recorder
from gelombang_loadtests.request_form import RequestForm
from gelombang_loadtests.standing import Standing
from gelombang_loadtests.tabbed_walker import TabbedWalker
from gelombang_loadtests.tabs import Tabs
from gelombang_loadtests.target import base_of
from gelombang_loadtests.walker import Crowd, Form, Walker
from gelombang_loadtests.warm_up import reach, warm_up

IN_FLIGHT_LIMIT = 20_000
"""Attempts in progress in one process, where the host's descriptors allow as many."""
STOP_DRAIN_SECONDS = 5.0
"""Wall time that open attempts get after a stop."""

Watch = Callable[[Exchanges], Exchanges]
"""Puts itself before whoever carries requests."""


class Generator:
    """Walks the people of generator process `process` of a run. Raises RecordError when the plan is not the one that was ordered."""

    def __init__(self, plan: RunPlan, folder: Path, process: int, photo: MakePhoto, listener: ExchangeListener, say: Say) -> None:
        self._plan = plan
        self._process = process
        self._folder = folder
        self._listener = listener
        self._say = say
        scale = plan.scale.scale()
        self._scenario = scaled(plan.scenario, scale)
        self.journey = compile_journey(self._scenario)
        arrivals = make_plan(plan.scenario, scale, plan.seed, plan.for_seconds)
        if plan.plan_digest and arrivals.digest != plan.plan_digest:
            raise RecordError(f"the plan's digest is {arrivals.digest}; want {plan.plan_digest}, as ordered: is this another version?")
        self._stripe = Stripe(arrivals, process, plan.generator_processes)
        self._arrivals = Arrivals.of(*self._stripe.own())
        self._base = base_of(plan.target_url, "the target")
        self.beside = Beside.of(plan.scenario, plan.seed, folder)
        complaints = Complaints(hide=lambda text: Mask(self.beside.known).json_text(text))
        self._gear = Gear(
            photo,
            complaints=complaints,
            loop=GeventLoop(0),
            together=together,
            cookies=plan.scenario.cookies,
            identity=identity_of(plan),
        )
        load_hooks(step.hook for step in self.journey.steps if isinstance(step, RequestStep))
        network = plan.scenario.network
        routes = RouteBook(network and self.beside.secrets.in_model(network), self._base.host, plan.seed, loopback_sources(arrivals.due_us))
        self._pool = ConnectionPool(sockets_limit_of_host(), routes=routes)
        self._in_flight_limit = min(IN_FLIGHT_LIMIT, self._pool.sockets_limit)
        self._figures = OwnFigures(plan, self._scenario, self.journey, process, self.people, self._in_flight_limit)
        self.counts, self.collector = self._figures.counts, self._figures.collector
        self._end = RunEnd(int((scale.wall_seconds(plan.for_seconds) + self._scenario.drain_seconds) * MICROSECONDS))
        self._tabs = Tabs()
        self._engine: Engine | None = None
        self._stop_asked = False
        self._lease_until_us = NEVER_US
        self._zero_us = 0
        self._setup_values: dict[str, str] = {}
        self._sources: Mapping[str, Source] | None = None
        self._errands = Errands(plan.run, plan.seed, self._scenario, self.beside, self._errand_form)
        self._created = self.created_rows()

    @property
    def people(self) -> int:
        """How many people this process walks."""
        return len(self._arrivals.due_us)

    @property
    def origins(self) -> dict[tuple[str, int], str]:
        """The target as its operator wrote it, for the address that requests go to."""
        parts = urlsplit(self._plan.target_url)
        return {(self._base.host, self._base.port): f"{parts.scheme}://{parts.netloc}"}

    def reach(self) -> None:
        """Try the way to every host that the journey names. Raises TargetUnreachableError."""
        reach(self._pool, self._base, self._plan.scenario.journey, hosts_of(self._plan))

    def warm_up(self) -> None:
        """Let the site answer a few requests that nobody counts. Raises TargetUnreachableError."""
        self._open_inboxes()
        warm_up(self._pool, self._base, self._plan.scenario.journey, hosts_of(self._plan) | {self._base.host}, identity_of(self._plan))

    def set_up(self, handed_over: Mapping[str, str] | None = None) -> None:
        """Setup and shared steps; `handed_over` is what another process's setup captured. Raises TargetUnreachableError."""
        self._setup_values = self._errands.set_up(handed_over)

    def ready(self, metrics_url: str) -> Ready:
        """The line that says so."""
        return Ready(self._process, self.people, metrics_url, setup=self._setup_values)

    def stop(self, drain_seconds: float = STOP_DRAIN_SECONDS) -> None:
        """No more arrivals; open attempts may end for a while. A second call cuts at once."""
        if self._engine is not None:
            self._engine.stop(0 if self._stop_asked else int(drain_seconds * MICROSECONDS))
        self._stop_asked = True

    def fail(self, error: BaseException) -> None:
        """The generator itself is broken: end at once."""
        if self._engine is not None:
            self._engine.fail(error)

    def lend(self, until_us: int) -> None:
        """Nothing may begin from that moment of the system-wide monotonic clock on, until it is put off again."""
        self._lease_until_us = until_us
        if self._engine is not None:
            self._engine.lease_us = until_us - self._zero_us

    def standing(self) -> Standing | None:
        """How this process stands; None before its run has begun."""
        if self._engine is None:
            return None
        return self._figures.standing(self._engine, monotonic_us() - self._zero_us)

    def take_over(self, death: Death) -> None:
        """Another process is dead: from a moment on, some of its people are walked here."""
        arrivals = Arrivals.of(*self._stripe.take(death))
        if self._engine is not None:
            self._engine.adopt(arrivals)
        else:
            self._arrivals = self._arrivals.joined(0, arrivals)

    def run(self, zero_us: int) -> Done:
        """The whole run; `zero_us` is its zero on the system-wide monotonic clock."""
        loop = GeventLoop(zero_us)
        self._zero_us = zero_us
        recorder = self.recorder()
        phone = self.phone(loop)
        book = self.book(recorder)
        walker = self.walker(loop, zero_us, phone, book)
        limits = EngineLimits(self._in_flight_limit, len(self.journey.steps))
        engine = Engine(self._arrivals, limits, self._end, loop, walker.__call__, book, lambda: phone.rings, self._tabs)
        self._engine = engine
        self.lend(self._lease_until_us)
        watch = SelfWatch(
            self._folder / f"generator-{self._process}.jsonl",
            loop,
            lambda: self._figures.now(engine, loop.now_us()),
            self.counts.loop_lag.add,
            self._figures.judge_second,
            self._pool,
        )
        beside = [
            spawn_watched(lambda: phone.run(engine.wake), engine.fail),
            spawn_watched(watch.run, engine.fail),
            spawn_watched(self._errands.keep_fresh, engine.fail),
            spawn_watched(lambda: collect_young(loop), engine.fail),
            spawn_watched(lambda: self._close_idle(loop), engine.fail),
            spawn_watched(lambda: self._report(engine, loop), engine.fail),
        ]
        calm_collector()
        try:
            if self._stop_asked:
                engine.stop(0)
            engine.run()
        finally:
            phone.stop()
            watch.stop()
            for task in beside:
                task.kill()
            self.close()
            recorder.close()  # first: on a full disk it gives back what the rows did not use
            write_network(self._folder, self._process, self._pool.routes)
        self._say(self._figures.progress(engine, loop.now_us()))
        write_last_page(self._folder / LAST_PAGE.format(process=self._process), self.collector)
        if engine.failure is not None:
            show_defect(engine.failure)
        return made_done(self._process, engine, self.counts, phone.failures)

    def recorder(self) -> Recorder:
        """The ledgers of this process, in the run's folder."""
        return Recorder(self._folder, self._process, max(self._stripe.planned, self.people), self._stripe.epoch)

    def created_rows(self) -> CreatedRows | None:
        """Where people are written before their first request, when somebody may have to remove them."""
        return CreatedRows(self._folder) if not is_reference(self._plan) or self._plan.scenario.teardown else None

    def book(self, recorder: Recorder) -> Book:
        """Where what happens to people is written."""
        return Book(recorder, self.counts)

    def phone(self, loop: Loop) -> Inboxes:
        """Where this process's people get their mail and SMS."""
        readers = Readers(self._plan.run, self._plan.seed, self.journey.steps, self._stripe.owns)
        harness = Phone(loop, fetch_of(self._plan), readers.owns, readers.will_read)
        return inboxes(loop, harness, self._plan.scenario.inbox, self._open_inboxes())

    def _open_inboxes(self) -> Mapping[str, Source]:
        if self._sources is None:
            self._sources = opened(self._plan.scenario.inbox, self.beside.secrets)
        return self._sources

    def walker(self, loop: Loop, zero_us: int, phone: Inboxes, book: Book, watched: Watch | None = None) -> Walker:
        """Who walks this process's people through the journey; `watched` sees every exchange that they have, and wants one tab of each."""
        # Their methods, not the objects themselves: the interpreter calls a method without leaving its loop.
        carry: Exchanges = Carrier(self._pool, zero_us, self._end).__call__
        if watched is not None:
            carry = watched(carry)
        carry = Guard(carry, hosts_of(self._plan) | {self._base.host}, identity_of(self._plan)).__call__
        # Those who watch read whole requests, and Locust's client wants them in parts.
        plainly = watched is None and self._pool.routes.network.client == "lean"
        forms = tuple(self._form(step, carry, phone, plainly) for step in self.journey.steps)
        crowd = Crowd(self._plan.run, self._plan.seed, self._scenario, self.journey, self.beside, self._gear.complaints, self._created)
        if watched is None and opens_second_tabs(self._scenario):
            return TabbedWalker(crowd, forms, loop, book, self._end, self._tabs)
        return Walker(crowd, forms, loop, book, self._end)

    def close(self) -> None:
        """No connection stays, and no file is open."""
        self._pool.close()
        self.beside.close()
        if self._created is not None:
            self._created.close()

    def _errand_form(self, step: RequestStep) -> RequestForm:
        carry = Guard(
            Carrier(self._pool, monotonic_us(), RunEnd(NEVER_US)), hosts_of(self._plan) | {self._base.host}, identity_of(self._plan)
        )
        return RequestForm(step, self._base, carry, lambda *_: None, self._gear)

    def _form(self, step: Step, carry: Exchanges, phone: Inboxes, plainly: bool) -> Form:
        match step:
            case RequestStep():
                form = PlainForm if plainly and is_plain(step, self._gear) else RequestForm
                return form(step, self._base, carry, self._listener, self._gear)
            case PhotoStep():
                return PhotoForm(step, self._base, carry, self._listener, self._gear)
            case MessageStep():
                return MessageForm(step, phone.of(step.inbox))

    def _close_idle(self, loop: GeventLoop) -> None:
        while True:
            loop.sleep_until(loop.now_us() + CLOSE_IDLE_EVERY_US)
            self._pool.close_idle(monotonic_us())

    def _report(self, engine: Engine, loop: GeventLoop) -> None:
        """Once a second: say how far the run is."""
        due_us = loop.now_us()
        while True:
            due_us = max(due_us + PROGRESS_EVERY_US, loop.now_us())
            loop.sleep_until(due_us)
            self._say(self._figures.progress(engine, loop.now_us()))
