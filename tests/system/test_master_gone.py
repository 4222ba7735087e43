"""A worker whose master is gone ends by itself, before the run and in the middle of it, and says which of the two is missing."""

import json
from collections.abc import Iterator
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.support.locust_cluster import Cluster
from tests.support.own_service import own_scenario
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
GONE = "gelombang: the master was not heard of for 15 s; want one that is up"


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


@pytest.fixture
def site() -> Iterator[StubSite]:
    with stub_site(fine) as site:
        yield site


def state(page: str) -> str:
    """How the run stands by the master's page; nothing while that is not up."""
    try:
        with build_opener(ProxyHandler({})).open(f"{page}/gelombang/now", timeout=20) as answer:
            return str(json.loads(answer.read())["state"])
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("expected", "stands"),
    [(2, "1 of 2 workers have come"), (1, "all workers are ready: Start begins")],
    ids=["waits for others", "is ready"],
)
def test_a_worker_that_waits_for_a_master_which_is_gone_ends_by_itself(run: Cluster, site: StubSite, expected: int, stands: str) -> None:
    scenario = own_scenario(run.folder / "own.toml")
    master, page = run.master_with_page(scenario, site.url, expected)
    worker = run.worker("worker-0", scenario)
    run.until(lambda: state(page) == stands)
    master.kill()
    assert worker.ended() == 4, worker.text()
    assert f"{GONE}, and a way to it\n" in worker.text()
    assert "Traceback" not in worker.text()


def test_a_worker_whose_master_is_killed_in_the_run_keeps_what_it_could_not_tell(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=60.0, drain_seconds=2.0)
    master = run.master(scenario, site.url, 1)
    worker = run.worker("worker-0", scenario)
    run.until(lambda: len(site.asked) > 30)
    master.kill()
    assert worker.ended() == 4, worker.text()
    assert f"{GONE}: what it was not told of this run is in {worker.folder}\n" in worker.text()
    assert "Traceback" not in worker.text()
    assert len(site.asked) < 60 * 20, "without a master nobody comes any more"
    assert (worker.folder / "ledger-generator-0.bin").stat().st_size > 0
