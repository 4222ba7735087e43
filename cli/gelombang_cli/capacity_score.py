"""`gelombang capacity score`: what was expected of runs and searches beside what came, and how good expectations have been so far."""

import argparse
from pathlib import Path

from rich.console import Console

from gelombang.clock import utc_now
from gelombang.errors import ExitCode, InputError
from gelombang.objective_words import three_digits
from gelombang.record import Validity, read_record
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ServerPlan, read_model
from gelombang.sheet import Section, Sheet, Table, Tone, lines_of
from gelombang_capacity.limit_result import LIMIT_FILE, LimitResult
from gelombang_capacity.predictions import (
    LIMIT,
    SCORES_FILE,
    Prediction,
    Score,
    add_line,
    counted,
    coverage_ratio,
    mean_error_ratio,
    read_lines,
    run_key,
    scores,
)
from gelombang_cli.arguments import Commands
from gelombang_cli.expecting import LEDGER
from gelombang_cli.runfolder import existing_run_folder
from gelombang_reports.sheet_page import write_sheet

PAGE_FILE = "score.html"


def add_command(parts: Commands) -> None:
    parser = parts.add_parser("score", help="how wrong were the predictions?", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="folders of live runs and searches; without any, only the history is told")
    parser.add_argument("--ledger", type=Path, default=LEDGER, metavar="FILE", help=f"where predictions stand (default {LEDGER})")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    console = Console()
    ledger: Path = parsed.ledger
    predictions = read_lines(ledger, Prediction)
    kept = ledger.parent / SCORES_FILE
    history = read_lines(kept, Score)
    told: list[Score] = []
    for path in parsed.runs:
        told += _scored(existing_run_folder(path), predictions)
    if not told and not history:
        raise InputError(
            f"{ledger} foretold none of what was given, and {kept} holds no earlier scores; want a run made after a prediction"
        )
    seen = {(each.run_id, each.by, each.name) for each in history}
    for score in told:
        if (score.run_id, score.by, score.name) not in seen:
            add_line(kept, score)
            history.append(score)
    sheet = score_sheet(told, history)
    write_sheet(sheet, ledger.parent / PAGE_FILE)
    for line in lines_of(sheet):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Page: {ledger.parent / PAGE_FILE}", highlight=False, soft_wrap=True)
    return ExitCode.AS_EXPECTED


def _scored(folder: Path, predictions: list[Prediction]) -> list[Score]:
    if (folder / LIMIT_FILE).exists():
        limit = read_model(folder / LIMIT_FILE, LimitResult)
        if limit.kind != "live" or limit.limit_per_second is None or limit.confirmed_per_second is None:
            raise InputError(f"{folder} has no limit that was found live; want a search that ended in a confirmed rate")
        # The search wrote its own prediction before its first run, so the end of the search is late enough to compare with.
        return scores(predictions, limit.key, folder.name, limit.made_at, {LIMIT: limit.limit_per_second})
    record = read_record(folder)
    if record.kind != "live":
        raise InputError(f"{folder} is a {record.kind} run; want a live one, because a model can't be scored against itself")
    if record.validity is not Validity.VALID:
        raise InputError(f"{folder} is {record.validity}: {record.doubts[0].evidence}; want a run that can be believed")
    if not (folder / SERVER_FILE).exists():
        raise InputError(f"{folder} was not made against the reference server; want a run that has a {SERVER_FILE}")
    plan, server = read_model(folder / PLAN_FILE, RunPlan), read_model(folder / SERVER_FILE, ServerPlan)
    key = run_key(plan.scenario, server.profile, plan.scale, plan.for_seconds)
    return scores(predictions, key, record.run_id, record.started_at, counted(record))


def score_sheet(told: list[Score], history: list[Score]) -> Sheet:
    """The page of what was scored now, and of all that was scored so far."""
    error, coverage = mean_error_ratio(history), coverage_ratio(history)
    runs = len({each.run_id for each in history})
    confidence = history[0].confidence if history else 0.9
    verdict = (
        f"Over {runs} runs, {len(history)} numbers were foretold: off by {error or 0:.1%} in the mean, and {coverage or 0:.0%} lay in "
        f"the interval that promised {confidence:.0%}."
    )
    now = tuple(
        (
            each.name,
            each.by,
            three_digits(each.expected),
            f"{three_digits(each.low)} to {three_digits(each.high)}",
            three_digits(each.came),
            "-" if each.error_ratio is None else f"{each.error_ratio:+.1%}",
            "inside" if each.is_inside else "outside",
        )
        for each in told
    )
    by_name: dict[str, list[Score]] = {}
    for each in history:
        by_name.setdefault(each.name, []).append(each)
    kept = tuple(
        (name, str(len(found)), f"{mean_error_ratio(found) or 0:.1%}", f"{coverage_ratio(found) or 0:.0%}")
        for name, found in by_name.items()
    )
    return Sheet(
        kind="The ledger of predictions",
        title="How wrong were the predictions?",
        scene=f"Told {utc_now().isoformat(timespec='seconds')}. Predictions count only when they were written before the run began.",
        verdict=verdict,
        tone=Tone.GOOD if coverage is not None and coverage >= confidence - 0.1 else Tone.DOUBTED,
        sections=(
            *(
                [Section("Now", tables=(Table(("quantity", "by", "expected", "interval", "came", "off by", "it lay"), now),))]
                if now
                else []
            ),
            Section("So far", tables=(Table(("quantity", "times", "off by, mean", "inside"), kept),)),
        ),
    )
