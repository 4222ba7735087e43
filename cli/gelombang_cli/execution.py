"""One run: server up, generator through, both down, ledgers joined, record written.

The order matters: the server is asked to end only when the generator has closed its ledgers, and the record is written last, so that a
folder with a record is a finished run.
"""

import json
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from gelombang.arrivals import make_plan
from gelombang.canary import canary_people
from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import HostError, TargetUnreachableError
from gelombang.kernel import listen_counters
from gelombang.profile import Profile
from gelombang.record import RunRecord, write_record
from gelombang.rehearsed_fault import RehearsedFault
from gelombang.resources import locustfiles_folder
from gelombang.runplan import (
    PLAN_FILE,
    PLAN_VARIABLE,
    PROCESS_VARIABLE,
    SERVER_FILE,
    SETUP_VARIABLE,
    RunPlan,
    ScaleNumbers,
    ServerPlan,
    write_model,
)
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang.summary import RunFacts, summarise
from gelombang.target import user_agent
from gelombang_cli.child import Child, Event
from gelombang_cli.following import Listener, follow
from gelombang_cli.harm import CommandHarm
from gelombang_cli.hostwatch import HostWatch, machine_facts
from gelombang_cli.otlp import OtlpPush
from gelombang_cli.probing import start_probe
from gelombang_cli.programme import people_before, read_books, tell_zero
from gelombang_cli.prometheus import Prometheus, configuration
from gelombang_cli.provenance import commit
from gelombang_cli.scraping import Scraped, Scraper, scraped_processes
from gelombang_cli.site_stores import elsewhere
from gelombang_loadtests.harm_watch import Watched

SERVER_READY_WITHIN_SECONDS = 30.0
GENERATOR_READY_WITHIN_SECONDS = 60.0
CONNECT_WITHIN_SECONDS = 5.0
LEAD_SECONDS = 1.0
"""From "all are ready" to the run's zero."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is to be."""

    scenario: Scenario
    scale: Scale
    seed: int
    for_seconds: float
    """People's time in which arrivals are due."""
    profile: Profile | None
    """None: a foreign target."""
    target_url: str | None
    server_processes: int
    generator_processes: int
    run_id: str
    folder: Path
    stop_file: Path | None = None
    """A kill switch beside the one in the folder."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the operator calls this run, for its metrics."""
    faults: tuple[RehearsedFault, ...] = ()
    """Of a drill."""
    prometheus_port: int | None = None
    """None: no Prometheus scrapes along; 0: on any free port."""
    otlp_endpoint: str | None = None
    """Where the generators' metrics are pushed to."""
    keep_bytes: int | None = None
    """What the reference server's photos may take of the disk; None: all stay."""


def execute(order: Order, listener: Listener, earlier: dict[str, RunRecord]) -> RunRecord:
    """Carry out one run and write its record; `listener` gets the generators' progress. Raises HostError, TargetUnreachableError."""
    started_at = utc_now()
    run = secrets.randbits(40) | 1
    counters = listen_counters()
    with ExitStack() as stack:
        ready = start_server(order, run, stack)
        plan = _run_plan(order, run, ready)
        write_model(order.folder / PLAN_FILE, plan)
        generators, pages = _start_generators(order, stack)
        scraped = scraped_processes(ready.get("metrics_urls", []), pages)
        prometheus = _beside(order, scraped, stack, listener)
        zero_us = monotonic_us() + int(LEAD_SECONDS * MICROSECONDS)
        tell_zero(ready, zero_us, order.profile)
        plan = plan.model_copy(update={"zero_us": zero_us})
        write_model(order.folder / PLAN_FILE, plan)
        for generator in generators:
            generator.tell({"zero_us": zero_us})
        host = stack.enter_context(HostWatch(order.folder, zero_us, _server_pids(ready), [child.pid for child in generators]))
        start_probe(order.folder, order.scenario, stack)
        push = _pushing(order, stack)
        scraper = stack.enter_context(Scraper(order.folder, zero_us, scraped, push.offer if push else None))
        watch = stack.enter_context(CommandHarm(_watched(order, plan)))
        followed = follow(generators, plan, order.folder, listener, watch, lambda: host.fault or scraper.fault)
        programme = read_books(ready, order.profile)
    facts = RunFacts(
        started_at=started_at.isoformat(timespec="seconds"),
        commit=commit(),
        cut_short=followed.stop is not None,
        stopped_by=followed.stop.stopped_by if followed.stop else None,
        stop_reason=followed.stop.reason if followed.stop else "",
        stopped_us=followed.stop.at_us if followed.stop else None,
        listen_before=counters,
        listen_after=listen_counters(),
        machine=machine_facts(),
        server_processes=len(ready.get("pids", [])),
        programme=programme,
    )
    if push is not None:
        listener({"event": "pushed", "pushes": push.pushes, "failures": push.failures})
    record = summarise(order.folder, plan, order.profile, facts, earlier, elsewhere=elsewhere(order.folder))
    write_record(order.folder, record)
    if prometheus is not None and prometheus.died:
        raise HostError(f"{prometheus.died}\nthe run and its record are whole: {order.folder}")
    return record


