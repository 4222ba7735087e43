"""The audit of acknowledged photos."""

import pytest

from gelombang.audit import audit
from gelombang.errors import RecordError
from gelombang.evidence import read_evidence
from support.run_folder import RunFolder


def audited(run):
    run.write()
    return audit(run.path, read_evidence(run.path, run.plan).acknowledged)


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path)
    for person in range(3):
        run.photo(person, "ktp")
        run.photo(person, "selfie", 2_000)
    return run


def test_photos_that_are_there_are_found(run):
    found = audited(run)
    assert (found.acknowledged, found.found, found.lost, found.stored, found.wrong_digest) == (6, 6, 0, 6, 0)
    assert (found.stored_unheard, found.orphan_files) == (0, 0)


def test_a_photo_without_a_row_is_lost_and_its_file_an_orphan(run):
    run.photos.pop(0)
    found = audited(run)
    assert (found.lost, found.lost_first, found.orphan_files_first) == (1, ["person 0, step 9, try 1"], ["0-ktp-1.jpg"])


@pytest.mark.parametrize("ending", [b"", b"y", b"xx"], ids=["shorter", "another byte", "longer"])
def test_a_photo_whose_bytes_changed_is_lost(run, ending):
    run.write()
    path = run.path / "site" / "photos" / "1-selfie-1.jpg"
    path.write_bytes(path.read_bytes()[:-1] + ending)
    found = audited(run)
    assert (found.lost, found.wrong_digest, found.wrong_digest_first) == (1, 1, ["1-selfie-1.jpg"])


def test_a_photo_stored_with_another_digest_than_was_sent_is_lost(run):
    run.acknowledged[2]["sha256"][0] ^= 1
    assert audited(run).lost == 1


def test_a_photo_of_another_length_than_was_acknowledged_is_lost(run):
    run.acknowledged[2]["bytes"] += 1
    assert audited(run).lost == 1


def test_a_photo_told_again_under_a_later_try_is_found_by_its_digest(run):
    run.acknowledged[0]["number"] = 4
    found = audited(run)
    assert (found.lost, found.stored_unheard) == (0, 0)


def test_the_same_digest_of_another_person_or_photo_does_not_count(run):
    run.acknowledged[0]["person"] = 7
    assert audited(run).lost == 1


def test_photos_that_nobody_was_told_of_are_counted_and_are_no_loss(run):
    run.acknowledged.pop()
    found = audited(run)
    assert (found.lost, found.stored_unheard, found.stored_unheard_bytes) == (0, 1, 2_000)


def test_what_was_set_aside_or_half_written_is_no_photo(run):
    run.write()
    (run.path / "site" / "photos" / "quarantine").mkdir()
    (run.path / "site" / "photos" / "quarantine" / "a.jpg").write_bytes(b"x")
    (run.path / "site" / "photos" / "b.part").write_bytes(b"x")
    assert audited(run).orphan_files == 0


def test_only_the_first_twenty_lost_photos_are_named(tmp_path):
    run = RunFolder(tmp_path, people=30)
    for person in range(25):
        run.photo(person, "ktp")
    run.photos.clear()
    found = audited(run)
    assert (found.lost, len(found.lost_first), len(found.orphan_files_first)) == (25, 20, 20)


def test_a_database_that_is_none_is_an_operator_error(run):
    run.write()
    (run.path / "site" / "gelombang.sqlite3").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(RecordError, match="want the database of a server that has ended"):
        audit(run.path, read_evidence(run.path, run.plan).acknowledged)
