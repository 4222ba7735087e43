"""The auditor keeps the photos within a bound: what it reads, notes and removes, and what an audit of the run says of it afterwards."""

import errno
import hashlib
import os

import pytest

from gelombang import telemetry
from gelombang.audit_trail import TRAIL_FILE, Finding, audited_row
from gelombang_server.auditing.figures import FIGURES_FILE, Figures, FiguresWriter
from gelombang_server.auditing.watch import AuditorWatch
from support.kept_photos import STEP, KeptPhotos, read_trail


@pytest.fixture
def site(tmp_path):
    return KeptPhotos(tmp_path / "run", 6)


def resealed(row):
    """A changed row with the checksum of what it says now."""
    values = (int(row[name]) for name in ("person", "photo", "at", "step", "number", "bytes"))
    return audited_row(*values, Finding(row["finding"]), bytes(row["sha256"]))


def test_below_the_bound_nothing_is_read_back(site):
    site.all_rounds(keep_bytes=1_000_000)
    assert (len(site.there), len(read_trail(site.folder / TRAIL_FILE))) == (6, 0)


def test_the_oldest_go_until_the_photos_are_within_the_bound(site, monkeypatch):
    monkeypatch.setattr("gelombang_server.auditing.auditor.BATCH_PHOTOS", 1)
    auditor = site.all_rounds(keep_bytes=40_000)
    assert site.there == [2, 3, 4, 5], "each takes two blocks of 4,096 bytes; nine tenths of the bound hold four"
    assert (auditor.on_disk_bytes, auditor.peak_bytes) == (4 * 8_192, 6 * 8_192)


def test_later_photos_are_taken_up_and_the_trail_holds_what_was_read(site):
    auditor = site.auditor()
    while auditor.round():
        pass
    site.store(2)
    while auditor.round():
        pass
    auditor.close()
    rows = read_trail(site.folder / TRAIL_FILE)
    assert site.there == []
    assert rows["person"].tolist() == list(range(8))
    assert set(rows["finding"].tolist()) == {Finding.RIGHT}
    assert (rows["sha256"] == site.acknowledged["sha256"]).all()
    assert (rows["bytes"] == 5_000).all()
    assert set(rows["at"].tolist()) == {7}


def test_what_was_acknowledged_is_there_or_was_read_back_and_removed(site, monkeypatch):
    monkeypatch.setattr("gelombang_server.auditing.auditor.BATCH_PHOTOS", 2)
    site.all_rounds(keep_bytes=40_000)
    found = site.audited()
    assert (found.acknowledged, found.found, found.lost, found.removed, found.read_back, found.read_back_wrong) == (6, 6, 0, 2, 2, 0)
    assert (found.stored, found.wrong_digest, found.stored_unheard, found.orphan_files) == (6, 0, 0, 0)


@pytest.mark.parametrize("harm", ["a byte", "shorter", "gone"])
def test_a_photo_that_is_not_right_is_named_lost_and_never_removed(site, harm):
    path = site.paths[3]
    whole = path.read_bytes()
    if harm == "a byte":
        site.spoil(3)
    elif harm == "shorter":
        path.write_bytes(whole[:-1])
    else:
        path.unlink()
    site.all_rounds()
    found = site.audited()
    assert (found.lost_first, found.read_back_wrong_first) == (["person 3, step 9, try 1"], [f"00/{3:032x}.jpg"])
    assert site.there == ([] if harm == "gone" else [3])
    path.write_bytes(whole)
    assert site.audited().lost == 1, "it was wrong when the auditor looked, whatever is there now"


def test_a_file_that_is_gone_and_was_never_read_back_is_lost(site, monkeypatch):
    monkeypatch.setattr("gelombang_server.auditing.auditor.BATCH_PHOTOS", 2)
    site.all_rounds(keep_bytes=40_000)
    site.paths[5].unlink()
    assert site.audited().lost_first == ["person 5, step 9, try 1"]


def test_an_acknowledgement_of_other_bytes_than_were_read_back_is_lost(site):
    site.all_rounds()
    site.acknowledged[2]["sha256"][0] ^= 1
    assert site.audited().lost_first == ["person 2, step 9, try 1"]


def test_a_row_of_the_trail_that_says_something_else_than_the_database_does_not_count(site):
    site.all_rounds()
    path = site.folder / TRAIL_FILE
    rows = read_trail(path)
    rows["bytes"][1] += 1
    path.write_bytes(b"".join(resealed(row) for row in rows))
    found = site.audited()
    assert (found.lost_first, found.read_back_wrong) == (["person 1, step 9, try 1"], 1)


