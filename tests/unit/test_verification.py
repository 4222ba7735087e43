"""`verify` on a whole run's folder, and with one fault planted in it each time, among them faults that no law names."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.attempt_id import PAGE_PEOPLE
from gelombang.errors import RecordError
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, SERVER_ROW
from gelombang.record import read_record, write_record
from gelombang.summary import RunFacts, digests, summarise
from gelombang.verification import verify
from support.run_folder import RunFolder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "run"
    run = RunFolder(path).everybody().write()
    write_record(path, summarise(path, run.plan, run.profile, RunFacts("2026-01-01T00:00:00+00:00"), due_us=run.due_us()))
    return path


@pytest.fixture
def folder(whole, tmp_path):
    """A copy of a whole run, to be spoiled."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def edit(folder: Path, name: str, dtype: np.dtype, change) -> None:
    """Change the rows of one file, and hide it from the digests: the laws must see it by themselves."""
    rows = change(np.fromfile(folder / name, dtype=dtype))
    rows.tofile(folder / name)
    record = read_record(folder)
    write_record(folder, record.model_copy(update={"files": digests(folder)}))


def broken(folder: Path) -> list[str]:
    result = verify(folder)
    assert not result.holds
    assert any(line.startswith("BROKEN") for line in result.lines())
    return [breach for law in result.laws for breach in law.breaches]


def test_a_whole_run_verifies(folder):
    result = verify(folder)
    assert result.holds, result.lines()
    assert (result.lost, result.unexplained) == (0, 0)
    assert result.lines()[-1] == "0 lost of 12 acknowledged photos; 0 unexplained of 114 attempts"


def test_a_server_row_removed_is_unexplained(folder):
    edit(folder, "ledger-server-0.bin", SERVER_ROW, lambda rows: rows[1:])
    assert verify(folder).unexplained == 1
    assert any("the server never saw it" in breach for breach in broken(folder))


def test_a_server_row_that_nobody_made_is_unexplained(folder):
    def invent(rows):
        more = rows[:1].copy()
        more["person"] = 999
        return np.concatenate([rows, more])

    edit(folder, "ledger-server-0.bin", SERVER_ROW, invent)
    assert any("nobody made" in breach for breach in broken(folder))


def test_complaints_are_held_to_the_record(folder):
    record = read_record(folder)
    assert record.complaints is not None
    changed = record.complaints.model_copy(update={"later": record.complaints.later + 1})
    write_record(folder, record.model_copy(update={"complaints": changed}))
    assert broken(folder) == ["0 people complain by the ledger; the record says 1, or other steps or windows"]


def test_reports_of_pages_are_counted_beside_the_people_and_held_to_the_record(tmp_path):
    run = RunFolder(tmp_path).everybody()
    row = run.server[0].copy()
    row["person"] = PAGE_PEOPLE + 1
    run.server.append(row)
    report = np.zeros(1, GENERATOR_ROW)
    for name in ("person", "step", "number"):
        report[name] = row[name]
    report["outcome"] = Outcome.OK
    run.write()
    report.tofile(tmp_path / "ledger-pages-0.bin")
    record = summarise(tmp_path, run.plan, run.profile, RunFacts("2026-01-01T00:00:00+00:00"), due_us=run.due_us())
    write_record(tmp_path, record)
    assert [(end.outcome, end.server_outcome, end.attempts) for end in record.pages] == [("ok", "completed", 1)]
    assert (record.unexplained, verify(tmp_path).holds) == (0, True)
    edit(tmp_path, "ledger-pages-0.bin", GENERATOR_ROW, lambda rows: rows[1:])
    assert any(breach.startswith("no report") for breach in broken(tmp_path))


def test_an_altered_photo_is_lost(folder):
    photo = next((folder / "site" / "photos").glob("*ktp*"))
    photo.write_bytes(photo.read_bytes()[:-1] + b"y")
    assert verify(folder).lost == 1
    assert any(photo.name in breach for breach in broken(folder))


def test_a_deleted_photo_is_lost(folder):
    next((folder / "site" / "photos").iterdir()).unlink()
    assert verify(folder).lost == 1


def test_an_impossible_pair_is_unexplained(folder):
    def spoil(rows):
        photos = np.flatnonzero((rows["stage"] == Stage.ACKNOWLEDGE) & (rows["status"] == 201))
        rows["outcome"][photos[0]] = ServerOutcome.ABANDONED
        return rows

    edit(folder, "ledger-server-0.bin", SERVER_ROW, spoil)
    assert verify(folder).unexplained == 1


