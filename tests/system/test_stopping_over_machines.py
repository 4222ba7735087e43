"""A run over Locust's master and workers that must end before its time does so everywhere, and its record says who ended it and why."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from gelombang.clock import monotonic_us
from gelombang.ledger import GENERATOR_ROW, read_all
from gelombang.stops import STOPPED_WITHIN_SECONDS
from gelombang.verification import verify
from tests.support.locust_cluster import Cluster
from tests.support.namespaces import Machine, machines, why_not
from tests.support.own_service import own_scenario, target_block
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

LIMIT_US = int(STOPPED_WITHIN_SECONDS * 1_000_000)
NUMBER = 200 + os.getpid() % 50
HUB = f"10.254.{NUMBER}.1"
RULE = """
[[stop]]
name = "the site fails"
side = "generator"
measure = "failed_ratio"
above = 0.5
window_seconds = 2.0
"""


@pytest.fixture
def far() -> Iterator[list[Machine]]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with machines(2, HUB, NUMBER) as found:
        yield found


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


def until_both_send(run: Cluster, site: StubSite, requests: int) -> None:
    run.until(lambda: len(site.asked) > requests and len({asked.person % 2 for asked in site.asked[-10:]}) == 2)


def stopped(run: Cluster, decided_us: int | None = None) -> dict[str, Any]:
    """The record of a run that was stopped, once nobody sent or had anything open past the limit."""
    assert run.nodes[0].ended() == 5, run.nodes[0].text()
    assert [node.ended() for node in run.nodes[1:]] == [0, 0], [node.text() for node in run.nodes]
    record: dict[str, Any] = json.loads((run.folder / "master" / "record.json").read_text())
    assert record["cut_short"]
    assert sum(record["fates"].values()) == record["people_planned"]
    assert verify(run.folder / "master").holds
    zero_us = json.loads((run.folder / "master" / "plan.json").read_text())["zero_us"]
    decided_us = zero_us + int(record["stopped_seconds"] * 1e6) if decided_us is None else decided_us
    for k in range(2):
        rows = read_all(run.folder / "master", f"ledger-generator-{k}.bin", GENERATOR_ROW)
        assert decided_us - 2_000_000 < rows["sent"].max() + zero_us <= decided_us + LIMIT_US
        assert rows["done"].max() + zero_us <= decided_us + LIMIT_US
    return record


def test_a_stop_rule_of_the_master_halts_all_workers_in_time_and_is_in_the_record(run: Cluster) -> None:
    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(status=500 if len(site.asked) > 150 else 200)

    with stub_site(answer) as site:
        scenario = own_scenario(run.folder / "own.toml", RULE, per_second=40.0)
        run.master(scenario, site.url, 2)
        for k in range(2):
            run.worker(f"worker-{k}", scenario)
        record = stopped(run)
    assert record["stopped_by"] == "the stop rule “the site fails”"
    assert "above 0.5" in record["stop_reason"]
    assert "stopped by the stop rule “the site fails”" in run.nodes[0].text()


def test_the_kill_switch_of_a_worker_halts_the_others_too_though_the_site_hangs(run: Cluster) -> None:
    hangs = [False]

    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(hang=hangs[0])

    with stub_site(answer) as site:
        scenario = own_scenario(run.folder / "own.toml")
        run.master(scenario, site.url, 2)
        for k in range(2):
            run.worker(f"worker-{k}", scenario)
        until_both_send(run, site, 40)
        hangs[0] = True
        until_both_send(run, site, len(site.asked) + 20)
        decided_us = monotonic_us()
        (run.folder / "worker-1" / "STOP").write_text("the pager rang")
        record = stopped(run, decided_us)
    assert record["stopped_by"] == "the kill switch"
    assert record["stop_reason"].startswith("STOP is there: the pager rang (worker ")
    assert record["fates"]["cut"] > 0


def test_first_people_who_fare_badly_end_the_run_before_the_others_come(run: Cluster) -> None:
    def answer(site: StubSite, asked: Asked) -> Reply:
        return Reply(status=500)

    with stub_site(answer) as site:
        scenario = own_scenario(run.folder / "own.toml")
        run.master(scenario, site.url, 2)
        for k in range(2):
            run.worker(f"worker-{k}", scenario)
        record = stopped(run)
    assert record["stopped_by"] == "the canary"
    assert record["fates"]["unsent"] > record["people_planned"] / 2


def test_a_health_page_that_the_master_asks_ends_the_run_of_workers_on_machines_of_their_own(run: Cluster, far: list[Machine]) -> None:
    with stub_site(fine, HUB) as site:
        # Nobody listens there any more: a health page that does not answer is harm.
        with stub_site(fine, HUB) as gone:
            health = f"{gone.url}/healthz"
        rule = f"""
[[stop]]
name = "the health page is gone"
side = "target"
measure = "health_seconds"
url = "{health}"
above = 0.5
for_seconds = 3.0
"""
        scenario = own_scenario(run.folder / "own.toml", rule + target_block(allowed_hosts=[HUB]))
        run.master(scenario, site.url, 2, "--i-own-this-target", HUB)
        for k in range(2):
            run.worker(f"worker-{k}", scenario, "--i-own-this-target", HUB, host=HUB, before=far[k].enter)
        record = stopped(run)
    assert record["stopped_by"] == "the stop rule “the health page is gone”"
    assert "not there in time" in record["stop_reason"]
