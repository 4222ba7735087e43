"""What may make a run doubtful is said before it, and what forbids it ends it there."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gelombang.errors import HostError
from gelombang_cli import doctor
from gelombang_cli.doctor import Finding, require_able

PORTS = Finding("client ports", None, "32768 to 60999", "50,000 of them")
DISK = Finding("disk free", False, "0.1 GB", "3 GB")


def said(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> Iterator[str]:
    """What was said, then whether the run may begin."""
    out = StringIO()
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(findings))
    try:
        require_able(Console(file=out), 100, 1_000, 0.1, Path())
    except HostError as error:
        yield out.getvalue()
        yield str(error)
    else:
        yield out.getvalue()
        yield "able"


def test_what_is_as_wanted_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(said(monkeypatch, Finding("cores", True, "2", "2"))) == ["", "able"]


def test_a_warning_is_said_and_forbids_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(said(monkeypatch, PORTS)) == ["warn  client ports      32768 to 60999  (want 50,000 of them)\n", "able"]


def test_what_forbids_the_run_is_named_with_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(said(monkeypatch, PORTS, DISK))[1] == "disk free: 0.1 GB; want 3 GB"


def test_many_people_want_ports_for_many(tmp_path: Path) -> None:
    found = {finding.name: finding for finding in doctor.examine(286_427, 0.04, tmp_path, 2_000_000_000)}
    assert found["client ports"].wanted.startswith("50,000 of them for a site on another machine")
    here = {finding.name: finding for finding in doctor.examine(286_427, 0.04, tmp_path, 2_000_000_000, site_is_here=True)}
    assert here["client ports"].wanted.startswith("10,000 of them: sysctl")
