"""Requests that go out beside each other as one attempt, on real sockets."""

import threading
from pathlib import Path

from gelombang.attempt import Fate, Outcome
from tests.support.small_scenario import scenario
from tests.wire.step_walk import FIRST, SECOND, walk
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site
from tests.wire.test_engine_on_sockets import Run

BESIDE = [{"method": "GET", "path": f"/{name}", "capture": {name: {"json_pointer": "/path"}}} for name in ("a", "b", "c")]


def test_parallel_requests_are_under_way_together_and_are_one_attempt(tmp_path: Path) -> None:
    all_here = threading.Barrier(4, timeout=10)

    def together(site: StubSite, asked: Asked) -> Reply:
        if asked.path != "/second":
            all_here.wait()
        return Reply(value={"path": asked.path})

    with stub_site(together) as site:
        run = walk(tmp_path, site, FIRST | {"parallel": BESIDE}, SECOND | {"headers": {"x-all": "{a}{b}{c}"}}, cookies=True)
    assert run.fate_count(Fate.FINISHED) == 1
    assert run.attempts["exchanges"].tolist() == [4, 1]
    assert site.asked[-1].headers["x-all"] == "/a/b/c"
    assert len({asked.headers["traceparent"] for asked in site.asked[:4]}) == 4
    assert len({asked.headers["traceparent"][3:35] for asked in site.asked[:4]}) == 1


def test_not_more_than_so_many_are_under_way_at_once(tmp_path: Path) -> None:
    lock = threading.Lock()
    under_way, most = [0], [0]

    def counted(site: StubSite, asked: Asked) -> Reply:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        pair.wait()
        with lock:
            under_way[0] -= 1
        return Reply(value={"path": asked.path})

    pair = threading.Barrier(2, timeout=10)
    with stub_site(counted) as site:
        run = walk(tmp_path, site, FIRST | {"parallel": BESIDE, "parallel_limit": 2})
    assert run.fate_count(Fate.FINISHED) == 1
    assert most == [2]


def test_the_first_parallel_request_that_is_not_ok_decides(tmp_path: Path) -> None:
    with stub_site(lambda site, asked: Reply({"/b": 500, "/c": 404}.get(asked.path, 200), {"path": asked.path})) as site:
        run = walk(tmp_path, site, FIRST | {"parallel": BESIDE})
    assert {Outcome(value) for value in run.attempts["outcome"]} == {Outcome.FAILED}
    assert run.attempts["status"].tolist() == [500, 500]


def test_the_run_s_end_cuts_parallel_requests_too(tmp_path: Path) -> None:
    what = scenario(FIRST | {"parallel": BESIDE}, arrivals_per_second=10.0, for_seconds=0.1, drain_seconds=0.3)
    with stub_site(lambda site, asked: Reply(hang=asked.path == "/b", value={"path": "/"})) as site:
        run = Run(tmp_path, what, site.url).walk()
    assert [Outcome(value) for value in run.attempts["outcome"]] == [Outcome.CUT]
    assert run.fate_count(Fate.CUT) == 1
