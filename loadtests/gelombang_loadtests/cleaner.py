"""The generator of a clean-up: the people of `created.csv` in place of the plan's arrivals, teardown steps in place of the journey.

Who has passed all of them is written to `cleaned.csv` of the run's folder at that moment, so that a clean-up which is ended goes on where
it was. Its ledgers lie in a folder of their own.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gelombang.attempt import Fate
from gelombang.cleaning import DRAIN_SECONDS
from gelombang.clock import MICROSECONDS
from gelombang.created import CleanedRows, CreatedRows
from gelombang.runplan import RunPlan
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.due_people import Arrivals
from gelombang_loadtests.engine_ports import RunEnd
from gelombang_loadtests.generator import Generator
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.person_photo import MakePhoto
from gelombang_loadtests.progress import Say
from gelombang_loadtests.recorder import Recorder


class _CleanBook(Book):
    """A book that also writes who is gone."""

    def __init__(self, recorder: Recorder, counts: GeneratorCounts, cleaned: CleanedRows) -> None:
        super().__init__(recorder, counts)
        self._cleaned = cleaned

    def person_ends(self, applicant: Applicant, fate: Fate, now_us: int) -> None:
        super().person_ends(applicant, fate, now_us)
        if fate is Fate.FINISHED:
            self._cleaned.add(applicant.index)


class Cleaner(Generator):
    """Walks teardown steps for `people` of the run in `run_folder`; `plan` is the cleaning plan. Raises InputError, FileError."""

    def __init__(
        self, plan: RunPlan, run_folder: Path, folder: Path, people: Sequence[int], per_second: float, photo: MakePhoto, say: Say
    ) -> None:
        super().__init__(plan, folder, 0, photo, lambda *_: None, say)
        due_us = 1 + (np.arange(len(people)) * (MICROSECONDS / per_second)).astype(np.int64)
        self._arrivals = Arrivals(due_us, np.array(people, dtype=np.int64))
        self._end = RunEnd(int(due_us[-1]) + int(DRAIN_SECONDS * MICROSECONDS))
        self._cleaned = CleanedRows(run_folder)

    def book(self, recorder: Recorder) -> Book:
        return _CleanBook(recorder, self.counts, self._cleaned)

    def created_rows(self) -> CreatedRows | None:
        """Nobody is made here."""
        return None

    def close(self) -> None:
        super().close()
        self._cleaned.close()
