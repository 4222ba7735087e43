"""Revisions of a repository of somebody's own: which are meant, how they are taken out and built."""

import sys
from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang_gates.gate_file import Gate
from gelombang_gates.revision import changed_files, commit_of, last_release, prepare
from support.gated_repository import commit, git, make_repository


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    repository = make_repository(tmp_path / "shop", "plain_shop.py")
    commit(repository, "later", "import sys\n", "import sys  # later\n")
    return repository


def prepared(shop: Path, name: str, cache: Path, **gate: object) -> Path:
    return prepare(shop, name, Gate.model_validate(gate), cache, Path(sys.executable)).tree


def test_a_revisions_files_are_its_own_and_the_working_tree_stays_as_it_is(shop: Path, tmp_path: Path) -> None:
    (shop / "shop.py").write_text("in the middle of something\n")
    tree = prepared(shop, "later", tmp_path / "cache")
    assert "# later" in (tree / "shop.py").read_text()
    assert (shop / "shop.py").read_text() == "in the middle of something\n"
    assert git(shop, "worktree", "list").count("\n") == 0


def test_the_folders_of_all_revisions_have_names_of_one_length(shop: Path, tmp_path: Path) -> None:
    first, second = (prepared(shop, name, tmp_path / "cache") for name in ("base", "later"))
    assert first != second
    assert len(str(first)) == len(str(second))


def test_what_was_built_is_built_once_and_what_was_begun_only_is_built_again(shop: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    build = [f"echo built >> {count}; test -e {tmp_path / 'ready'}"]
    with pytest.raises(InputError, match="the build of base failed with exit code 1"):
        prepared(shop, "base", tmp_path / "cache", build=build)
    (tmp_path / "ready").touch()
    for _ in range(2):
        prepared(shop, "base", tmp_path / "cache", build=build)
    assert count.read_text() == "built\nbuilt\n"


def test_a_revision_without_a_lock_file_is_told_what_would_do(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no requirements\.lock or requirements\.txt; want"):
        prepare(shop, "base", Gate(), tmp_path / "cache", None)


def test_a_build_that_never_ends_is_ended(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"took longer than 0\.2 s"):
        prepared(shop, "base", tmp_path / "cache", build=["exec sleep 60"], build_within_seconds=0.2)


def test_drift_is_against_the_last_tag_and_a_release_is_compared_with_the_one_before(shop: Path) -> None:
    git(shop, "checkout", "-q", "later")
    (shop / "note").write_text("unreleased")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "after the release")
    assert last_release(shop, "HEAD") == "later"
    assert last_release(shop, "later") == "base"
    with pytest.raises(InputError, match=r"base is the release base itself, and goes back to no other in .*; want an older release"):
        last_release(shop, "base")
    assert changed_files(shop, commit_of(shop, "later"), commit_of(shop, "HEAD")) == ["note"]


@pytest.mark.parametrize(("name", "said"), [("--output=x", "begins with a dash"), ("nowhere", "is not in")])
def test_what_is_no_revision_is_refused(shop: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        commit_of(shop, name)