def test_codes_that_disagree_are_unexplained(folder):
    def spoil(rows):
        rows["code"][np.flatnonzero(rows["code"] == Code.UPLOAD_FAILED)[0]] = Code.STORE_FULL
        return rows

    edit(folder, "ledger-generator-0.bin", GENERATOR_ROW, spoil)
    assert verify(folder).unexplained == 1


def test_a_value_that_no_program_writes_is_unexplained(folder):
    def spoil(rows):
        rows["phase"][0] = 77
        return rows

    edit(folder, "ledger-generator-0.bin", GENERATOR_ROW, spoil)
    assert any("no program writes" in breach for breach in broken(folder))


def test_an_attempt_removed_breaks_more_than_the_join(folder):
    edit(folder, "ledger-generator-0.bin", GENERATOR_ROW, lambda rows: rows[1:])
    assert any("their row says" in breach for breach in broken(folder))


def test_an_attempt_twice_is_named(folder):
    edit(folder, "ledger-generator-0.bin", GENERATOR_ROW, lambda rows: np.concatenate([rows, rows[:1]]))
    assert any("is there twice" in breach for breach in broken(folder))


def test_a_person_twice_is_named(folder):
    edit(folder, "people-0.bin", PERSON_ROW, lambda rows: np.concatenate([rows, rows[3:4]]))
    assert "person 3 has more than one row" in broken(folder)


def test_a_person_removed_is_named(folder):
    edit(folder, "people-0.bin", PERSON_ROW, lambda rows: rows[1:])
    assert "person 0 has attempts and no row" in broken(folder)


def test_a_passing_that_nobody_did_is_named(folder):
    def spoil(rows):
        rows["passed"][3, 5] = 1
        return rows

    edit(folder, "people-0.bin", PERSON_ROW, spoil)
    assert "person 3 passed otp-sms with no attempt that ended well" in broken(folder)


def test_an_acknowledgement_removed_is_named(folder):
    edit(folder, "acknowledged-0.bin", ACKNOWLEDGED_ROW, lambda rows: rows[1:])
    assert any("no acknowledgement is recorded" in breach for breach in broken(folder))


def test_a_time_that_runs_backwards_is_named(folder):
    def spoil(rows):
        rows["sent"][0] = rows["due"][0] - 1
        return rows

    edit(folder, "ledger-generator-0.bin", GENERATOR_ROW, spoil)
    assert any("person 0, step 0, try 1: due" in breach for breach in broken(folder))


def test_a_changed_file_is_named_even_when_it_means_the_same(folder):
    (folder / "plan.json").write_text((folder / "plan.json").read_text() + " ")
    assert broken(folder) == ["plan.json is changed"]


def test_a_lost_store_is_named(folder):
    (folder / "site" / "gelombang.sqlite3").unlink()
    assert "the store is gone, and the record says that it was looked into" in broken(folder)


def test_a_folder_without_a_record_is_an_operator_error(tmp_path):
    with pytest.raises(RecordError, match=r"record\.json is missing"):
        verify(tmp_path)


def test_an_attempt_left_open_by_a_living_process_is_unexplained(tmp_path):
    run = RunFolder(tmp_path).everybody()
    run.generator[5]["outcome"], run.generator[5]["phase"] = Outcome.OPEN, Phase.NONE
    run.write()
    record = summarise(tmp_path, run.plan, run.profile, RunFacts("2026-01-01T00:00:00+00:00"), due_us=run.due_us())
    write_record(tmp_path, record)
    assert record.unexplained == 1
    assert any("never ended" in breach for breach in broken(tmp_path))


def test_a_person_walked_in_an_epoch_that_no_death_began_is_named(folder):
    def in_another(rows):
        rows["epoch"][3] = 1
        return rows

    edit(folder, "people-0.bin", PERSON_ROW, in_another)
    assert broken(folder) == ["person 3 was walked by process 0 in epoch 1; want process 0 in epoch 0"]


def test_a_person_walked_by_a_process_that_does_not_have_them_is_named(folder):
    (folder / "people-0.bin").rename(folder / "people-1.bin")
    assert "person 0 was walked by process 1 in epoch 0; want process 0 in epoch 0" in broken(folder)
