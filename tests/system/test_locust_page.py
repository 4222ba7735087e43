"""Locust's own page over a master and workers: its Start begins a run and its Stop ends it, and a page beside it shows the people."""

import json
import signal
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.support.locust_cluster import Cluster
from tests.support.own_service import own_scenario
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


@pytest.fixture
def site() -> Iterator[StubSite]:
    with stub_site(fine) as site:
        yield site


def asked(url: str, **form: str) -> dict[str, Any]:
    body = urlencode(form).encode() if form else None
    with build_opener(ProxyHandler({})).open(url, body, timeout=20) as answer:
        value: dict[str, Any] = json.loads(answer.read())
        return value


def start(page: str, host: str) -> dict[str, Any]:
    return asked(f"{page}/swarm", user_count="1", spawn_rate="1", host=host)


def now(page: str, query: str = "") -> dict[str, Any]:
    """How the run stands by the page; nothing while Locust is not up."""
    try:
        return asked(f"{page}/gelombang/now{query}")
    except HTTPError:
        raise
    except OSError:
        return {}


def test_start_begins_when_all_workers_are_ready_and_stop_ends_and_the_page_shows_the_people_of_all(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=60.0)
    master, page = run.master_with_page(scenario, site.url, 2)
    first = run.worker("worker-0", scenario)
    run.until(lambda: now(page).get("state") == "1 of 2 workers have come")
    assert "1 of 2 workers have come; want all of them" in start(page, site.url)["message"]
    second = run.worker("worker-1", scenario)
    run.until(lambda: now(page)["state"] == "all workers are ready: Start begins")
    refused = start(page, "http://127.0.0.1:9")
    assert refused["success"] is False
    assert f"The workers are ready for {site.url}" in refused["message"]
    assert site.asked == []
    assert start(page, site.url)["success"] is True
    run.until(lambda: sum(worker[3] for worker in now(page)["workers"]) > 60 and min(worker[3] for worker in now(page)["workers"]) > 20)
    told = now(page)
    assert told["state"] == "running"
    assert [worker[2] for worker in told["workers"]] == ["walking", "walking"]
    assert told["started"] == sum(worker[3] for worker in told["workers"]) <= told["planned"] == 1_200
    assert told["funnel"][0][:2] == ["home", told["fates"]["finished"]]
    assert told["stages"]["receive"]["ok"] == told["funnel"][0][2]
    newest = told["moments"][-1][0]
    later = now(page, f"?after={newest}&run={told['run']}")["moments"]
    assert all(moment[0] > newest for moment in later)
    assert asked(f"{page}/stats/requests")["extended_stats"][0]["data"][0]["step"] == "home"
    asked(f"{page}/stop", stop="1")
    run.until((run.folder / "master" / "record.json").exists)
    assert [first.ended(), second.ended()] == [0, 0]
    run.until(lambda: now(page)["state"].startswith("stopped by the operator: Stop in Locust's page"))
    record = json.loads((run.folder / "master" / "record.json").read_text())
    assert (record["stopped_by"], record["stop_reason"]) == ("the operator", "Stop in Locust's page")
    assert "This run is over" in start(page, site.url)["message"]
    with pytest.raises(HTTPError, match="400"):
        now(page, "?after=x")
    master.process.send_signal(signal.SIGTERM)
    assert master.ended() == 5, master.text()
    assert "Traceback" not in master.text()


def test_started_by_itself_the_run_needs_nobody_at_the_page_and_ends_with_its_own_exit_code(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=3.0, drain_seconds=1.0)
    master, _ = run.master_with_page(scenario, site.url, 1, "--autostart", "--autoquit", "0")
    worker = run.worker("worker-0", scenario)
    assert worker.ended() == 0
    assert master.ended() == 0, master.text()
    assert json.loads((run.folder / "master" / "record.json").read_text())["fates"]["finished"] == 60
