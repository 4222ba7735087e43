"""`gelombang cleanup`: remove from a service of your own whom a run made there. Exit 1 when somebody is left; run it again then."""

import argparse
from pathlib import Path

from gelombang.cleaning import DRAIN_SECONDS, PER_SECOND_LIMIT, folders_to_clean, people_to_clean, read_cleaning_plan
from gelombang.clock import monotonic_us
from gelombang.errors import ExitCode, HostError, InputError
from gelombang.secrets import look_up_secrets
from gelombang_cli.arguments import Commands
from gelombang_cli.child import Child, wait_readable
from gelombang_cli.runfolder import existing_run_folder

EVENT_WAIT_SECONDS = 0.5
OVERTIME_SECONDS = 120.0
"""Wall time for setup steps, and past the planned end."""
LOG_FILE = "cleanup.log"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("cleanup", help="remove from your own service whom a run made there", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="folder of a run against your own service")
    parser.add_argument("--per-second", type=float, default=5.0, metavar="N", help="identities begun a second (default 5)")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    if not 0 < parsed.per_second <= PER_SECOND_LIMIT:
        raise InputError(f"--per-second is {parsed.per_second:g}; want above 0, up to {PER_SECOND_LIMIT:g}")
    folders = folders_to_clean(existing_run_folder(parsed.run).resolve())
    for folder in folders:
        scenario = read_cleaning_plan(folder).scenario
        look_up_secrets(scenario, f"scenario {scenario.name}")
    begun = sum(len(people_to_clean(folder)) for folder in folders)
    if not begun:
        print("nobody is left to remove")
        return ExitCode.AS_EXPECTED
    print(f"{begun:,} identities on {read_cleaning_plan(folders[0]).target_url}, {parsed.per_second:g} a second", flush=True)
    for folder in folders:
        _clean(folder, parsed.per_second)
    left = sum(len(people_to_clean(folder)) for folder in folders)
    print(f"{begun - left:,} removed, {left:,} left" + (f"; run gelombang cleanup {parsed.run} again" if left else ""))
    return ExitCode.FAILED if left else ExitCode.AS_EXPECTED


def _clean(folder: Path, per_second: float) -> None:
    people = people_to_clean(folder)
    if not people:
        return
    until_us = monotonic_us() + int((len(people) / per_second + DRAIN_SECONDS + OVERTIME_SECONDS) * 1e6)
    command = ["gelombang_loadtests.cleaning", str(folder), repr(per_second)]
    with Child("the clean-up", command, folder / LOG_FILE) as child:
        _follow(child, until_us)
        if child.process.returncode not in (ExitCode.AS_EXPECTED, ExitCode.FAILED):
            raise child.failure(f"ended with exit code {child.process.returncode}")


def _follow(child: Child, until_us: int) -> None:
    """Wait until it has ended; Ctrl-C asks it to, and what was done stays done."""
    interrupted = False
    while child.running:
        try:
            child.events()
            wait_readable([child], EVENT_WAIT_SECONDS)
            if monotonic_us() > until_us:
                raise HostError(f"the clean-up was still busy {OVERTIME_SECONDS:g} s after its planned end; its log is {child.log}")
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            child.interrupt()
    child.events()
