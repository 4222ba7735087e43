"""The auditor's process: rounds of `Auditor` until its input ends or it is told to end (SIGTERM). It gives way to the rest of the machine.

Between two rounds it rests as long as the last one took, so that commits have the disk at least half of the time; it does not rest while
the photos take more than the bound. The bound is kept by removing, not by refusing: where photos come faster than they can be read back, or
wait for the check of photos, the disk takes more than that, and a line on standard error says so.
"""

import argparse
import os
import selectors
import signal
import sys
from pathlib import Path

from gelombang.audit import DATABASE, PHOTOS
from gelombang.audit_trail import TRAIL_FILE
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.runplan import ServerPlan
from gelombang_server.auditing.auditor import Auditor
from gelombang_server.auditing.figures import FIGURES_FILE, FiguresWriter
from gelombang_server.auditing.trail import Trail
from gelombang_server.config import SITE_FOLDER, read_plan

NICENESS = 10
"""A tenth of a processor that somebody else wants as well; reading back 500 photos a second takes less. At 19 it would starve."""
IDLE_SECONDS = 0.25
"""Wall time between two looks while nothing is due."""


def open_auditor(plan: ServerPlan) -> Auditor:
    """The auditor of a site that is prepared."""
    assert plan.keep_bytes is not None
    folder = Path(plan.folder)
    awaits_checks = plan.profile.uploads.checks is not None
    trail = Trail(folder / TRAIL_FILE)
    return Auditor(folder / DATABASE, folder / PHOTOS, trail, plan.keep_bytes, awaits_checks, lambda: monotonic_us() - plan.zero_us)


def audit_until_told(plan: ServerPlan) -> None:
    """Run rounds until standard input ends or SIGTERM comes."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: told.append(got))
    auditor = open_auditor(plan)
    figures = FiguresWriter(Path(plan.folder) / SITE_FOLDER / FIGURES_FILE)
    keep_bytes = plan.keep_bytes or 0
    is_over = False
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin, selectors.EVENT_READ)
            rest_seconds = 0.0
            while not told and not selector.select(rest_seconds):
                began_us = monotonic_us()
                goes_on = auditor.round()
                ended_us = monotonic_us()
                took_seconds = (ended_us - began_us) / MICROSECONDS
                figures.write(auditor.figures(ended_us))
                if is_over != (auditor.on_disk_bytes > keep_bytes):
                    is_over = not is_over
                    print(f"auditor: photos take {auditor.on_disk_bytes:,} bytes of {keep_bytes:,}", file=sys.stderr, flush=True)
                rest_seconds = IDLE_SECONDS if not goes_on else 0.0 if is_over else took_seconds
    finally:
        print(f"auditor: {auditor.told()}", file=sys.stderr, flush=True)
        auditor.close()
        figures.close()


def main(arguments: list[str] | None = None) -> int:
    """Entry of the process; only the supervisor starts it."""
    parser = argparse.ArgumentParser(prog="gelombang_server.auditing.process")
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(arguments)
    os.nice(NICENESS)
    audit_until_told(read_plan(options.config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
