"""What the generator keeps does not grow with the length of a run: rows go to disk, counts have their size from the start."""

import tracemalloc
from pathlib import Path

from gelombang.attempt import Outcome, Phase
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.recorder import Ending, Recorder

ROOM_BYTES = 4_000
"""For what Python itself keeps by the way (free lists, small integers): two bytes an attempt would not fit."""


def test_memory_after_many_attempts_is_that_after_few(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 0, 1)
    book = Book(recorder, GeneratorCounts(["first", "second"], watch_response=False))
    applicant = Applicant(1, 1, 2)
    outcomes = (Outcome.OK, Outcome.FAILED, Outcome.TIMED_OUT)

    def attempts(count: int) -> None:
        for number in range(count):
            applicant.step = number % 2
            book.attempt_begins(applicant, number)
            book.attempt_ends(applicant, Try(Ending(outcomes[number % 3], Phase.WAIT)), number * 37 % 100_000, cut=False)

    tracemalloc.start()
    try:
        attempts(200)
        before, _ = tracemalloc.get_traced_memory()
        attempts(2_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    recorder.close()
    assert after - before < ROOM_BYTES
    assert (tmp_path / "ledger-generator-0.bin").stat().st_size == 2_200 * 72
