"""`gelombang dashboards live RUN`: the panels of a run that somebody else carries, on a local port while it lasts.

For a run over Locust's master and workers, whose master keeps the series of all: beside it, what `gelombang run --live` is for a run of its
own. It only reads the folder, so it may come and go, and ends when the run's record is there.
"""

import argparse
from pathlib import Path

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds
from gelombang.errors import ExitCode, InputError
from gelombang.record import RECORD_FILE
from gelombang.runplan import PLAN_FILE, RunPlan, read_model
from gelombang_cli.arguments import Commands
from gelombang_cli.execution import Order
from gelombang_cli.live import LiveBoard
from gelombang_cli.runfolder import existing_run_folder

LOOK_EVERY_SECONDS = 0.2
FOLLOW_SECONDS_LIMIT = 7 * 86_400.0
READERS_LEAVE_WITHIN_SECONDS = 2.0


def add_part(parts: Commands) -> None:
    live = parts.add_parser("live", help="the panels of a run that goes on, on a local port until it ends", description=__doc__)
    live.add_argument("run", metavar="RUN", help="folder of a run, such as the --out of Locust's master")
    live.add_argument("--port", type=int, default=0, help="listen here (default: any free port)")
    live.set_defaults(command=_live)


def _live(parsed: argparse.Namespace) -> ExitCode:
    folder = existing_run_folder(parsed.run)
    plan = read_model(folder / PLAN_FILE, RunPlan)
    if not 0 <= parsed.port <= 65_535:
        raise InputError(f"--port is {parsed.port}; want 0 to 65535, 0 for any free one")
    if (folder / RECORD_FILE).exists():
        raise InputError(f"{folder} is a run that is over; want one that goes on (gelombang dashboards serve opens an old one)")
    with LiveBoard(parsed.port) as board:
        print(f"live: {board.url}", flush=True)
        with board.follow(_order(plan, folder)):
            _wait_for_the_record(folder)
        board.ended(folder / RECORD_FILE)
        board.wait_until_left(READERS_LEAVE_WITHIN_SECONDS)
    return ExitCode.AS_EXPECTED


def _order(plan: RunPlan, folder: Path) -> Order:
    """The run as its folder tells it."""
    return Order(
        scenario=plan.scenario,
        scale=plan.scale.scale(),
        seed=plan.seed,
        for_seconds=plan.for_seconds,
        profile=None,
        target_url=plan.target_url,
        server_processes=0,
        generator_processes=plan.generator_processes,
        run_id=plan.run_id,
        folder=folder,
    )


def _wait_for_the_record(folder: Path) -> None:
    until_us = monotonic_us() + int(FOLLOW_SECONDS_LIMIT * MICROSECONDS)
    while not (folder / RECORD_FILE).exists() and monotonic_us() < until_us:
        sleep_seconds(LOOK_EVERY_SECONDS)
