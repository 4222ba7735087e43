"""What stop rules ask a target, on real sockets: health pages, queries and alerts, each with its bound."""

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.stops import StopRule
from gelombang_cli.target_watch import TargetWatch

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def site(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def says(status: int, value: object = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps(value).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def rule(**fields: Any) -> StopRule:
    return StopRule.model_validate({"name": "a rule", "side": "target", "above": 1.0} | fields)


def first_sample(asked: StopRule) -> float | None:
    """What the first question came to."""
    with TargetWatch([asked], "gelombang/1 (oncall@team.example)", None) as watch:
        until_us = monotonic_us() + 20_000_000
        while not (found := watch.taken(monotonic_us())):
            assert monotonic_us() < until_us
            sleep_seconds(0.01)
        return found[0][2]


def test_a_health_page_that_answers_is_a_time_and_one_that_is_ill_is_more_than_any_limit() -> None:
    with site(says(200)) as url:
        took = first_sample(rule(measure="health_seconds", url=f"{url}/health"))
        assert took is not None
        assert 0 < took < 1
    with site(says(503)) as url:
        assert first_sample(rule(measure="health_seconds", url=url)) == math.inf


def test_a_health_page_that_hangs_is_harm_as_soon_as_its_time_is_over() -> None:
    closing = threading.Event()
    with site(lambda handler: closing.wait(20) and None) as url:
        began_us = monotonic_us()
        assert first_sample(rule(measure="health_seconds", url=url, timeout_seconds=0.3)) == math.inf
        assert monotonic_us() - began_us < 10_000_000
        closing.set()


def test_a_page_that_drips_is_overdue_though_every_read_of_it_brings_something() -> None:
    closing = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not closing.wait(0.05):
                handler.wfile.write(b".")
        except OSError:
            pass

    with site(drip) as url:
        assert first_sample(rule(measure="health_seconds", url=url, timeout_seconds=0.3)) == math.inf
        closing.set()


@pytest.mark.parametrize("nobody", [True, False])
def test_a_query_has_the_value_that_prometheus_says_and_without_prometheus_no_sample(nobody: bool) -> None:
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        assert handler.headers["User-Agent"] == "gelombang/1 (oncall@team.example)"
        says(200, {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "7.5"]}]}})(handler)

    with site(answer) as url:
        found = first_sample(rule(measure="promql", url="http://127.0.0.1:9" if nobody else url, promql="sum(up) > 1"))
    assert found == (None if nobody else 7.5)
    assert asked[:1] == ([] if nobody else ["/api/v1/query?query=sum%28up%29+%3E+1"])


def test_alerts_of_the_name_that_fire_are_counted() -> None:
    alerts = [{"labels": {"alertname": "DatabaseDown"}, "state": "firing"}]
    with site(says(200, {"status": "success", "data": {"alerts": alerts}})) as url:
        assert first_sample(rule(measure="alert", url=f"{url}/", alert="DatabaseDown")) == 1
        assert first_sample(rule(measure="alert", url=url, alert="Other")) == 0


def test_a_secret_in_the_url_of_a_rule_is_asked_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_KEY", "k-1")
    asked: list[str] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        says(200)(handler)

    with site(note) as url:
        first_sample(rule(measure="health_seconds", url=f"{url}/health?key=${{env:HEALTH_KEY}}"))
    assert set(asked) == {"/health?key=k-1"}
