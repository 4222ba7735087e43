"""`gelombang capacity find`: the largest rate of open arrivals that a site carries, with an interval and what broke first."""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from rich.console import Console

from gelombang.arrivals import busiest_hour_people, planned_people
from gelombang.clock import utc_now
from gelombang.curve import rate_of
from gelombang.errors import ExitCode, HostError, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.runplan import ScaleNumbers, write_model
from gelombang.scenario import Scenario
from gelombang.sheet import lines_of
from gelombang_capacity.costs import Costs
from gelombang_capacity.demand import PASSWORD_STEPS
from gelombang_capacity.limit_result import LIMIT_FILE, LimitResult, limit_sheet, probe_results
from gelombang_capacity.limit_search import Found, Probe, SearchRules, search
from gelombang_capacity.password_price import password_price
from gelombang_capacity.predictions import LIMIT, PREDICTIONS_FILE, Prediction, Quantity, add_line, limit_key
from gelombang_cli.arguments import Commands, add_scale_options, positive, read_scale
from gelombang_cli.doctor import AT_ONCE_SHARE, require_able
from gelombang_cli.hunt import Hunt
from gelombang_cli.provenance import commit
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_reports.sheet_page import write_sheet

PAGE_FILE = "limit.html"
PRICE_LOAD_RATIO = 0.5
"""Load of the run that measures what a password takes: far enough below the limit that most wait for nobody."""
RUNS_FOLDER = Path("runs")
KINDS = ("live", "simulated")


