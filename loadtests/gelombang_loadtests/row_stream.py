"""A recorder whose ended rows can be taken away while it runs, for a master on another machine.

A row is taken once, when nothing about it can change any more: an attempt or a person when it has ended, an acknowledgement at once. What
is still open when this process dies is lost with it; the master knows from the plan who that was. Other files of the run's folder are
followed as they grow.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gelombang.attempt import Fate, Outcome
from gelombang.created import CREATED_FILE
from gelombang.ledger import PERSON_ROW, LedgerWriter
from gelombang.network_facts import network_file
from gelombang_loadtests.recorder import Ending, Recorder


class StreamedRecorder(Recorder):
    """A recorder that remembers which rows have ended since the last `take`."""

    def __init__(self, folder: Path, process: int, people: int, epoch_of: Callable[[int], int]) -> None:
        super().__init__(folder, process, people, epoch_of)
        self._ended: dict[LedgerWriter, list[int]] = {self._attempts: [], self._people: [], self._acknowledged: []}
        self._left: dict[str, bytes] = {}
        """What was not taken when the files were closed."""

    def end_attempt(self, row: int, ending: Ending, done_us: int, outcome: Outcome) -> None:
        super().end_attempt(row, ending, done_us, outcome)
        self._ended[self._attempts].append(row)

    def unsent_person(self, index: int, due_us: int, step: int = 0) -> None:
        super().unsent_person(index, due_us, step)
        self._ended[self._people].append(self._last(self._people))

    def end_person(self, person_row: int, fate: Fate, step: int, attempts: int, done_us: int) -> None:
        super().end_person(person_row, fate, step, attempts, done_us)
        self._ended[self._people].append(person_row)

    def end_all_people(self, fate: Fate, done_us: int) -> int:
        rows = np.frombuffer(self._people.buffer, dtype=PERSON_ROW, count=self._people.count)
        self._ended[self._people] += (np.flatnonzero(rows["fate"] == Fate.OPEN) * PERSON_ROW.itemsize).tolist()
        del rows  # the file can't grow while something looks into it
        return super().end_all_people(fate, done_us)

    def acknowledge(self, index: int, step: int, number: int, size_bytes: int, sha256: bytes, tab: int = 0) -> None:
        super().acknowledge(index, step, number, size_bytes, sha256, tab)
        self._ended[self._acknowledged].append(self._last(self._acknowledged))

    def take(self) -> dict[str, bytes]:
        """The rows that have ended since the last call, by file; those of a closed recorder once."""
        taken, self._left = self._left, {}
        for writer, rows in self._ended.items():
            if rows:
                size = writer.dtype.itemsize
                taken[writer.path.name] = b"".join(writer.buffer[row : row + size] for row in rows)
                rows.clear()
        return taken

    def close(self) -> None:
        self._left = self.take()
        super().close()

    def _last(self, writer: LedgerWriter) -> int:
        return (writer.count - 1) * writer.dtype.itemsize


class FileTails:
    """The other files of one generator process: what was appended to each since the last `take`."""

    def __init__(self, folder: Path, process: int) -> None:
        self._folder = folder
        self._seen = dict.fromkeys(other_files(process), 0)

    def take(self) -> dict[str, bytes]:
        """New bytes by file. Of `created.csv` the first line stays: the master's file has its own."""
        taken = {}
        for name, seen in self._seen.items():
            path = self._folder / name
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(seen)
                new = file.read()
            self._seen[name] = seen + len(new)
            if name == CREATED_FILE and not seen:
                new = new.partition(b"\n")[2]
            if new:
                taken[name] = new
        return taken


def ledgers(process: int) -> tuple[str, ...]:
    """The files of rows of one process."""
    return (f"ledger-generator-{process}.bin", f"people-{process}.bin", f"acknowledged-{process}.bin")


def other_files(process: int) -> tuple[str, ...]:
    """What else one process leaves that a record reads."""
    return (f"generator-{process}.jsonl", network_file(process), CREATED_FILE)
