"""What the book of a run says about people whom the end finds in the middle."""

from pathlib import Path

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.ledger import GENERATOR_ROW, PERSON_ROW, read_rows
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.recorder import Recorder


def test_who_was_handed_a_message_as_the_run_ended_has_an_attempt_that_was_cut(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 0, 1)
    book = Book(recorder, GeneratorCounts(("email",)))
    applicant = Applicant(5, 1_000, 1)
    applicant.tries[0] = 1
    book.person_begins(applicant, 1_000)
    book.attempt_begins(applicant, 1_000)
    applicant.message = {"kind": "email-link"}
    assert book.waiting_at_the_end(9_000) == 1
    recorder.close()
    (attempt,) = read_rows(tmp_path / "ledger-generator-0.bin", GENERATOR_ROW)
    assert (attempt["outcome"], attempt["phase"], attempt["done"]) == (Outcome.CUT, Phase.INBOX, 9_000)
    (person,) = read_rows(tmp_path / "people-0.bin", PERSON_ROW)
    assert person["fate"] == Fate.WAITING
