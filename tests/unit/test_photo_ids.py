"""Names of photos: in the order of time, and nobody can guess one."""

import re

import pytest

from gelombang_server.keeper import new_photo_id


def test_a_later_photo_has_a_name_that_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for moment_us in (0, 1, 999_999_999_999, 1_000_000_000_000, (1 << 48) - 1):
        monkeypatch.setattr("gelombang_server.keeper.monotonic_us", lambda moment_us=moment_us: moment_us)
        names.append(new_photo_id())
    assert names == sorted(names)
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


def test_two_photos_of_one_moment_share_nothing_but_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gelombang_server.keeper.monotonic_us", lambda: 7)
    names = [new_photo_id() for _ in range(1_000)]
    assert {name[:12] for name in names} == {"000000000007"}
    assert len({name[12:] for name in names}) == 1_000
