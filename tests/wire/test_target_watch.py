"""What stop rules ask a target, on real sockets: health pages, queries and alerts, each with its bound."""

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.errors import InputError
from gelombang.stops import StopRule
from gelombang_loadtests.target_watch import TargetWatch

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
        monkeypatch.setenv("HEALTH_URL", f"{url}/inner health")
        first_sample(rule(measure="health_seconds", url="${env:HEALTH_URL}?a=b"))
    assert set(asked) == {"/health?key=k-1", "/inner%20health?a=b"}


def test_a_secret_in_a_header_of_a_rule_goes_to_its_host_and_to_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEALTH_TOKEN", "t-1")
    (tmp_path / "key").write_text("k-2\n")
    heard: list[tuple[str, str | None, str | None]] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        heard.append((handler.path, handler.headers["Authorization"], handler.headers["X-Key"]))
        says(200)(handler)

    def sends_on(handler: BaseHTTPRequestHandler) -> None:
        heard.append((handler.path, handler.headers["Authorization"], handler.headers["X-Key"]))
        handler.send_response(302)
        handler.send_header("Location", "/there" if handler.path == "/" else f"{elsewhere}/other")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    headers = {"authorization": "Bearer ${env:HEALTH_TOKEN}", "x-key": f"${{file:{tmp_path / 'key'}}}"}
    with site(note) as elsewhere, site(sends_on) as url:
        took = first_sample(rule(measure="health_seconds", url=f"{url}/", headers=headers))
    assert took is not None
    assert took < 1
    assert heard[:3] == [("/", "Bearer t-1", "k-2"), ("/there", "Bearer t-1", "k-2"), ("/other", None, None)]


def test_a_page_that_speaks_no_http_is_harm_and_nothing_of_a_secret_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEALTH_KEY", "planted\nkey")

    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"no http\r\n\r\n")

    with site(garbage) as url:
        assert first_sample(rule(measure="health_seconds", url=f"{url}/?key=${{env:HEALTH_KEY}}")) == math.inf
        assert first_sample(rule(measure="health_seconds", url=url, headers={"x-key": "${env:HEALTH_KEY}"})) == math.inf
        assert first_sample(rule(measure="promql", url=url, promql="up", headers={"x-key": "${env:HEALTH_KEY}"})) is None
    assert "planted" not in capfd.readouterr().err


def test_a_secret_that_is_no_address_is_refused_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_URL", "file:///etc/hostname")
    with pytest.raises(InputError, match=r"stop rule a rule: url \$\{env:HEALTH_URL\} stands for no http:// or https:// address") as caught:
        TargetWatch([rule(measure="health_seconds", url="${env:HEALTH_URL}")], "gelombang", None)
    assert "hostname" not in str(caught.value)
