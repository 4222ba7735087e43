"""The generator's ledgers: every attempt, every person, every acknowledged photo, each written where it will be read.

A row is begun when the attempt begins and its outcome is written last, so that a row of a killed process reads as open and never as half
ended. Rows are packed with `struct` straight into the mapped file: through NumPy scalars one attempt would cost many times as much.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, MILESTONE_LIMIT, PERSON_ROW, LedgerWriter

ATTEMPT_ROWS_LIMIT = 60_000_000
"""Attempts of one process: 4.3 GB of ledger, more than twice what all people of the surge make in its first 21 hours."""

_U32_LIMIT = 0xFFFF_FFFF
_ATTEMPT_BEGUN = struct.Struct("<QHHBBBBHHIqq")
_ATTEMPT_ENDED = struct.Struct("<qIIIIII")
_ATTEMPT_OUTCOME = struct.Struct("<BBBHHI")
# Looked up once, as the enum's member is: each attempt writes five times.
_pack_begun, _pack_ended, _pack_outcome = _ATTEMPT_BEGUN.pack_into, _ATTEMPT_ENDED.pack_into, _ATTEMPT_OUTCOME.pack_into
_OPEN = Outcome.OPEN
_DONE_AT = 40
_OUTCOME_AT = 13
_PERSON_BEGUN = struct.Struct("<QBBHIqq")
_PERSON_DONE_AT = 32
_FATE_AT = 8
_STEP_AT = 9
_PASSED_AT = 40
_pack_i64 = struct.Struct("<q").pack_into
_pack_attempts = struct.Struct("<I").pack_into
_ATTEMPTS_AT = 12
_ACKNOWLEDGED = struct.Struct("<QHHB3xII32s")

assert GENERATOR_ROW.itemsize == _DONE_AT + _ATTEMPT_ENDED.size
assert PERSON_ROW.itemsize == _PASSED_AT + 8 * MILESTONE_LIMIT
assert ACKNOWLEDGED_ROW.itemsize == _ACKNOWLEDGED.size


class Ending(NamedTuple):
    """How an attempt ended: what goes into its row beside the times that are known when it begins. A tuple: one is made per attempt."""

    outcome: Outcome
    phase: Phase = Phase.NONE
    exchanges: int = 0
    status: int = 0
    code: Code = Code.NONE
    bytes_sent: int = 0
    bytes_received: int = 0
    connect_us: int = 0
    send_us: int = 0
    wait_us: int = 0
    receive_us: int = 0
    hook_us: int = 0
    """What the step's hook took, which is the generator's own time."""


class Recorder:
    """Writes the three ledgers of generator process `process` into `folder`; `close` cuts them to what was written."""

    def __init__(self, folder: Path, process: int, people: int, epoch_of: Callable[[int], int] = lambda index: 0) -> None:
        """`people` is the most that this process may come to walk; `epoch_of` says in which epoch it was given a person."""
        people_rows = max(people, 1)
        self._epoch_of = epoch_of
        self._attempts = LedgerWriter(folder / f"ledger-generator-{process}.bin", GENERATOR_ROW, ATTEMPT_ROWS_LIMIT)
        self._people = LedgerWriter(folder / f"people-{process}.bin", PERSON_ROW, people_rows)
        self._acknowledged = LedgerWriter(folder / f"acknowledged-{process}.bin", ACKNOWLEDGED_ROW, ATTEMPT_ROWS_LIMIT)

    def begin_person(self, index: int, due_us: int, started_us: int) -> int:
        """The row of a person who starts. Somebody due at 0 µs is written as due at 1, because 0 marks an unused row."""
        row = self._people.begin()
        _PERSON_BEGUN.pack_into(self._people.buffer, row, index, Fate.OPEN, 0, self._epoch_of(index), 0, max(due_us, 1), started_us)
        return row

    def unsent_person(self, index: int, due_us: int, step: int = 0) -> None:
        """The whole row of a person who never left the generator."""
        row = self._people.begin()
        _PERSON_BEGUN.pack_into(self._people.buffer, row, index, Fate.UNSENT, step, self._epoch_of(index), 0, max(due_us, 1), 0)

    def passed(self, person_row: int, step: int, now_us: int) -> None:
        """The person passed this step for the first time."""
        _pack_i64(self._people.buffer, person_row + _PASSED_AT + 8 * step, max(now_us, 1))

    def moves_to(self, person_row: int, step: int) -> None:
        """Where the person stands from now on."""
        self._people.buffer[person_row + _STEP_AT] = step

    def made_attempts(self, person_row: int, attempts: int) -> None:
        """How many attempts the person has made so far."""
        _pack_attempts(self._people.buffer, person_row + _ATTEMPTS_AT, attempts)

    def end_person(self, person_row: int, fate: Fate, step: int, attempts: int, done_us: int) -> None:
        """What became of the person; written once."""
        buffer = self._people.buffer
        assert buffer[person_row + _FATE_AT] == Fate.OPEN
        _pack_i64(buffer, person_row + _PERSON_DONE_AT, done_us)
        self.moves_to(person_row, step)
        self.made_attempts(person_row, attempts)
        buffer[person_row + _FATE_AT] = fate

    def end_all_people(self, fate: Fate, done_us: int) -> int:
        """Give this fate to everybody who has none yet; how many they were."""
        rows = np.frombuffer(self._people.buffer, dtype=PERSON_ROW, count=self._people.count)
        open_rows = rows["fate"] == Fate.OPEN
        rows["done"][open_rows] = done_us
        rows["fate"][open_rows] = fate
        return int(open_rows.sum())

    def begin_attempt(self, index: int, step: int, number: int, due_us: int, sent_us: int, tab: int = 0) -> int:
        """The row of an attempt that begins now."""
        row = self._attempts.begin()
        _pack_begun(self._attempts.buffer, row, index, step, number, tab, _OPEN, 0, 0, 0, 0, 0, due_us, sent_us)
        return row

    def end_attempt(self, row: int, ending: Ending, done_us: int, outcome: Outcome) -> None:
        """How the attempt ended; written once. `outcome` takes the place of the ending's own."""
        buffer = self._attempts.buffer
        assert buffer[row + _OUTCOME_AT] == _OPEN
        _, phase, exchanges, status, code, sent, received, connect_us, send_us, wait_us, receive_us, hook_us = ending
        try:
            _pack_ended(buffer, row + _DONE_AT, done_us, sent, received, connect_us, send_us, wait_us, receive_us)
            _pack_outcome(buffer, row + _OUTCOME_AT, outcome, phase, exchanges, status, code, hook_us)
        except struct.error:
            numbers = [min(number, _U32_LIMIT) for number in (sent, received, connect_us, send_us, wait_us, receive_us, hook_us)]
            _pack_ended(buffer, row + _DONE_AT, done_us, *numbers[:-1])
            _pack_outcome(buffer, row + _OUTCOME_AT, outcome, phase, exchanges, status, code, numbers[-1])

    def acknowledge(self, index: int, step: int, number: int, size_bytes: int, sha256: bytes, tab: int = 0) -> None:
        """The site told this person that it has the photo."""
        row = self._acknowledged.begin()
        _ACKNOWLEDGED.pack_into(self._acknowledged.buffer, row, index, step, number, tab, size_bytes, 0, sha256)

    def close(self) -> None:
        """Cut the files to what was written. Nothing may be recorded afterwards."""
        self._attempts.close()
        self._people.close()
        self._acknowledged.close()
