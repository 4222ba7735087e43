"""`gelombang dashboards now`: what the page Now says of a run, or of a run that still goes on, without Grafana."""

import argparse
from datetime import datetime, timedelta

from gelombang.diagnosis.diagnose import diagnose
from gelombang.diagnosis.words import lines, sentence
from gelombang.errors import ExitCode, InputError
from gelombang.run_table import run_table
from gelombang.runplan import PLAN_FILE, RunPlan, read_model
from gelombang.series_file import SERIES_FILE, read_series
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder


def add_part(parts: Commands) -> None:
    now = parts.add_parser("now", help="what is wrong in a run at a moment: one sentence and nine values", description=__doc__)
    now.add_argument("run", metavar="RUN", help="folder of a run")
    now.add_argument("--at", type=float, metavar="SECONDS", help="wall time from the run's zero (default: when arrivals ended)")
    now.set_defaults(command=_now)


def _now(parsed: argparse.Namespace) -> ExitCode:
    folder = existing_run_folder(parsed.run)
    plan = read_model(folder / PLAN_FILE, RunPlan)
    table = run_table(read_series(folder / SERIES_FILE))
    scale = plan.scale.scale()
    at_seconds = min(scale.wall_seconds(plan.for_seconds), table.ends_seconds) if parsed.at is None else parsed.at
    if at_seconds > table.ends_seconds:
        raise InputError(f"--at is {at_seconds:g}; want at most {table.ends_seconds:.0f}, where the run's series end")
    opens_at = datetime.fromisoformat(plan.scenario.opens_at)

    def moment(wall_seconds: float) -> str:
        return f"{opens_at + timedelta(seconds=scale.people_seconds(wall_seconds)):%H:%M}"

    try:
        found = diagnose(table, at_seconds, scale.speed)
    except ValueError as error:
        raise InputError(f"--at {at_seconds:g}: {error}") from None
    print(f"{moment(at_seconds)}: {sentence(found, moment)}")
    for name, text in lines(found, moment):
        print(f"  {name:<30} {text}")
    return ExitCode.AS_EXPECTED