def test_a_row_of_a_photo_that_the_database_does_not_know_is_named(site):
    stranger = audited_row(99, 99, 0, STEP, 1, 0, Finding.RIGHT, hashlib.sha256(b"").digest())
    (site.folder / TRAIL_FILE).write_bytes(stranger)
    found = site.audited()
    assert (found.lost, found.read_back_wrong_first) == (0, ["person 99, step 9, try 1, of which the database knows nothing"])


def test_photos_wait_for_the_check_that_reads_them_too(site):
    site.all_rounds(awaits_checks=True)
    assert len(site.there) == 6
    site.check(4)
    site.all_rounds(awaits_checks=True)
    assert site.there == [4, 5]


def test_the_disk_is_read_and_not_memory(site, monkeypatch):
    """Past the kernel's cache; where the file system can't, the pages are dropped before they are read."""
    opened, advised = [], []
    real = os.open

    def without_direct(path, flags, *more):
        opened.append(flags & os.O_DIRECT)
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "as a file system in memory says")
        return real(path, flags, *more)

    auditor = site.auditor()
    monkeypatch.setattr("os.open", without_direct)
    monkeypatch.setattr("os.posix_fadvise", lambda *arguments: advised.append(arguments[1:]))
    assert auditor.round()
    auditor.close()
    assert opened == [os.O_DIRECT, 0] * 6
    assert advised == [(0, 0, os.POSIX_FADV_DONTNEED)] * 6
    assert site.audited().removed == 6


@pytest.mark.parametrize("size_bytes", [1, 4_096, 262_143, 262_144, 262_145, 600_000])
def test_a_photo_of_any_size_is_read_to_its_end(tmp_path, size_bytes):
    site = KeptPhotos(tmp_path / "run", 1, max(size_bytes, 10))
    site.all_rounds()
    assert (site.there, site.audited().removed) == ([], 1)


def test_the_figures_say_what_was_found_what_went_what_is_there_and_how_far_it_is_behind(site, monkeypatch):
    monkeypatch.setattr("gelombang_server.auditing.auditor.BATCH_PHOTOS", 3)
    site.spoil(1)
    site.paths[2].unlink()
    auditor = site.auditor(keep_bytes=20_000)
    assert auditor.round()
    figures = auditor.figures(at_us=5)
    auditor.close()
    assert (figures.right, figures.wrong, figures.unreadable, figures.removed_bytes) == (1, 1, 1, 8_192)
    assert (figures.kept_bytes, figures.limit_bytes, figures.at_us) == (5 * 8_192, 20_000, 5)
    assert figures.due_bytes == 5 * 8_192 - 18_000, "removing begins at nine tenths of the bound"
    assert site.auditor().figures(at_us=6)[1:5] == figures[1:5], "the next auditor goes on counting where this one was killed"


def test_whoever_is_scraped_says_what_the_auditor_wrote_last_and_how_long_ago(tmp_path):
    path, now_us = tmp_path / FIGURES_FILE, [0]
    watch = AuditorWatch(path, lambda: now_us[0])
    assert list(watch.collect()) == [], "nothing is known of an auditor that has not looked yet, which is not the same as 0"
    writer = FiguresWriter(path)
    writer.write(Figures(1_000_000, right=5, wrong=2, unreadable=1, removed_bytes=40_960, kept_bytes=900, due_bytes=30, limit_bytes=1_000))
    now_us[0] = 3_500_000
    assert shown(watch) == SHOWN | {"gelombang_server_photo_audit_age_seconds": 2.5}
    path.write_bytes(b"x" * 30 + path.read_bytes()[30:])
    now_us[0] = 4_000_000
    assert shown(watch) == SHOWN | {"gelombang_server_photo_audit_age_seconds": 3.0}, "a row that is half written is not believed"
    writer.write(Figures(4_000_000, right=9, wrong=2, unreadable=1, removed_bytes=73_728, kept_bytes=800, due_bytes=0, limit_bytes=1_000))
    writer.close()
    assert shown(watch)["gelombang_server_photo_audits_total", "right"] == 9
    assert {family.name for family in watch.collect()} == {metric.name.removesuffix("_total") for metric in telemetry.SERVER_AUDIT}


SHOWN = {
    ("gelombang_server_photo_audits_total", "right"): 5,
    ("gelombang_server_photo_audits_total", "wrong"): 2,
    ("gelombang_server_photo_audits_total", "unreadable"): 1,
    "gelombang_server_photo_audit_removed_bytes_total": 40_960,
    "gelombang_server_photo_audit_kept_bytes": 900,
    "gelombang_server_photo_audit_due_bytes": 30,
    "gelombang_server_photo_audit_limit_bytes": 1_000,
}


def shown(watch):
    """The samples of a scrape, by name, and by finding where they have one."""
    samples = [sample for family in watch.collect() for sample in family.samples]
    return {(s.name, s.labels["finding"]) if s.labels else s.name: s.value for s in samples}
