"""A run that harms its target ends, everywhere and at once, and says who ended it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.ledger import GENERATOR_ROW, read_all
from tests.support.own_service import own_scenario, target_block
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

LIMIT_US = 2_000_000
"""From the decision to the last thing that any generator process does."""
RULE = """
[[stop]]
name = "the site fails"
side = "generator"
measure = "failed_ratio"
above = 0.5
window_seconds = 2.0
"""


@contextmanager
def started(folder: Path, scenario: Path, site: StubSite) -> Iterator[subprocess.Popen[str]]:
    """A run over two generator processes; never left behind."""
    command = [sys.executable, "-m", "gelombang_cli", "run", str(scenario), "--target", site.url, "--out", str(folder / "run"), "--yes"]
    words = [*command, "--generator-processes", "2"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()


def wait_until_both_send(process: subprocess.Popen[str], site: StubSite, requests: int) -> None:
    """Both generator processes have had people answered."""
    until_us = monotonic_us() + 90_000_000
    while process.poll() is None and monotonic_us() < until_us:
        if len(site.asked) > requests and len({asked.person % 2 for asked in site.asked[-10:]}) == 2:
            return
        sleep_seconds(0.02)
    raise AssertionError(process.communicate(timeout=30)[0])


def ended(process: subprocess.Popen[str], folder: Path) -> tuple[dict[str, Any], str]:
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 5, out
    record: dict[str, Any] = json.loads((folder / "run" / "record.json").read_text())
    assert record["cut_short"]
    assert sum(record["fates"].values()) == record["people_planned"]
    return record, out


def assert_all_halted(folder: Path, decided_us: int) -> None:
    """No process sent, or had anything open, two seconds after the decision; all were sending shortly before it."""
    zero_us = json.loads((folder / "run" / "plan.json").read_text())["zero_us"]
    for k in range(2):
        rows = read_all(folder / "run", f"ledger-generator-{k}.bin", GENERATOR_ROW)
        assert decided_us - 2_000_000 < rows["sent"].max() + zero_us <= decided_us + LIMIT_US
        assert (rows["done"] > 0).all()
        assert rows["done"].max() + zero_us <= decided_us + LIMIT_US


def test_the_kill_switch_halts_two_processes_within_two_seconds_though_the_site_hangs(tmp_path: Path) -> None:
    hangs = [False]

    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(hang=hangs[0])

    with stub_site(answer) as site, started(tmp_path, own_scenario(tmp_path / "own.toml"), site) as process:
        wait_until_both_send(process, site, 40)
        hangs[0] = True
        asked = len(site.asked)
        wait_until_both_send(process, site, asked + 20)
        decided_us = monotonic_us()
        (tmp_path / "run" / "STOP").write_text("the pager rang")
        record, out = ended(process, tmp_path)
    assert_all_halted(tmp_path, decided_us)
    assert record["stopped_by"] == "the kill switch"
    assert record["stop_reason"] == "STOP is there: the pager rang"
    assert record["fates"]["cut"] > 0
    assert "stopped by the kill switch: STOP is there: the pager rang" in out
    assert "STOP is there: the pager rang" in (tmp_path / "run" / "report.html").read_text()


def test_a_stop_rule_halts_two_processes_within_two_seconds_and_is_in_the_record(tmp_path: Path) -> None:
    fails_from = 150

    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(status=500 if len(site.asked) > fails_from else 200)

    with stub_site(answer) as site, started(tmp_path, own_scenario(tmp_path / "own.toml", RULE, per_second=40.0), site) as process:
        record, _ = ended(process, tmp_path)
    zero_us = json.loads((tmp_path / "run" / "plan.json").read_text())["zero_us"]
    assert_all_halted(tmp_path, zero_us + int(record["stopped_seconds"] * 1e6))
    assert record["stopped_by"] == "the stop rule “the site fails”"
    assert "above 0.5" in record["stop_reason"]


def test_first_people_who_fare_badly_end_the_run_before_the_others_come(tmp_path: Path) -> None:
    def answer(site: StubSite, asked: Asked) -> Reply:
        # The preflight's person is the one after the last of the run; everybody else fares badly.
        return Reply(status=200 if asked.person >= 600 else 500)

    with stub_site(answer) as site, started(tmp_path, own_scenario(tmp_path / "own.toml"), site) as process:
        record, _ = ended(process, tmp_path)
    assert record["stopped_by"] == "the canary"
    assert record["fates"]["unsent"] > record["people_planned"] / 2


def test_first_people_whose_ways_end_badly_end_the_run_though_most_of_their_attempts_go_well(tmp_path: Path) -> None:
    looks = "".join(f'\n[[journey]]\nstep = "look-{i}"\nform = "request"\nmethod = "GET"\npath = "/look"\n' for i in range(4))
    buys = '\n[[journey]]\nstep = "buy"\nmilestone = true\nform = "request"\nmethod = "POST"\npath = "/buy"\n'

    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(status=400 if asked.path == "/buy" and asked.person < 600 else 200)

    with stub_site(answer) as site, started(tmp_path, own_scenario(tmp_path / "own.toml", "", looks + buys), site) as process:
        record, _ = ended(process, tmp_path)
    assert record["stopped_by"] == "the canary"
    assert "people whose way ended did not finish" in record["stop_reason"]
    assert record["fates"]["unsent"] > record["people_planned"] / 2


def test_an_overload_scenario_calls_refusals_no_harm(tmp_path: Path) -> None:
    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(status=200 if asked.person >= 60 else 503, headers=(("Retry-After", "60"),))

    scenario = own_scenario(tmp_path / "own.toml", RULE + 'harmless = ["refused"]\n', for_seconds=3.0, drain_seconds=1.0)
    with stub_site(answer) as site, started(tmp_path, scenario, site) as process:
        out, _ = process.communicate(timeout=90)
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert process.returncode != 5, out
    assert record["stopped_by"] is None
    assert record["steps"][0]["outcomes"]["refused"] >= 60


def test_hosts_that_nobody_allowed_are_refused_and_counted_and_never_asked(tmp_path: Path) -> None:
    journey = """
[[journey]]
step = "ask"
form = "request"
method = "GET"
path = "/ask"
capture = { next = { json_pointer = "/next" } }

[[journey]]
step = "go"
milestone = true
form = "request"
method = "GET"
path = "{next}"
on = { protocol = "fate:gave_up" }
"""
    asked_elsewhere: list[Asked] = []

    def elsewhere(site: StubSite, asked: Asked) -> Reply:
        asked_elsewhere.append(asked)
        return Reply()

    with stub_site(elsewhere) as other:

        def answer(site: StubSite, asked: Asked) -> Reply:
            host = other.url.replace("127.0.0.1", "localhost") if asked.person < 60 and asked.path == "/ask" else site.url
            return Reply(value={"next": f"{host}/go"})

        scenario = own_scenario(tmp_path / "own.toml", target_block(), journey, for_seconds=3.0, drain_seconds=1.0)
        with stub_site(answer) as site, started(tmp_path, scenario, site) as process:
            out, _ = process.communicate(timeout=90)
            agents = {(asked.headers["user-agent"], asked.headers["x-load-test"].rpartition("-")[2]) for asked in site.asked}
    assert asked_elsewhere == []
    rows = read_all(tmp_path / "run", "ledger-generator-*.bin", GENERATOR_ROW)
    assert (rows["code"] == 70).sum() == (rows["step"] == 1).sum() > 0, out
    assert len({agent for agent, _ in agents}) == 1
    assert next(iter(agents))[0].endswith(" (oncall@team.example)")