def _beside(order: Order, scraped: Sequence[Scraped], stack: ExitStack, listener: Listener) -> Prometheus | None:
    """The Prometheus that scrapes along, when one is wanted."""
    if order.prometheus_port is None:
        return None
    prometheus = stack.enter_context(Prometheus(order.folder, configuration(scraped), order.prometheus_port))
    listener({"event": "prometheus", "url": prometheus.url})
    return prometheus


def _pushing(order: Order, stack: ExitStack) -> OtlpPush | None:
    """What pushes the generators' metrics, when somebody wants them."""
    if order.otlp_endpoint is None:
        return None
    about = {"gelombang.run_id": order.run_id, "gelombang.scenario": order.scenario.name, **order.labels}
    return stack.enter_context(OtlpPush(order.otlp_endpoint, about))


def start_server(order: Order, run: int, stack: ExitStack) -> Event:
    if order.profile is None:
        require_answering(order)
        return {"public_url": order.target_url, "harness_url": None, "harness_token": ""}
    server = ServerPlan(
        run=run,
        seed=order.seed,
        scale=ScaleNumbers.of(order.scale),
        profile=order.profile,
        folder=str(order.folder),
        zero_us=monotonic_us(),
        processes=order.server_processes,
        public_port=0,
        harness_port=0,
        harness_token=secrets.token_urlsafe(24),
        run_id=order.run_id,
        scenario=order.scenario.name,
        labels=dict(order.labels),
        faults=list(order.faults),
        opens_at=order.scenario.opens_at if order.profile.programme is not None else None,
        prepared=people_before(order.scenario, order.scale, order.for_seconds, order.profile),
        keep_bytes=order.keep_bytes,
    )
    write_model(order.folder / SERVER_FILE, server)
    command = ["gelombang_server", "--config", str(order.folder / SERVER_FILE), "--until-input-ends"]
    child = stack.enter_context(Child("the reference server", command, order.folder / "server.log"))
    return {**child.wait_for("ready", SERVER_READY_WITHIN_SECONDS), "harness_token": server.harness_token}


def _server_pids(ready: Event) -> list[int]:
    """The site's own processes, and what works beside them: whose CPU and memory are the site's."""
    return [*ready.get("pids", []), *ready.get("beside_pids", [])]


def require_answering(order: Order) -> None:
    """Raises TargetUnreachableError when nobody listens at somebody's own service."""
    network, target_url = order.scenario.network, order.target_url
    assert target_url is not None
    if network is not None and (network.proxy or network.resolve):
        return  # the generator alone knows the way, and says so
    parts = urlsplit(target_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_WITHIN_SECONDS).close()
    except OSError as error:
        raise TargetUnreachableError(f"{target_url} can't be reached ({error.strerror or error}); want a target that is up") from error


def _run_plan(order: Order, run: int, ready: Event) -> RunPlan:
    arrivals = make_plan(order.scenario, order.scale, order.seed, order.for_seconds)
    canary = canary_people(arrivals.people) if order.profile is None else 0
    return orders_for_generator(order, run, ready).model_copy(update={"plan_digest": arrivals.digest, "canary_people": canary})


def orders_for_generator(order: Order, run: int, ready: Event) -> RunPlan:
    """What the generator is told; without a digest it takes the plan that it makes itself."""
    return RunPlan(
        run_id=order.run_id,
        run=run,
        seed=order.seed,
        plan_digest="",
        scale=ScaleNumbers.of(order.scale),
        scenario=order.scenario,
        profile=order.profile.name if order.profile else "foreign",
        target_url=ready["public_url"],
        harness_url=ready["harness_url"],
        harness_token=ready["harness_token"],
        zero_us=0,
        for_seconds=order.for_seconds,
        generator_processes=order.generator_processes,
        labels=dict(order.labels),
    )


def _watched(order: Order, plan: RunPlan) -> Watched:
    foreign, network = order.profile is None, order.scenario.network
    return Watched(
        folder=order.folder,
        rules=order.scenario.stop,
        block=order.scenario.target if foreign else None,
        has_canary=plan.canary_people > 0,
        stop_file=order.stop_file,
        agent=user_agent(version("gelombang"), order.scenario.target),
        ca_file=network.ca_file if network else None,
    )


def _start_generators(order: Order, stack: ExitStack) -> tuple[list[Child], list[str]]:
    """All of them, ready, and the addresses of their metrics. With setup steps the first one walks them, and the others are started with
    what it captured."""
    first = _start_generator(order, stack, 0, {})
    if order.scenario.setup:
        ready = [first.wait_for("ready", GENERATOR_READY_WITHIN_SECONDS)]
        handed_over = {SETUP_VARIABLE: json.dumps(ready[0]["setup"])}
    else:
        ready, handed_over = [], {}
    children = [first, *(_start_generator(order, stack, k, handed_over) for k in range(1, order.generator_processes))]
    ready += [child.wait_for("ready", GENERATOR_READY_WITHIN_SECONDS) for child in children[len(ready) :]]
    return children, [str(event["metrics_url"]) for event in ready]


def _start_generator(order: Order, stack: ExitStack, process: int, handed_over: Mapping[str, str]) -> Child:
    environment = {PLAN_VARIABLE: str(order.folder / PLAN_FILE), PROCESS_VARIABLE: str(process), **handed_over}
    command = ["locust", "-f", str(locustfiles_folder() / "surge.py"), "--headless", "--only-summary"]
    log = order.folder / f"generator-{process}.log"
    return stack.enter_context(Child(f"generator process {process}", command, log, environment))
