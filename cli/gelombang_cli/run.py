"""`gelombang run`: replay a scenario against one or more sites and say where it broke."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path

from rich.console import Console

from gelombang.arrivals import busiest_hour_people, planned_people
from gelombang.created import CREATED_FILE
from gelombang.errors import ExitCode, InputError
from gelombang.feeds import require_rows
from gelombang.loading import load_profile, load_scenario, require_secrets
from gelombang.profile import Profile
from gelombang.record import RunRecord
from gelombang.rehearsed_fault import parse_faults, require_changeable
from gelombang.run_labels import parse_labels
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang.target import host_of, is_loopback_host
from gelombang.verdict import verdict
from gelombang_cli import machine
from gelombang_cli.arguments import Commands, add_scale_options, positive, read_scale, size_bytes
from gelombang_cli.doctor import AT_ONCE_SHARE, KEEP_BYTES_FLOOR, require_able
from gelombang_cli.execution import Order, execute
from gelombang_cli.live import LiveBoard
from gelombang_cli.otlp import metrics_endpoint
from gelombang_cli.preflight import clear, require_permission
from gelombang_cli.probing import require_probe
from gelombang_cli.progress import Progress
from gelombang_cli.prometheus import installed, require_port
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_cli.site_stores import add_store_options, with_stores
from gelombang_reports.console import console_summary
from gelombang_reports.detail import read_detail
from gelombang_reports.page import write_page
from gelombang_server.real_limits import require_limits

PAGE_FILE = "report.html"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("run", help="replay a scenario and say where it broke", description=__doc__)
    parser.add_argument(
        "scenario", help="a scenario file, or the name of one that comes along: smoke, opening-hour, short-wave, surge-2020"
    )
    parser.add_argument("--profile", action="append", metavar="NAME", help="site to run against; may be repeated (default: the scenario's)")
    add_store_options(parser)
    parser.add_argument("--target", metavar="URL", help="your own service instead of the reference server (coverage: client only)")
    parser.add_argument("--i-own-this-target", metavar="HOST", help="needed for a target that is not this machine, with a [target] block")
    parser.add_argument("--yes", action="store_true", help="the preflight's question is answered; needed where nobody can be asked (CI)")
    parser.add_argument("--skip-preflight", action="store_true", help="for a --target on this machine only: nobody is sent first")
    parser.add_argument(
        "--stop-file", type=Path, metavar="FILE", help="a kill switch beside STOP in the run's folder: when it exists, the run ends"
    )
    add_scale_options(parser)
    parser.add_argument("--seed", type=int, default=1, help="same scenario, scale and seed: same plan, byte for byte (default 1)")
    parser.add_argument("--for", dest="for_seconds", type=float, metavar="SECONDS", help="only the first SECONDS of people's time")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a scenario value: patience.return_ratio=0.8"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run's folder; with several profiles, DIR/<profile>")
    parser.add_argument("--server-processes", type=int, default=1, metavar="N", help="API processes of the reference server (default 1)")
    parser.add_argument(
        "--keep-bytes",
        metavar="SIZE",
        help="what the reference server's photos may take of the disk, such as 20G: the oldest are read back, noted and removed",
    )
    parser.add_argument("--generator-processes", type=int, default=1, metavar="N", help="generator processes (default 1)")
    parser.add_argument(
        "--label", action="append", default=[], metavar="KEY=VALUE", help="what you call this run, on its info metric; may be repeated"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KEY=VALUE@SECONDS",
        help="rehearse a fault: from so many seconds of people's time after the site's start on, it has another setting; may be repeated",
    )
    parser.add_argument(
        "--prometheus", type=int, nargs="?", const=0, metavar="PORT", help="the installed Prometheus scrapes along, and its data stays"
    )
    parser.add_argument("--live", action="store_true", help="serve the dashboards' panels on a local port while the run lasts")
    parser.add_argument("--live-port", type=int, metavar="PORT", help="for --live: this port (default: any free one)")
    parser.add_argument("--otlp", metavar="URL", help="push the generators' metrics to an OpenTelemetry collector (needs gelombang[otlp])")
    parser.add_argument("--json", action="store_true", help="print the records as JSON lines and nothing else on standard output")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    console = Console(stderr=parsed.json)
    scenario = load_scenario(parsed.scenario, parsed.set)
    require_secrets(scenario, parsed.scenario, parsed.set)
    scale = _scale(parsed, scenario, console)
    require_rows(scenario.feed, planned_people(scenario, scale, _for_seconds(parsed.for_seconds, scenario)))
    orders = _orders(parsed, scenario, scale)
    people = planned_people(scenario, scale, orders[0].for_seconds)
    at_once = int(busiest_hour_people(scenario, scale, orders[0].for_seconds) * AT_ONCE_SHARE)
    is_here = not parsed.target or is_loopback_host(host_of(parsed.target))
    require_able(console, at_once, people, scale.bytes_ratio, orders[0].folder, orders[0].keep_bytes, is_here)
    page = _page_path(parsed.out, orders)
    with _live_board(parsed, console) as board:
        records = _run_all(orders, people, parsed, console, board)
        write_page(records, page, details=[read_detail(order.folder, record) for order, record in zip(orders, records, strict=False)])
        if board is not None:
            board.ended(_shown(page))
    if parsed.json:
        for record in records:
            print(record.model_dump_json())
    console_summary(records, console, _shown(page))
    if scenario.teardown and orders[-1].profile is None:
        folder = _shown(orders[-1].folder)
        console.print(f"Who was made there is in {folder / CREATED_FILE}; to remove them: gelombang cleanup {folder}", soft_wrap=True)
    return verdict(records)


def _run_all(orders: list[Order], people: int, parsed: argparse.Namespace, console: Console, board: LiveBoard | None) -> list[RunRecord]:
    """One run after the other; none after one that was cut short."""
    records: list[RunRecord] = []
    for order in orders:
        if order.profile is None and not parsed.skip_preflight:
            clear(order, console, parsed.yes)
        with Progress(console, order, people) as progress, board.follow(order) if board is not None else nullcontext():
            records.append(execute(order, progress.take, {record.profile: record for record in records}))
        if records[-1].cut_short:
            break
    return records


@contextmanager
def _live_board(parsed: argparse.Namespace, console: Console) -> Iterator[LiveBoard | None]:
    """The live page, when it is asked for; says where."""
    if parsed.live_port is not None and not parsed.live:
        raise InputError("--live-port is given without --live; want both, or neither")
    if not parsed.live:
        yield None
        return
    port = parsed.live_port or 0
    if not 0 <= port <= 65_535:
        raise InputError(f"--live-port is {port}; want 0 to 65535, 0 for any free one")
    with LiveBoard(port) as board:
        console.print(f"live: {board.url}", highlight=False, soft_wrap=True)
        yield board


def _scale(parsed: argparse.Namespace, scenario: Scenario, console: Console) -> Scale:
    def choose() -> Fraction:
        speed = positive("--speed", scenario.scale.speed if parsed.speed is None else parsed.speed)
        profiles = [] if parsed.target else [load_profile(name) for name in parsed.profile or scenario.profiles]
        sample, why = machine.choose_sample(scenario, profiles, machine.look(), speed)
        console.print(why, highlight=False, soft_wrap=True)
        return sample

    return read_scale(parsed, scenario, choose)


def _orders(parsed: argparse.Namespace, scenario: Scenario, scale: Scale) -> list[Order]:
    if parsed.target and parsed.profile:
        raise InputError("--target and --profile are both given; want one: your own service, or sites of the reference server")
    for option, given in (("--database", parsed.database), ("--objects", parsed.objects), ("--keep-bytes", parsed.keep_bytes)):
        if parsed.target and given:
            raise InputError(f"{option} is given with --target; want it with a site of the reference server")
    if parsed.target and parsed.fault:
        raise InputError("--fault is given with --target; want it with a site of the reference server, which alone can be changed")
    for option, value in (("--server-processes", parsed.server_processes), ("--generator-processes", parsed.generator_processes)):
        if not 1 <= value <= 64:
            raise InputError(f"{option} is {value}; want 1 to 64")
    if parsed.seed < 0:
        raise InputError(f"--seed is {parsed.seed}; want 0 or more")
    target = require_permission(scenario, parsed.target, parsed.i_own_this_target, parsed.yes) if parsed.target else None
    if parsed.skip_preflight and (target is None or not is_loopback_host(host_of(target))):
        raise InputError("--skip-preflight is given; want it only with a --target on this machine")
    if parsed.stop_file is not None and parsed.stop_file.exists():
        raise InputError(f"--stop-file {parsed.stop_file} exists already; want one that somebody makes to end the run")
    profiles = [None] if target else [with_stores(load_profile(name), parsed) for name in parsed.profile or scenario.profiles]
    for_seconds = _for_seconds(parsed.for_seconds, scenario)
    keep_bytes = _keep_bytes(parsed, profiles)
    labels = parse_labels(parsed.label)
    faults = parse_faults(parsed.fault, scale.speed)
    endpoint = None if parsed.otlp is None else metrics_endpoint(parsed.otlp)
    if parsed.prometheus is not None:
        installed()
        require_port(parsed.prometheus)
    orders = []
    for profile in profiles:
        if profile is not None:
            require_changeable(profile, faults)
            require_limits(profile)
        require_probe(scenario, profile, for_seconds)
        name = profile.name if profile else "foreign"
        run_id = new_run_id(scenario.name, name)
        folder = make_run_folder(parsed.out, run_id, name, len(profiles) > 1)
        orders.append(
            Order(
                scenario=scenario,
                scale=scale,
                seed=parsed.seed,
                for_seconds=for_seconds,
                profile=profile,
                target_url=target,
                server_processes=parsed.server_processes,
                generator_processes=parsed.generator_processes,
                run_id=run_id,
                folder=folder,
                stop_file=parsed.stop_file,
                labels=labels,
                faults=faults,
                prometheus_port=parsed.prometheus,
                otlp_endpoint=endpoint,
                keep_bytes=keep_bytes,
            )
        )
    return orders


def _keep_bytes(parsed: argparse.Namespace, profiles: Sequence[Profile | None]) -> int | None:
    """The bound on the disk, where one is asked for. Raises InputError where no photos are on this machine's disk."""
    if parsed.keep_bytes is None:
        return None
    for profile in profiles:
        if profile is not None and (profile.database.url is not None or profile.objects is not None):
            raise InputError(f"--keep-bytes is given and {profile.name} keeps people or photos by URL; want both on this machine's disk")
    return size_bytes("--keep-bytes", parsed.keep_bytes, KEEP_BYTES_FLOOR)


def _for_seconds(asked: float | None, scenario: Scenario) -> float:
    arrivals = scenario.arrivals
    whole = arrivals.for_seconds if arrivals.for_seconds is not None else sum(phase.for_seconds for phase in arrivals.phases)
    return whole if asked is None else positive("--for", asked)


def _page_path(out: Path | None, orders: list[Order]) -> Path:
    return (out or orders[-1].folder) / PAGE_FILE if len(orders) > 1 else orders[0].folder / PAGE_FILE


def _shown(path: Path) -> Path:
    resolved = path.resolve()
    return resolved.relative_to(Path.cwd()) if resolved.is_relative_to(Path.cwd()) else resolved
