"""One clean-up as a process: progress and the end as JSON lines on standard output; Ctrl-C and SIGTERM keep what was done."""

import signal
import sys
from pathlib import Path

import gevent

from gelombang.cleaning import fresh_folder, people_to_clean, read_cleaning_plan
from gelombang.clock import monotonic_us
from gelombang.errors import ExitCode, GelombangError, InputError
from gelombang.steps import PhotoKind
from gelombang_loadtests.cleaner import Cleaner
from gelombang_loadtests.photos import Photo
from gelombang_loadtests.progress import say


def main(arguments: list[str]) -> int:
    """Clean up; the exit code: FAILED when somebody is left."""
    try:
        if len(arguments) != 2:
            raise InputError(f"given {len(arguments)} values; want a run's folder and how many identities a second")
        folder = Path(arguments[0])
        plan, people = read_cleaning_plan(folder), people_to_clean(folder)
        cleaner = Cleaner(plan, folder, fresh_folder(folder), people, float(arguments[1]), _no_photo, say)
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, cleaner.stop)
        cleaner.set_up()
        done = cleaner.run(monotonic_us())
    except GelombangError as error:
        print(f"gelombang: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    say(done)
    if done.failure:
        return ExitCode.UNTRUSTED
    return ExitCode.AS_EXPECTED if done.fates["finished"] == done.planned else ExitCode.FAILED


def _no_photo(kind: PhotoKind, size_bytes: int, serial: bytes) -> Photo:
    raise AssertionError(f"a teardown step asks for a {kind}")
