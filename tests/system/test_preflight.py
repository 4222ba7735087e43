"""Before a run against somebody's own service: one person is sent, the plan is shown, somebody agrees."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.own_service import own_scenario, target_block
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


def gelombang(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gelombang_cli", *words]
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def site() -> Iterator[StubSite]:
    with stub_site(lambda site, asked: Reply()) as site:
        yield site


def test_a_preflight_sends_one_person_and_writes_what_the_run_would_do(tmp_path: Path, site: StubSite) -> None:
    scenario = own_scenario(tmp_path / "own.toml", target_block(owner="Team <b>R</b>"), for_seconds=10.0)
    done = gelombang(tmp_path, "preflight", str(scenario), "--target", site.url, "--out", "pf")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(asked.person, asked.path) for asked in site.asked] == [(200, "/home")]
    assert site.asked[0].headers["user-agent"].endswith(" (oncall@team.example)")
    assert site.asked[0].headers["x-load-test"].endswith("-own-preflight")
    found = json.loads((tmp_path / "pf" / "preflight.json").read_text())
    assert (found["people"], found["requests"], found["peak_arrivals_per_second"], found["fate"]) == (200, 200, 20.0, "finished")
    assert found["hosts"][0]["addresses"] == ["127.0.0.1"]
    page = (tmp_path / "pf" / "preflight.html").read_text()
    assert "Team &lt;b&gt;R&lt;/b&gt;" in page
    assert "change 4711" in page
    assert "default-src" in page


def test_a_run_with_yes_is_preceded_by_its_preflight(tmp_path: Path, site: StubSite) -> None:
    scenario = own_scenario(tmp_path / "own.toml", target_block(), for_seconds=2.0, drain_seconds=1.0)
    done = gelombang(tmp_path, "run", str(scenario), "--target", site.url, "--out", "run", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "run" / "preflight.html").exists()
    assert site.asked[0].person == 40
    assert {asked.person for asked in site.asked[1:]} == set(range(40))
    assert json.loads((tmp_path / "run" / "record.json").read_text())["fates"]["finished"] == 40


def read_to_its_end(terminal: int) -> bytes:
    shown = b""
    with suppress(OSError):  # what a terminal says when its other end is closed
        while piece := os.read(terminal, 4_096):
            shown += piece
    return shown


@pytest.mark.parametrize(("word", "code", "sent"), [(b"\n", 1, 1), (b"y\n", 0, 11)])
def test_a_terminal_is_asked_and_only_yes_is_yes(tmp_path: Path, site: StubSite, word: bytes, code: int, sent: int) -> None:
    scenario = own_scenario(tmp_path / "own.toml", per_second=5.0, for_seconds=2.0, drain_seconds=1.0)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "gelombang_cli", "run", str(scenario), "--target", site.url, "--out", "run"]
    with subprocess.Popen(words, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N] " not in shown:
            shown += os.read(ours, 4_096)
        os.write(ours, word)
        read_to_its_end(ours)
    os.close(ours)
    assert (process.returncode, len(site.asked)) == (code, sent), shown


def test_where_nobody_can_be_asked_nothing_is_sent_without_yes(tmp_path: Path, site: StubSite) -> None:
    done = gelombang(tmp_path, "run", str(own_scenario(tmp_path / "own.toml")), "--target", site.url, "--out", "run")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert site.asked == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_people": 100}, "600 people; want at most 100"),
        ({"max_arrivals_per_second": 10.0}, "20 arrivals per second; want at most 10"),
        ({"allowed_hosts": ["staging.example"]}, "want one of [target] allowed_hosts: staging.example"),
    ],
)
def test_a_plan_over_what_the_owner_allows_is_refused_with_the_numbers(
    tmp_path: Path, site: StubSite, changes: dict[str, object], says: str
) -> None:
    scenario = own_scenario(tmp_path / "own.toml", target_block(**changes))
    done = gelombang(tmp_path, "run", str(scenario), "--target", site.url, "--out", "run", "--yes")
    assert done.returncode == 2
    assert says in done.stderr
    assert site.asked == []


def test_more_bytes_than_allowed_are_refused_after_one_person(tmp_path: Path, site: StubSite) -> None:
    scenario = own_scenario(tmp_path / "own.toml", target_block(max_bytes=1_000))
    done = gelombang(tmp_path, "run", str(scenario), "--target", site.url, "--out", "run", "--yes")
    assert done.returncode == 2
    assert "[target] max_bytes" in done.stderr
    assert len(site.asked) == 1
    assert "REFUSED" in (tmp_path / "run" / "preflight.html").read_text()


def test_outside_the_window_nothing_is_sent(tmp_path: Path, site: StubSite) -> None:
    block = target_block().replace("2999-01-01", "2021-01-01")
    done = gelombang(tmp_path, "run", str(own_scenario(tmp_path / "own.toml", block)), "--target", site.url, "--out", "run", "--yes")
    assert done.returncode == 2
    assert "window" in done.stderr
    assert site.asked == []


def test_off_this_machine_a_block_is_needed_and_somebody_who_claims_it(tmp_path: Path) -> None:
    bare = own_scenario(tmp_path / "bare.toml")
    done = gelombang(tmp_path, "run", str(bare), "--target", "http://192.0.2.1", "--i-own-this-target", "192.0.2.1")
    assert done.returncode == 2
    assert "[target] block" in done.stderr
    allowed = own_scenario(tmp_path / "allowed.toml", target_block(allowed_hosts=["192.0.2.1"]))
    done = gelombang(tmp_path, "run", str(allowed), "--target", "http://192.0.2.1")
    assert done.returncode == 2
    assert "--i-own-this-target" in done.stderr


def test_a_person_who_does_not_get_through_ends_it_with_the_step(tmp_path: Path) -> None:
    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(status=404)

    with stub_site(answer) as site:
        done = gelombang(tmp_path, "run", str(own_scenario(tmp_path / "own.toml")), "--target", site.url, "--out", "run", "--yes")
        assert done.returncode == 1, done.stdout + done.stderr
        assert {asked.person for asked in site.asked} == {600}
    assert "preflight" in done.stderr


def test_with_yes_a_terminal_is_not_asked_about_a_person_who_does_not_get_through_either(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with stub_site(lambda site, asked: Reply(status=404)) as site:
        words = [sys.executable, "-m", "gelombang_cli", "run", str(own_scenario(tmp_path / "own.toml")), "--target", site.url, "--yes"]
        with subprocess.Popen(words, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = read_to_its_end(ours)
        assert {asked.person for asked in site.asked} == {600}
    os.close(ours)
    assert process.returncode == 1, shown
    assert b"the preflight's person" in shown
