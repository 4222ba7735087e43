"""`gelombang simulate`: everybody of a scenario, walked against a model of the site in seconds; ends with the funnel and a page."""

import argparse
from fractions import Fraction
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gelombang.clock import monotonic_us, utc_now
from gelombang.errors import ExitCode, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.objective_words import three_digits
from gelombang.record import RunRecord, write_record
from gelombang.scale import Scale, parse_sample
from gelombang_capacity.predictions import Prediction
from gelombang_capacity.published import HISTORY_AT, counts_by_step
from gelombang_cli.arguments import Commands, positive
from gelombang_cli.expecting import expect_run
from gelombang_cli.provenance import commit
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_reports.console import console_summary
from gelombang_reports.page import write_page

PAGE_FILE = "report.html"
HISTORY_SCENARIO = "surge-2020"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("simulate", help="the same scenario against a model of the site, in seconds", description=__doc__)
    parser.add_argument(
        "scenario", help="a scenario file, or the name of one that comes along: smoke, opening-hour, short-wave, surge-2020"
    )
    parser.add_argument("--profile", action="append", metavar="NAME", help="site to model; may be repeated (default: the scenario's)")
    group = parser.add_argument_group("scale (default: everybody, at full size, in the people's own time)")
    group.add_argument("--sample", default="1", metavar="F", help="share of the people, such as 1/50 (default 1: everybody)")
    group.add_argument("--speed", type=float, default=1.0, metavar="K", help="as a live run's, for comparing with one (default 1)")
    group.add_argument("--bytes", type=float, default=1.0, metavar="B", help="as a live run's, for comparing with one (default 1)")
    group.add_argument("--load", type=float, default=1.0, metavar="M", help="people, times this, on the same site (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="same scenario, scale and seed: the same people as a live run (default 1)")
    parser.add_argument("--for", dest="for_seconds", type=float, metavar="SECONDS", help="only the first SECONDS of people's time")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a scenario value: patience.return_ratio=0.8"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run's folder; with several profiles, DIR/<profile>")
    parser.add_argument(
        "--expect", action="store_true", help="write what 12 seeds say into the ledger of predictions, before it is run live"
    )
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    from gelombang_capacity.simulation import Simulation, record_of, simulate

    console = Console()
    scenario = load_scenario(parsed.scenario, parsed.set)
    if parsed.seed < 0:
        raise InputError(f"--seed is {parsed.seed}; want 0 or more")
    if not 0 < parsed.bytes <= 1:
        raise InputError(f"--bytes is {parsed.bytes:g}; want a ratio above 0, up to 1")
    sample: Fraction = parse_sample(parsed.sample)
    scale = Scale(sample, positive("--speed", parsed.speed), parsed.bytes, positive("--load", parsed.load))
    profiles = [load_profile(name) for name in parsed.profile or scenario.profiles]
    whole = scenario.arrivals.for_seconds or sum(phase.for_seconds for phase in scenario.arrivals.phases)
    for_seconds = whole if parsed.for_seconds is None else positive("--for", parsed.for_seconds)
    records: list[RunRecord] = []
    folder = Path()
    for profile in profiles:
        if parsed.expect:
            _tell(expect_run("simulate", scenario, profile, scale, for_seconds), console)
        run_id = f"{new_run_id(scenario.name, profile.name)}-simulated"
        folder = make_run_folder(parsed.out, run_id, profile.name, len(profiles) > 1)
        started_at = utc_now().isoformat(timespec="seconds")
        began_us = monotonic_us()
        simulated = simulate(Simulation(scenario, profile, scale, parsed.seed, for_seconds, run_id, started_at, commit()))
        spent_seconds = (monotonic_us() - began_us) / 1e6
        console.print(f"{profile.name}: {len(simulated.plan.due_us):,} people in {spent_seconds:.1f} s", highlight=False)
        record = record_of(simulated, folder, {record.profile: record for record in records})
        write_record(folder, record)
        records.append(record)
    page = (parsed.out or folder) / PAGE_FILE if len(profiles) > 1 else folder / PAGE_FILE
    write_page(records, page)
    console_summary(records, console, page)
    if scenario.name == HISTORY_SCENARIO:
        console.print(_beside_history(records))
    failed = any(judgement.passed is False for record in records for judgement in record.objectives)
    return ExitCode.FAILED if failed else ExitCode.AS_EXPECTED


def _tell(prediction: Prediction, console: Console) -> None:
    for each in prediction.quantities:
        console.print(
            f"expected of {prediction.profile}: {each.name} {three_digits(each.low)} to {three_digits(each.high)}",
            highlight=False,
            markup=False,
        )


def _beside_history(records: list[RunRecord]) -> Table:
    """The funnel at the published hours, at full size, beside what was published."""
    table = Table(title="People past each stage, at full size, beside history (docs/facts.md)", title_justify="left")
    table.add_column("hour", justify="right")
    table.add_column("stage")
    table.add_column("history", justify="right")
    for record in records:
        table.add_column(f"{record.profile}, simulated", justify="right")
    titles = {step.step: step.title for step in records[0].steps}
    for at in HISTORY_AT:
        if at > records[0].for_seconds:
            break
        for step, counts in counts_by_step().items():
            history = f"{counts[at]:,}" if at in counts else "-"
            table.add_row(f"{at / 3600:g}", titles[step], history, *(f"{_passed_by(record, step, at):,.0f}" for record in records))
    return table


def _passed_by(record: RunRecord, step: str, at_seconds: float) -> float:
    """People past a step by then, at full size; the published hours are edges of the record's windows."""
    windows = round(at_seconds / record.windows.window_seconds)
    return record.scale.scale().stands_for(sum(record.windows.passed[step][:windows]))
