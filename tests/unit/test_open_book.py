"""The book of a run of your own Locust code."""

from pathlib import Path

import pytest

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.errors import HostError
from gelombang.ledger import GENERATOR_ROW, MILESTONE_LIMIT, PERSON_ROW, read_all
from gelombang_loadtests import recorder
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.open_book import NUMBER_LIMIT, OTHERS, Guest, OpenBook
from gelombang_loadtests.recorder import Recorder


class Bench:
    """A book over a clock that stands until it is set."""

    def __init__(self, folder: Path) -> None:
        self.now_us = 0
        self.folder = folder
        self.recorder = Recorder(folder, 0, 10)
        self.counts = GeneratorCounts([f"step-{i}" for i in range(MILESTONE_LIMIT)])
        self.book = OpenBook(self.recorder, self.counts, lambda: self.now_us)

    def guest(self, due_us: int = 1_000, began_us: int = 1_500) -> Guest:
        self.now_us = began_us
        return self.book.person_begins(Applicant(3, due_us, MILESTONE_LIMIT))

    def request(
        self, guest: Guest, name: str, done_us: int, service_us: int = 100, outcome: Outcome = Outcome.OK, method: str = "GET"
    ) -> None:
        self.now_us = done_us
        self.book.request_ended(guest, method, name, service_us, outcome, Phase.RECEIVE, 200, 7)


def test_what_the_generator_was_late_counts_once_at_the_persons_first_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    guest = bench.guest(due_us=1_000, began_us=1_500)
    bench.request(guest, "/a", done_us=2_000)
    bench.request(guest, "/a", done_us=3_000)
    bench.recorder.close()
    rows = read_all(tmp_path, "ledger-generator-*.bin", GENERATOR_ROW)
    assert rows["due"].tolist() == [1_400, 2_900]
    assert rows["sent"].tolist() == [1_900, 2_900]
    assert rows["done"].tolist() == [2_000, 3_000]
    assert rows["number"].tolist() == [1, 2]


def test_a_person_passes_a_step_when_it_is_first_ok(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    guest = bench.guest()
    bench.request(guest, "/a", done_us=2_000, outcome=Outcome.FAILED)
    bench.request(guest, "/a", done_us=3_000)
    bench.request(guest, "/a", done_us=4_000)
    bench.book.person_ends(guest.applicant, Fate.FINISHED)
    bench.recorder.close()
    people = read_all(tmp_path, "people-*.bin", PERSON_ROW)
    assert people["passed"][0][0] == 3_000
    assert (people["fate"][0], people["attempts"][0], people["done"][0]) == (Fate.FINISHED, 3, 4_000)
    assert bench.counts.passed[0] == 1


def test_steps_are_named_after_method_and_name_and_no_two_are_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    guest = bench.guest()
    names = ("/items/[id]", "/items/{id}", "/" + "long" * 20, "/" + "long" * 21, "")
    for name in names:
        bench.request(guest, name, done_us=2_000)
    bench.request(guest, "/items/[id]", done_us=2_000, method="POST")
    bench.recorder.close()
    found = [step.step for step in bench.book.steps]
    assert found[:2] == ["get-items-id", "get-items-id-2"]
    assert found[-1] == "post-items-id"
    assert len(set(found)) == 6
    assert bench.book.steps[0].title == "GET /items/[id]"


def test_kinds_beyond_the_limit_share_the_last_step(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    guest = bench.guest()
    for number in range(MILESTONE_LIMIT + 5):
        bench.request(guest, f"/page-{number}", done_us=2_000)
    bench.request(guest, "/page-3", done_us=2_000)
    bench.recorder.close()
    assert len(bench.book.steps) == MILESTONE_LIMIT
    assert bench.book.steps[-1].step == OTHERS
    rows = read_all(tmp_path, "ledger-generator-*.bin", GENERATOR_ROW)
    assert (rows["step"] == MILESTONE_LIMIT - 1).sum() == 6
    assert rows["step"][-1] == 3


def test_requests_without_a_number_left_are_counted_and_not_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    guest = bench.guest()
    bench.request(guest, "/a", done_us=2_000)
    guest.applicant.tries[0] = NUMBER_LIMIT
    bench.request(guest, "/a", done_us=2_000)
    bench.recorder.close()
    assert bench.book.beyond_numbers == 1
    assert len(read_all(tmp_path, "ledger-generator-*.bin", GENERATOR_ROW)) == 1


def test_a_request_without_room_for_its_row_leaves_no_gap_in_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ATTEMPT_ROWS_LIMIT", 1)
    bench = Bench(tmp_path)
    guest = bench.guest()
    bench.request(guest, "/a", done_us=2_000)
    with pytest.raises(HostError, match="is full at 1 rows"):
        bench.request(guest, "/a", done_us=3_000)
    bench.book.cut(guest.applicant, 4_000)
    bench.recorder.close()
    assert guest.applicant.tries[0] == 1
    people = read_all(tmp_path, "people-*.bin", PERSON_ROW)
    assert people["attempts"].tolist() == [1]


def test_people_who_never_left_and_have_no_room_for_a_row_are_unsent_without_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for index in range(12):
        bench.book.unsent(index, 5_000)
    assert bench.book.cut(Applicant(12, 5_000, MILESTONE_LIMIT), 6_000) is Fate.UNSENT
    bench.recorder.close()
    assert len(read_all(tmp_path, "people-*.bin", PERSON_ROW)) == 10
