"""`gelombang capacity calibrate`: what requests cost the server, from measured runs, tested on loads that the fit has not seen."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from gelombang.clock import utc_now
from gelombang.errors import ExitCode
from gelombang.runplan import write_model
from gelombang.sheet import Curve, Plot, Section, Sheet, Table, Tone, lines_of
from gelombang_capacity.calibration import (
    CALIBRATION_FILE,
    COVERAGE_AIM,
    ERROR_AIMS,
    Calibration,
    HeldOut,
    read_measured,
    require_alike,
    split,
)
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder, make_run_folder, new_run_id
from gelombang_reports.sheet_page import write_sheet

PAGE_FILE = "calibration.html"


def add_command(parts: Commands) -> None:
    parser = parts.add_parser("calibrate", help="what requests cost the server, from measured runs", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of VALID live runs of one profile at different loads")
    parser.add_argument(
        "--hold-out", action="append", default=[], type=Path, metavar="RUN", help="test on this one; may be repeated (default: the largest)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where calibration.json and its page go")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    from gelombang_capacity.fitting import fitted_calibration
    from gelombang_capacity.held_out import check, diagnostic, rejections

    console = Console()
    paths = dict.fromkeys([*map(str, parsed.runs), *map(str, parsed.hold_out)])
    runs = [read_measured(existing_run_folder(path)) for path in paths]
    require_alike(runs)
    fitted, tested = split(runs, parsed.hold_out)
    draft = fitted_calibration(fitted, tested, utc_now().isoformat(timespec="seconds"))
    checks = [each for run in tested for each in check(run, draft)]
    calibration = draft.model_copy(
        update={
            "checks": checks,
            "rejected": rejections(checks),
            "coverage_ratio": sum(each.is_inside for each in checks) / len(checks),
            "diagnostic": diagnostic(runs),
        }
    )
    folder = make_run_folder(parsed.out, f"{new_run_id(draft.scenario, draft.profile)}-calibration", draft.profile, False)
    write_model(folder / CALIBRATION_FILE, calibration)
    sheet = calibration_sheet(calibration)
    write_sheet(sheet, folder / PAGE_FILE)
    for line in lines_of(sheet):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Calibration: {folder / CALIBRATION_FILE}", highlight=False, soft_wrap=True)
    return ExitCode.FAILED if calibration.rejected else ExitCode.AS_EXPECTED


def calibration_sheet(found: Calibration) -> Sheet:
    """The page of a calibration."""
    verdict = (
        f"REJECTED: {len(found.rejected)} of {len(found.checks)} held-out quantities lie outside what the model predicts. No plan reads it."
        if found.rejected
        else f"The model holds on {_runs(len(found.held_out))} that it was not fitted to: {found.coverage_ratio:.0%} of "
        f"{len(found.checks)} quantities lie in their 90 % interval, and none too far outside."
    )
    return Sheet(
        kind=f"What requests cost {found.profile}",
        title="Calibration",
        scene=f"Scenario {found.scenario}, {found.speed:g} times as fast; server version {found.commit or 'unknown'}; fitted to "
        f"{len(found.fitted)} runs of {found.requests_per_second_low:.3g} to {found.requests_per_second_high:.3g} requests per second and "
        f"process, {found.seconds} seconds; {found.made_at}.",
        verdict=verdict,
        tone=Tone.BAD if found.rejected else Tone.GOOD,
        doubts=tuple(found.rejected),
        sections=(
            _demand_section(found),
            _check_section(found),
            *(_run_section(found, run) for run in dict.fromkeys(each.run_id for each in found.checks)),
            _answer_section(found),
            _diagnostic_section(found),
        ),
    )


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _demand_section(found: Calibration) -> Section:
    rows = [(each.of.value, f"{1e3 * each.seconds:.3f}", f"± {1e3 * each.standard_error:.3f}") for each in found.demands]
    change = found.change
    if change.standard_error:
        believed = "" if change.is_believed else " (not believed)"
        rows.append((f"small request, at twice the load{believed}", f"{1e3 * change.seconds:+.3f}", f"± {1e3 * change.standard_error:.3f}"))
    note = "CPU milliseconds of all server processes, of the wall clock; of nobody asks: thousandths of a core."
    table = Table(("class of request", "costs", "standard error"), tuple(rows), note)
    unexplained = f"A second's use lies {found.residual_cores:.3g} cores about the fit."
    return Section("What a request costs", (unexplained,), tables=(table,))


def _check_section(found: Calibration) -> Section:
    words = (
        f"Held out: {', '.join(found.held_out)}. An interval is what chance does (other people) and how much the runs that were fitted "
        "differ from the model beyond it.",
    )
    spread = tuple((kind, f"{100 * off:.1f} {'points' if kind == 'share' else '%'}") for kind, off in found.run_spread.items())
    return Section(
        "Runs that the fit has not seen",
        words,
        _load_plot(found),
        tables=(
            Table(("held-out error", "largest", "wanted"), _error_rows(found)),
            Table(("kind of quantity", "runs differ by"), spread, "One standard deviation, chance apart."),
        ),
    )


def _load_plot(found: Calibration) -> Plot | None:
    """Small requests' responses over the load of all runs; None when no run measured them."""
    curves = []
    for share in ("p50", "p95"):
        rows = [each for each in (*found.fitted_checks, *found.checks) if each.quantity == f"response of small requests, {share}, s"]
        rows.sort(key=lambda each: found.loads[each.run_id])
        if rows:
            curves.append(Curve(f"{share} measured", tuple((found.loads[each.run_id], each.measured) for each in rows)))
            curves.append(Curve(f"{share} predicted", tuple((found.loads[each.run_id], each.predicted) for each in rows), True))
    title = "Small requests, fitted and held-out runs"
    return Plot(title, "requests per second and process", "people's seconds", tuple(curves)) if curves else None


