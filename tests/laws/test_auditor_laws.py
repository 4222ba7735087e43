"""Whenever the auditor is killed, between any two of its steps or half way through a write, nothing that was acknowledged is lost, what is
wrong is named, and the next auditor ends the work.

The steps are the system calls by which it changes or reads the disk. A kill is an exception that nothing handles, at the k-th of them,
before it, after it, or in the middle of a write; every k is tried until the work ends by itself.
"""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from gelombang.audit_trail import TRAIL_FILE
from support.kept_photos import KeptPhotos, read_trail

PEOPLE = 7
SPOILT = 4
BATCH = 3
STEPS = ("open", "readv", "posix_fadvise", "pwrite", "fdatasync", "fsync", "ftruncate", "unlink")


class KilledError(BaseException):
    """kill -9."""


class Life:
    """Ends at the step of this number."""

    def __init__(self, left: int, ending: str) -> None:
        self.left = left
        self.ending = ending

    def step(self, do: Callable[..., object], *arguments: object, **options: object) -> object:
        self.left -= 1
        if self.left:
            return do(*arguments, **options)
        if self.ending == "after":
            do(*arguments, **options)
        if self.ending == "half way" and do is PWRITE:
            descriptor, data, at = arguments
            do(descriptor, data[: len(data) // 2 + 5], at)  # type: ignore[index,arg-type]
        raise KilledError


PWRITE = os.pwrite


def mortal(monkeypatch: pytest.MonkeyPatch, life: Life) -> None:
    for name in STEPS:
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, **b: life.step(real, *a, **b))


def right(site: KeptPhotos) -> None:
    """Every acknowledged photo is there, or was read back right; the spoilt one is lost, named and never removed."""
    found = site.audited()
    assert found.lost_first == [f"person {SPOILT}, step 9, try 1"]
    assert found.lost == 1
    assert found.found == PEOPLE - 1
    assert found.orphan_files == 0
    assert SPOILT in site.there
    assert found.removed == PEOPLE - len(site.there)


@pytest.mark.parametrize("ending", ["before", "after", "half way"])
def test_a_kill_at_any_step_loses_nothing_and_the_next_auditor_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("gelombang_server.auditing.auditor.BATCH_PHOTOS", BATCH)
    first = KeptPhotos(tmp_path / "first", PEOPLE)
    first.spoil(SPOILT)
    for steps in count(1):
        site = first.copied(tmp_path / str(steps))
        with monkeypatch.context() as patched:
            mortal(patched, Life(steps, ending))
            try:
                site.all_rounds()
                ended = True
            except KilledError:
                ended = False
        right(site)
        if ended:
            break
        site.all_rounds()
        right(site)
        assert site.there == [SPOILT]
        assert site.audited().read_back == PEOPLE, "nobody is looked at twice once it is noted"
    assert steps > 4 * PEOPLE, "the steps that were interrupted are those of all photos"


def test_a_trail_of_any_length_in_bytes_is_one_of_whole_rows(tmp_path: Path) -> None:
    """What a power cut leaves: the file cut anywhere, or its last row spoilt. The photos whose rows do not hold are gone and count as lost,
    which is why rows are synced before files are removed."""
    site = KeptPhotos(tmp_path / "site", PEOPLE)
    site.all_rounds()
    path = site.folder / TRAIL_FILE
    whole = path.read_bytes()
    size = len(whole) // PEOPLE
    for length in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:length])
        assert len(read_trail(path)) == length // size
        assert site.audited().lost == PEOPLE - length // size
    for at in range(size):
        path.write_bytes(whole[: -size + at] + bytes([whole[-size + at] ^ 1]) + whole[len(whole) - size + at + 1 :])
        assert len(read_trail(path)) == PEOPLE - 1, "no byte of a row can change without being seen"
