"""The book of a run: what happens to people goes into the ledgers and the counts, at one place."""

from contextlib import suppress

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.errors import HostError
from gelombang_loadtests.applicant import NO_ROW, Applicant
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.recorder import Ending, Recorder

_OK = Outcome.OK
"""Looked up once: an attribute of an enum costs 0.1 µs."""


class Book:
    """Writes for the walker while people act, and for the engine when the run ends (`gelombang_loadtests.engine.Book`)."""

    def __init__(self, recorder: Recorder, counts: GeneratorCounts) -> None:
        self._recorder = recorder
        self._counts = counts
        self._open: dict[int, Applicant] = {}
        """Whose attempt has begun and not ended, by the attempt's row: those in an exchange, and those who wait for a message."""

    def person_begins(self, applicant: Applicant, now_us: int) -> None:
        applicant.person_row = self._recorder.begin_person(applicant.index, applicant.due_us, now_us)
        self._counts.first_sent(now_us - applicant.due_us)

    def attempt_begins(self, applicant: Applicant, now_us: int) -> None:
        step, recorder = applicant.step, self._recorder
        row = recorder.begin_attempt(applicant.index, step, applicant.tries[step], applicant.due_us, now_us, applicant.tab)
        applicant.attempt_row = row
        self._open[row] = applicant
        recorder.made_attempts(applicant.person_row, applicant.attempts)

    def attempt_ends(self, applicant: Applicant, tried: Try, now_us: int, cut: bool) -> None:
        """`cut`: it was not the person's patience that ran out but the run's time."""
        row, applicant.attempt_row = applicant.attempt_row, NO_ROW
        del self._open[row]
        counts, step, ending = self._counts, applicant.step, tried.ending
        outcome = Outcome.CUT if cut else ending.outcome
        if tried.kept is not None and outcome is _OK:
            # Before the outcome, so that a process killed in between leaves an open attempt that was told, and none that was told nothing.
            kept, number = tried.kept, applicant.tries[step]
            self._recorder.acknowledge(applicant.index, step, number, kept.size_bytes, kept.sha256, applicant.tab)
            counts.photo_acknowledged(step)
        self._recorder.end_attempt(row, ending, now_us, outcome)
        counts.ended(step, outcome, ending.phase, now_us - applicant.due_us, ending.bytes_sent)
        if step in counts.photos:
            counts.photo_ended(step, (ending.connect_us, ending.send_us, ending.wait_us, ending.receive_us))
        if applicant.index < counts.canary_people:
            counts.canary[outcome] += 1

    def passes(self, applicant: Applicant, now_us: int) -> None:
        """The first passing of a step counts; later ones are repetitions."""
        step = applicant.step
        bit = 1 << step
        if not applicant.passed_steps & bit:
            applicant.passed_steps |= bit
            self._recorder.passed(applicant.person_row, step, now_us)
            self._counts.passed[step] += 1

    def moves(self, applicant: Applicant) -> None:
        self._recorder.moves_to(applicant.person_row, applicant.step)

    def person_ends(self, applicant: Applicant, fate: Fate, now_us: int) -> None:
        self._recorder.end_person(applicant.person_row, fate, applicant.step, applicant.attempts, now_us)
        if applicant.index < self._counts.canary_people:
            self._counts.canary_fates[fate] = self._counts.canary_fates.get(fate, 0) + 1
        applicant.leave_line()

    def cut(self, applicant: Applicant, now_us: int) -> Fate:
        if applicant.person_row == NO_ROW:
            self.unsent(applicant.index, applicant.due_us)
            return Fate.UNSENT
        if applicant.attempt_row != NO_ROW:
            self.cut_attempt(applicant, Phase.NONE, now_us)
        self.person_ends(applicant, Fate.CUT, now_us)
        return Fate.CUT

    def cut_attempt(self, applicant: Applicant, phase: Phase, now_us: int) -> None:
        """The run's end came before the attempt's."""
        self.attempt_ends(applicant, Try(Ending(Outcome.CUT, phase)), now_us, cut=True)

    def unsent(self, index: int, due_us: int) -> None:
        # On a full disk there is no room for a row, and its absence says the same.
        with suppress(HostError):
            self._recorder.unsent_person(index, due_us)

    def waiting_at_the_end(self, now_us: int) -> int:
        """Those in an exchange were cut before: who has an open attempt now waits for a message, or has just been handed it, or it is one
        that a person has left behind in another tab."""
        for applicant in list(self._open.values()):
            self.cut_attempt(applicant, Phase.NONE if applicant.is_tab else Phase.INBOX, now_us)
        return self._recorder.end_all_people(Fate.WAITING, now_us)