def _run_section(found: Calibration, run_id: str) -> Section:
    """One held-out run, quantity by quantity."""
    rows = tuple(
        (
            each.quantity,
            f"{each.measured:.4g}",
            f"{each.predicted:.4g}",
            _off(each),
            f"{each.low:.4g} to {each.high:.4g}",
            "rejected" if each.is_rejected else "inside" if each.is_inside else "near",
        )
        for each in found.checks
        if each.run_id == run_id
    )
    head = ("quantity", "measured", "predicted", "off by", "90 % interval", "it is")
    return Section(f"Held out: {run_id}", (), tables=(Table(head, rows),))


def _answer_section(found: Calibration) -> Section:
    """What an answer takes beside CPU and lines."""

    def row(name: str, spread: Sequence[float]) -> tuple[str, ...]:
        return (name, *(f"{1e3 * float(np.interp(share, np.linspace(0, 1, len(spread)), spread)):.2f}" for share in (0.05, 0.5, 0.95)))

    times = found.times
    rows = [row(f"answer to {step}", spread) for step, spread in times.answers.items()]
    if times.commit:
        rows.append(row("one transaction of the database", times.commit))
    note = "Milliseconds of the wall clock; drawn for each person and try. Of a photo step: the answer to the wish for a ticket."
    words = ["The way there and back, threads' hand-over, the generator's clock: it keeps nobody else waiting."]
    if found.commit_change.is_believed:
        by = 1e3 * found.commit_change.seconds
        words.append(f"A transaction takes {by:+.2f} ms at twice the load (standard error {1e3 * found.commit_change.standard_error:.2f}).")
    return Section("What an answer takes besides", tuple(words), tables=(Table(("what", "5 %", "middle", "95 %"), tuple(rows), note),))


def _off(each: HeldOut) -> str:
    return f"{100 * each.error:+.1f} points" if each.is_share else f"{each.error:+.1%}"


def _error_rows(found: Calibration) -> tuple[tuple[str, str, str], ...]:
    """The largest error of each kind of quantity, and the coverage of the intervals, beside what was wanted."""
    rows = []
    for aim in ERROR_AIMS:
        checks = [each for each in found.checks if each.quantity.startswith(aim.begins)]
        wanted = f"{100 * aim.at_most:g} points" if aim.begins == "share of" else f"{aim.at_most:.0%}"
        rows.append((aim.kind, _off(max(checks, key=lambda each: abs(each.error))) if checks else "not measured", f"at most {wanted}"))
    low, high = COVERAGE_AIM
    inside = f"{found.coverage_ratio:.0%} of {len(found.checks)}"
    return (*rows, ("inside their 90 % interval", inside, f"{low:.0%} to {high:.0%}"))


def _diagnostic_section(found: Calibration) -> Section:
    law = found.diagnostic
    if law is None:
        return Section("Scalability law, as a hint", ("Too few loads for it: it wants four.",))
    peak = "no peak" if law.peak_requests_in_service is None else f"a peak at {law.peak_requests_in_service:.3g} requests in service"
    words = f"Contention {law.contention:.3g}, coherency {law.coherency:.3g}, {peak}. It extrapolates badly: no plan uses it."
    return Section("Scalability law, as a hint", (words,))