def add_command(parts: Commands) -> None:
    parser = parts.add_parser("find", help="search for the limit: double, bisect, confirm", description=__doc__)
    parser.add_argument("scenario", help="a scenario file or a name that comes along, such as breakpoint: even arrivals, with objectives")
    parser.add_argument("--profile", metavar="NAME", help="site to load (default: the scenario's first)")
    parser.add_argument("--simulated", action="store_true", help="ask the model of the site instead of a live one: seconds, but no proof")
    add_scale_options(parser)
    parser.add_argument("--seed", type=int, default=1, help="the search's people; each run has others (default 1)")
    parser.add_argument("--hold", type=float, metavar="SECONDS", help="length of a run in people's time (default: the scenario's)")
    parser.add_argument("--precision", default="5%", metavar="P", help="how far the interval may reach to either side (default 5%%)")
    parser.add_argument("--probes", type=int, default=40, metavar="N", help="runs at most (default 40)")
    parser.add_argument("--forecast", metavar="SCENARIO", help="whose peak of arrivals is to be carried: headroom is told against it")
    parser.add_argument("--server-processes", type=int, default=1, metavar="N", help="API processes of the reference server (default 1)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a scenario value: patience.return_ratio=0.8"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the search's folder; its runs lie in it")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    console = Console()
    hunt = _hunt(parsed)
    forecast = load_scenario(parsed.forecast) if parsed.forecast else None
    kind = KINDS[parsed.simulated]
    key = limit_key(hunt.scenario, hunt.profile, ScaleNumbers.of(hunt.scale), hunt.hold_seconds)
    if parsed.simulated:
        model = partial(hunt.simulated, costs=Costs(), name="simulated")
        found = search(lambda load, number, is_long: _tell(console, hunt, model(load, number, is_long)), hunt.rules)
        if found.limit is not None:
            _expect(hunt, [found], key)
    else:
        scale = replace(hunt.scale, load=1.0)
        people = planned_people(hunt.scenario, scale, hunt.hold_seconds)
        require_able(
            console,
            int(busiest_hour_people(hunt.scenario, scale, hunt.hold_seconds) * AT_ONCE_SHARE),
            people,
            hunt.scale.bytes_ratio,
            hunt.folder,
        )
        _foretell(hunt, key, console)
        found = search(lambda load, number, is_long: _tell(console, hunt, hunt.live(load, number, is_long)), hunt.rules)
    result = _result(hunt, found, kind, forecast)
    write_model(hunt.folder / LIMIT_FILE, result)
    sheet = limit_sheet(result, f"How much does {hunt.profile.name} carry?")
    write_sheet(sheet, hunt.folder / PAGE_FILE)
    for line in lines_of(sheet):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Page: {hunt.folder / PAGE_FILE}", highlight=False, soft_wrap=True)
    return ExitCode.AS_EXPECTED if result.confirmed_per_second is not None else ExitCode.UNTRUSTED


def _hunt(parsed: argparse.Namespace) -> Hunt:
    from gelombang_cli.gate import parse_ratio

    scenario = load_scenario(parsed.scenario, parsed.set)
    if not scenario.objective:
        raise InputError(f"{scenario.name} has no objectives; want at least one, because they say what it means to carry a load")
    profile = load_profile(parsed.profile or scenario.profiles[0])
    scale = read_scale(parsed, scenario, lambda: Fraction(scenario.scale.sample_largest))
    if parsed.seed < 0:
        raise InputError(f"--seed is {parsed.seed}; want 0 or more")
    if not 6 <= parsed.probes <= 100:
        raise InputError(f"--probes is {parsed.probes}; want 6 to 100")
    if not 1 <= parsed.server_processes <= 64:
        raise InputError(f"--server-processes is {parsed.server_processes}; want 1 to 64")
    whole = scenario.arrivals.for_seconds or sum(phase.for_seconds for phase in scenario.arrivals.phases)
    hold = whole if parsed.hold is None else positive("--hold", parsed.hold)
    if any(phase.form != "hold" for phase in scenario.arrivals.phases) or scenario.arrivals.curve:
        raise InputError(
            f"{scenario.name} has arrivals that rise or fall; want one phase of form hold, so that a rate can be carried or not"
        )
    rules = SearchRules(first_load=scale.load, precision_ratio=parse_ratio("--precision", parsed.precision), probes_limit=parsed.probes)
    folder = make_run_folder(parsed.out, f"{new_run_id(scenario.name, profile.name)}-limit", profile.name, False)
    return Hunt(_held(scenario), profile, replace(scale, load=1.0), parsed.seed, hold, parsed.server_processes, folder, rules)


def _held(scenario: Scenario) -> Scenario:
    """The same arrivals for as long as the longest hold, of which each run takes what it needs."""
    phases = [phase.model_copy(update={"for_seconds": phase.for_seconds * 1_000}) for phase in scenario.arrivals.phases[:1]]
    return scenario.model_copy(update={"arrivals": scenario.arrivals.model_copy(update={"phases": phases})})


def _tell(console: Console, hunt: Hunt, probe: Probe) -> Probe:
    came = "not counted" if probe.doubts else "carried" if probe.is_met else "broke"
    why = probe.doubts[0] if probe.doubts else probe.broken[0] if probe.broken else probe.busiest
    held = "longer hold" if probe.is_long else "hold"
    line = f"run {probe.number}: {probe.load * hunt.per_second:.4g} arrivals/s, {held}: {came}. {why}"
    console.print(line, highlight=False, soft_wrap=True, markup=False)
    return probe


def _foretell(hunt: Hunt, key: str, console: Console) -> None:
    """Before the search: what the model expects, at the dearest and the cheapest price; or that it expects nothing, and why."""
    found = []
    for name, costs in _prices(hunt, console).items():
        run: Callable[[float, int, bool], Probe] = partial(hunt.simulated, costs=costs, name=name)
        try:
            found.append(search(run, replace(hunt.rules, probes_limit=100)))
        except HostError as error:
            console.print(f"no prediction: {error}", highlight=False, soft_wrap=True, markup=False)
            return
        if found[-1].limit is None:
            console.print(f"no prediction: the model finds no limit ({found[-1].reason})", highlight=False, soft_wrap=True, markup=False)
            return
    quantity = _expect(hunt, found, key)
    console.print(f"expected before the first run: {quantity.low:.3g} to {quantity.high:.3g} arrivals/s", highlight=False, soft_wrap=True)


def _prices(hunt: Hunt, console: Console) -> dict[str, Costs]:
    """What the model is told that requests cost: where passwords are hashed at full price, measured in a run at half the first load."""
    if hunt.scale.speed != 1 or not any(step.step in PASSWORD_STEPS for step in hunt.scenario.journey):
        return {"simulated": Costs()}
    probe = hunt.live(hunt.rules.first_load * PRICE_LOAD_RATIO, 0, False)
    price = None if probe.doubts else password_price(hunt.folder / "run-00", hunt.scenario)
    if price is None:
        why = probe.doubts[0] if probe.doubts else "too few had the password threads for themselves"
        console.print(f"no price of a password from run 0 ({why}); expecting the usual one", highlight=False, soft_wrap=True, markup=False)
        return {"simulated": Costs()}
    words = f"a password takes {1e3 * price.low:.1f} to {1e3 * price.high:.1f} ms of a thread beside the generator"
    console.print(f"run 0: {probe.load * hunt.per_second:.4g} arrivals/s: {words}", highlight=False, soft_wrap=True)
    return {"dear": Costs(hash_seconds=price.high), "cheap": Costs(hash_seconds=price.low)}


def _expect(hunt: Hunt, searches: Sequence[Found], key: str) -> Quantity:
    """Write what was found by simulation into the ledger of predictions; each search has found a limit."""
    limits = [found.limit or 0.0 for found in searches]
    quantity = Quantity(
        name=LIMIT,
        value=math.prod(limits) ** (1 / len(limits)) * hunt.per_second,
        low=min(found.low or 0.0 for found in searches) * hunt.per_second,
        high=max(found.high or 0.0 for found in searches) * hunt.per_second,
    )
    add_line(
        RUNS_FOLDER / PREDICTIONS_FILE,
        Prediction(
            made_at=utc_now().isoformat(timespec="seconds"),
            by="find",
            key=key,
            scenario=hunt.scenario.name,
            profile=hunt.profile.name,
            confidence=0.9,
            quantities=[quantity],
            commit=commit(),
        ),
    )
    return quantity


def _result(hunt: Hunt, found: Found, kind: str, forecast: Scenario | None) -> LimitResult:
    rate = hunt.per_second

    def at_full_size(load: float | None) -> float | None:
        return None if load is None else load * rate

    peak = None if forecast is None else float(rate_of(forecast.arrivals).per_second.max())
    confirmed = at_full_size(found.confirmed)
    return LimitResult(
        kind=kind,
        key=limit_key(hunt.scenario, hunt.profile, ScaleNumbers.of(hunt.scale), hunt.hold_seconds),
        scenario=hunt.scenario.name,
        profile=hunt.profile.name,
        commit=commit(),
        scale=ScaleNumbers.of(hunt.scale),
        seed=hunt.seed,
        hold_seconds=hunt.hold_seconds,
        made_at=utc_now().isoformat(timespec="seconds"),
        arrivals_per_second_at_load_1=rate,
        limit_per_second=at_full_size(found.limit),
        low_per_second=at_full_size(found.low),
        high_per_second=at_full_size(found.high),
        confirmed_per_second=confirmed,
        reason=found.reason,
        forecast=forecast.name if forecast is not None else "",
        forecast_per_second=peak,
        headroom_ratio=confirmed / peak if confirmed is not None and peak else None,
        probes=probe_results(found, rate),
    )
