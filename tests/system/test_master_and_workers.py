"""A run over Locust's master and workers: one record, whoever dies, and nobody joins who would walk by another plan."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import numpy as np
import pytest

from gelombang.attempt import Fate
from gelombang.ledger import GENERATOR_ROW, PERSON_ROW, read_all
from gelombang.live_panels import live_panels, panel_values, rule_values
from gelombang.live_series import LiveSeries
from gelombang.run_table import run_table
from gelombang.series_file import SERIES_FILE, read_series
from gelombang.verification import verify
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


def record_of(run: Cluster) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run.folder / "master" / "record.json").read_text())
    assert sum(record["fates"].values()) == record["people_planned"]
    result = verify(run.folder / "master")
    assert result.holds, result.lines()
    return record


def people_of(run: Cluster) -> "np.ndarray[Any, np.dtype[np.void]]":
    people = read_all(run.folder / "master", "people-*.bin", PERSON_ROW)
    assert len(np.unique(people["person"])) == len(people)
    return people


def test_two_workers_walk_every_second_person_each_and_the_master_has_the_record(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=4.0, drain_seconds=2.0)
    master = run.master(scenario, site.url, 2)
    workers = [run.worker(f"worker-{k}", scenario) for k in range(2)]
    assert [worker.ended() for worker in workers] == [0, 0], [worker.text() for worker in workers]
    assert master.ended() == 0, master.text()
    record = record_of(run)
    assert record["fates"]["finished"] == record["people_planned"] == 80
    assert record["host"]["generator_processes"] == 2
    people = people_of(run)
    assert (people["fate"] == Fate.FINISHED).all()
    assert len(read_all(run.folder / "master", "ledger-generator-*.bin", GENERATOR_ROW)) == 80
    for k in range(2):
        assert set(read_all(run.folder / "master", f"people-{k}.bin", PERSON_ROW)["person"] % 2) == {k}
        assert (run.folder / "master" / f"generator-{k}.jsonl").stat().st_size
        assert (run.folder / "master" / f"network-{k}.json").exists()
    assert sorted({asked.person for asked in site.asked if asked.person < 80}) == list(range(80))
    told = json.loads((run.folder / "master" / "workers.json").read_text())["workers"]
    assert [worker["process"] for worker in told] == [0, 1]
    created = (run.folder / "master" / "created.csv").read_text().splitlines()
    assert len(created) == 81


def test_the_master_keeps_the_series_of_all_its_workers_as_a_run_on_one_machine_has_them(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=4.0, drain_seconds=2.0)
    master = run.master(scenario, site.url, 2)
    workers = [run.worker(f"worker-{k}", scenario) for k in range(2)]
    assert [node.ended() for node in (*workers, master)] == [0, 0, 0], master.text()
    kept = read_series(run.folder / "master" / SERIES_FILE)
    assert [source.instance for source in kept.sources] == ["generator-0", "generator-1"]
    table = run_table(kept)
    started = table.named("gelombang_generator_arrivals_started_total")
    assert [series.values[-1] for series in started] == [40.0, 40.0]
    assert sum(series.values[-1] for series in table.named("gelombang_generator_people_fates_total")) == 80
    assert all(len(moments) >= 4 for moments in kept.scrapes_us.values())
    assert live_panels_of(run.folder / "master" / SERIES_FILE) >= {"People offered and started", "Lateness p99"}


def test_the_dashboards_panels_are_shown_beside_a_master_while_its_run_goes_on(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=12.0, drain_seconds=1.0)
    master = run.master(scenario, site.url, 1)
    worker = run.worker("worker-0", scenario)
    run.until(lambda: len(site.asked) > 5)
    command = [sys.executable, "-m", "gelombang_cli", "dashboards", "live", str(run.folder / "master")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as shown:
        assert shown.stdout is not None
        said = shown.stdout.readline()
        assert said.startswith("live: http://127.0.0.1:"), shown.communicate()
        with build_opener(ProxyHandler({})).open(f"{said.split()[1]}events", timeout=60) as events:
            heard = [line for line in events if line.startswith((b"event:", b"data:"))]  # to its end, which is the run's
        _, stderr = shown.communicate(timeout=60)
    assert shown.returncode == 0, stderr
    assert [node.ended() for node in (worker, master)] == [0, 0], master.text()
    told = [line for before, line in itertools.pairwise(heard) if before == b"event: moments\n"]
    assert any(b"offered" in line for line in told)
    assert heard[-2] == b"event: ended\n"
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert "is a run that is over" in again.stderr


def live_panels_of(path: Path) -> set[str]:
    """Titles of the panels that have something to say at the end of a run."""
    series = LiveSeries()
    for line in path.read_text().splitlines():
        series.take(line)
    table, at_seconds = series.table(), series.ends_seconds
    return {live.panel.title for live in live_panels() if panel_values(live, table, at_seconds, rule_values(None))}


def test_one_of_three_workers_killed_costs_its_own_people_and_the_others_go_on(run: Cluster, site: StubSite) -> None:
    scenario = own_scenario(run.folder / "own.toml", for_seconds=20.0, drain_seconds=2.0)
    master = run.master(scenario, site.url, 3)
    workers = [run.worker(f"worker-{k}", scenario) for k in range(3)]
    run.until(lambda: len({asked.person % 3 for asked in site.asked}) == 3 and len(site.asked) > 60)
    workers[1].kill()
    assert [workers[k].ended() for k in (0, 2)] == [0, 0], [worker.text() for worker in workers]
    master.ended()
    record = record_of(run)
    (death,) = record["host"]["deaths"]
    assert death["how"] == "was not heard of for 5 s"
    people = people_of(run)
    taken = people[people["epoch"] == 1]
    assert len(taken) == death["taken_over"] > 0
    assert (taken["fate"] == Fate.FINISHED).all()
    asked = [asked.person for asked in site.asked if asked.person < record["people_planned"]]
    assert len(set(asked)) == len(asked), "somebody was run twice"
    unasked = set(range(record["people_planned"])) - set(asked)
    assert len(unasked) <= death["unsent"] + death["cut"]
    assert [doubt["severity"] for doubt in record["doubts"] if doubt["name"] == "generator-died"] == ["SUSPECT"]
    assert f"worker {death['process']} was not heard of for 5 s; 2 go on with its people" in master.text()


def test_a_worker_with_another_curve_is_refused_with_both_digests_and_the_master_says_who_did_not_come(
    run: Cluster, site: StubSite
) -> None:
    scenario = own_scenario(run.folder / "own.toml")
    other = own_scenario(run.folder / "other.toml", per_second=21.0)
    master = run.master(scenario, site.url, 2, "--expect-workers-max-wait", "20")
    good = run.worker("worker-0", scenario)
    bad = run.worker("worker-1", other)
    assert bad.ended() == 2, bad.text()
    last = bad.text().splitlines()
    refusal = next(line for line in last if line.startswith("gelombang: the master refuses this worker"))
    assert "the worker's curve is " in refusal
    assert ", the master's" in refusal
    assert master.ended() == 2, master.text()
    assert "1 of 2 workers said hello within 20 s; want all of them; refused: " in master.text()
    assert good.ended() == 2, good.text()
    assert "this worker is sent away: 1 of 2 workers said hello" in good.text()
    assert site.asked == []
    assert "Traceback" not in master.text() + good.text() + bad.text()
