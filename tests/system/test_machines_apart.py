"""Workers on machines of their own, as network namespaces: a run ends whole, also when the cable of one of them is pulled on the way."""

import json
import os
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from gelombang.attempt import Fate
from gelombang.ledger import PERSON_ROW, read_all
from gelombang.verification import verify
from tests.support.locust_cluster import Cluster
from tests.support.namespaces import Machine, machines, why_not
from tests.support.own_service import own_scenario, target_block
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

NUMBER = 100 + os.getpid() % 100
HUB = f"10.254.{NUMBER}.1"


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


@pytest.fixture
def far() -> Iterator[list[Machine]]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with machines(3, HUB, NUMBER) as found:
        yield found


@pytest.fixture
def site(far: list[Machine]) -> Iterator[StubSite]:
    with stub_site(fine, HUB) as site:
        yield site


def test_a_worker_whose_cable_is_pulled_stops_by_itself_and_nobody_is_run_twice(run: Cluster, far: list[Machine], site: StubSite) -> None:
    block = target_block(allowed_hosts=[HUB])
    scenario = own_scenario(run.folder / "own.toml", block, for_seconds=20.0, drain_seconds=2.0)
    master = run.master(scenario, site.url, 3, "--i-own-this-target", HUB)
    workers = [run.worker(f"worker-{k}", scenario, "--i-own-this-target", HUB, host=HUB, before=far[k].enter) for k in range(3)]
    run.until(lambda: len({asked.person % 3 for asked in site.asked}) == 3 and len(site.asked) > 60)
    far[2].cut()
    assert [workers[k].ended() for k in (0, 1)] == [0, 0], [worker.text() for worker in workers]
    master.ended()
    folder = run.folder / "master"
    record = json.loads((folder / "record.json").read_text())
    assert sum(record["fates"].values()) == record["people_planned"] == 400
    assert verify(folder).holds, verify(folder).lines()
    (death,) = record["host"]["deaths"]
    people = read_all(folder, "people-*.bin", PERSON_ROW)
    assert len(np.unique(people["person"])) == len(people)
    taken = people[people["epoch"] == 1]
    assert len(taken) == death["taken_over"] > 0
    assert (taken["fate"] == Fate.FINISHED).all()
    # What the worker behind the cut cable wrote for itself, where the master can't read it: it began nobody whom others walked.
    own = read_all(run.folder / f"worker-{death_of(run, death['process'])}", "people-*.bin", PERSON_ROW)
    began = own["person"][own["started"] > 0]
    assert len(np.intersect1d(began, taken["person"])) == 0
    asked = Counter(asked.person for asked in site.asked if asked.person < 400)
    assert max(asked.values()) == 1
    assert record["host"]["clock_error_seconds"] < 0.5


def death_of(run: Cluster, process: int) -> int:
    """The node that was this process: workers are numbered as they come."""
    for k in range(3):
        plan = run.folder / f"worker-{k}"
        if (plan / f"people-{process}.bin").exists():
            return k
    raise AssertionError(f"nobody was process {process}")
