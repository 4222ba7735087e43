"""Locustfiles as people have them, with the lines that make them open: `locust -f mine.py` as a subprocess."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gelombang.attempt import Fate
from gelombang.ledger import GENERATOR_ROW, PERSON_ROW, read_all
from gelombang.record import RunRecord, read_record
from tests.wire.scripted_server import serving

pytestmark = pytest.mark.system

QUICK_START = """
from locust import HttpUser, task, between

class Shopper(HttpUser):
    wait_time = between(0.01, 0.05)

    def on_start(self):
        self.client.post("/login", json={"name": "contoh"})

    @task
    def front(self):
        self.client.get("/front")

    @task(3)
    def items(self):
        for item in range(2):
            self.client.get(f"/item?id={item}", name="/item")
"""
"""Weighted tasks, a login on start, requests under one name: the shape of a first locustfile."""

IN_ORDER = """
from locust import FastHttpUser, SequentialTaskSet, constant, task

class Buying(SequentialTaskSet):
    @task
    def look(self):
        self.client.get("/look")

    @task
    def order(self):
        with self.client.post("/order", catch_response=True) as answer:
            if answer.status_code == 503:
                answer.success()

    @task
    def pay(self):
        self.client.post("/pay")

class Buyer(FastHttpUser):
    wait_time = constant(0.01)
    tasks = [Buying]
"""

SITE = """
import sys
from aiohttp import web

async def answer(request):
    await request.read()
    return web.json_response({}, status=503 if request.path in ("/order", "/pay") else 200)

app = web.Application()
app.router.add_route("*", "/{path:.*}", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda text: print("up", flush=True))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site in a process of its own; /order and /pay answer 503."""
    with serving() as free:
        port = free.port
    file = tmp_path_factory.mktemp("site") / "site.py"
    file.write_text(SITE)
    process = subprocess.Popen([sys.executable, str(file), str(port)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.communicate()


def opened(plain: str, locust_class: str, *settings: str) -> str:
    """The plain file with an import, a base more, and settings: nothing else is touched."""
    lines = [f"    {setting}" for setting in ("arrivals = [hold(20, for_seconds=2)]", *settings)]
    head, found, body = plain.partition(f"({locust_class}):\n")
    assert found
    return f"from gelombang_loadtests.arrivals import OpenUser, hold\n{head}(OpenUser, {locust_class}):\n" + "\n".join(lines) + f"\n{body}"


Run = Callable[..., tuple[int, str, Path]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def ran(text: str, *arguments: str) -> tuple[int, str, Path]:
        (tmp_path / "mine.py").write_text(text)
        command = [sys.executable, "-m", "locust", "-f", "mine.py", "--headless", "--only-summary", "--out", "run", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
        return done.returncode, done.stderr, tmp_path / "run"

    return ran


def steps_of(record: RunRecord) -> dict[str, dict[str, int]]:
    return {step.title: step.outcomes for step in record.steps}


def test_each_arrival_lives_a_plain_class_once_and_a_whole_record_is_left(run: Run, site: str) -> None:
    _, stderr, folder = run(opened(QUICK_START, "HttpUser"), "--host", site)
    record = read_record(folder)
    assert (record.people_planned, record.fates["finished"]) == (40, 40), stderr
    found = steps_of(record)
    assert found["POST /login"] == {"ok": 40}
    # Two different tasks, so two each: one request for the first kind, two for the second.
    assert found["GET /front"]["ok"] + found["GET /item"]["ok"] // 2 == 80
    people = read_all(folder, "people-*.bin", PERSON_ROW)
    assert (people["fate"] == Fate.FINISHED).all()
    assert (people["started"] >= people["due"]).all()
    rows = read_all(folder, "ledger-generator-*.bin", GENERATOR_ROW)
    assert (rows["due"] <= rows["sent"]).all()
    assert (rows["sent"] <= rows["done"]).all()
    assert record.coverage == "client only"
    assert "people planned, 40 finished" in stderr


def test_same_seed_same_due_times_another_seed_others(run: Run, site: str) -> None:
    due = []
    for number, seed in enumerate((7, 7, 8)):
        _, _, folder = run(opened(QUICK_START, "HttpUser", "drain_seconds = 5.0"), "--host", site, "--seed", str(seed), "-t", "1s")
        due.append(sorted(read_all(folder, "people-*.bin", PERSON_ROW)["due"].tolist()))
        folder.rename(folder.with_name(f"run-{number}"))
    assert due[0] == due[1] != due[2]
    assert max(due[0]) <= 1_000_000


def test_a_sequence_is_walked_once_in_its_order_and_locusts_judgement_of_an_answer_stands(run: Run, site: str) -> None:
    _, stderr, folder = run(opened(IN_ORDER, "FastHttpUser"), "--host", site)
    record = read_record(folder)
    assert steps_of(record) == {"GET /look": {"ok": 40}, "POST /order": {"ok": 40}, "POST /pay": {"failed": 40}}, stderr
    rows = read_all(folder, "ledger-generator-*.bin", GENERATOR_ROW)
    for person in range(40):
        assert rows[rows["person"] == person]["step"].tolist() == [0, 1, 2]


def test_objectives_decide_the_exit_code_of_a_run_that_can_be_trusted(run: Run, site: str) -> None:
    wanted = '[{"name": "paying works", "measure": "ok_ratio", "step": ["post-pay"], "at_least": 0.9}]'
    code, stderr, folder = run(opened(IN_ORDER, "FastHttpUser", f"objectives = {wanted}"), "--host", site)
    record = read_record(folder)
    assert [judged.passed for judged in record.objectives] == [False]
    assert "FAILED: paying works" in stderr
    assert code == (1 if record.validity == "VALID" else 3)


def test_a_curve_beside_the_locustfile_says_who_comes_when(run: Run, site: str, tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("seconds_since_opening,registrations_per_second\n0,0\n1,20\n2,0\n")
    text = opened(QUICK_START, "HttpUser").replace("arrivals = [hold(20, for_seconds=2)]", 'arrivals = "curve.csv"')
    _, stderr, folder = run(text, "--host", site)
    assert read_record(folder).people_planned == 20, stderr
    due = read_all(folder, "people-*.bin", PERSON_ROW)["due"]
    assert ((due > 500_000) & (due < 1_500_000)).sum() >= 12


def test_people_of_several_classes_share_one_stream_by_weight(run: Run, site: str) -> None:
    text = (
        opened(QUICK_START, "HttpUser").replace("class Shopper", "class Base").replace("    arrivals", "    abstract = True\n    arrivals")
    )
    text += "\nclass Shopper(Base):\n    weight = 3\n\nclass Passer(Base):\n    weight = 1\n    tasks_per_person = 1\n"
    _, stderr, folder = run(text, "--host", site)
    assert read_record(folder).fates["finished"] == 40, stderr
    rows = read_all(folder, "ledger-generator-*.bin", GENERATOR_ROW)
    logins = rows["step"] == 0
    requests = Counter(rows["person"][~logins].tolist())
    assert len(requests) == 40
    assert set(requests.values()) <= {1, 2, 3, 4}
    assert 3 <= sum(count <= 2 for count in requests.values()) <= 30


def test_an_exception_in_a_body_ends_its_task_and_not_the_run(run: Run, site: str) -> None:
    text = opened(QUICK_START, "HttpUser").replace('self.client.get("/front")', 'raise ValueError("of the body")')
    _, stderr, folder = run(text, "--host", site)
    record = read_record(folder)
    assert record.fates["finished"] == 40
    assert record.host.generator_exceptions == 0
    assert "of the body" in stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("arrivals = [hold(20, for_seconds=2)]", "arrivals = 'none.csv'"), "curve none.csv is missing"),
        (("arrivals = [hold(20, for_seconds=2)]", "arrivals = []"), "Shopper.arrivals is []; want a CSV file"),
        (("wait_time", "tasks_per_person = 0\n    wait_time"), "Shopper has 0 tasks per person; want 1 to 60000 tasks"),
        (("wait_time", "drain_seconds = -1\n    wait_time"), "Shopper.drain_seconds is -1; want a number, 0 or more"),
        (("wait_time", "objectives = [{'name': 'x'}]\n    wait_time"), "Shopper.objectives[0] measure: Field required"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_exit_2(run: Run, site: str, change: tuple[str, str], sentence: str) -> None:
    code, stderr, folder = run(opened(QUICK_START, "HttpUser").replace(*change, 1), "--host", site)
    assert code == 2
    assert f"gelombang: {sentence}" in stderr
    assert not folder.exists()


def test_a_host_that_is_not_this_machine_is_refused(run: Run) -> None:
    code, stderr, folder = run(opened(QUICK_START, "HttpUser"), "--host", "http://192.0.2.1")
    assert code == 2
    assert "want --i-own-this-target 192.0.2.1" in stderr
    assert not folder.exists()


def test_a_site_that_is_gone_gives_connections_refused_and_no_exception(run: Run) -> None:
    with serving() as free:
        gone = f"http://127.0.0.1:{free.port}"
    for locust_class, plain in (("HttpUser", QUICK_START), ("FastHttpUser", IN_ORDER)):
        _, stderr, folder = run(opened(plain, locust_class), "--host", gone)
        record = read_record(folder)
        outcomes = Counter[str]()
        for step in record.steps:
            outcomes.update(step.outcomes)
        assert set(outcomes) == {"connect_refused"}, stderr
        folder.rename(folder.with_name(f"run-{locust_class}"))


def test_on_the_web_page_runs_are_started_and_stopped_with_locusts_own_buttons(site: str, tmp_path: Path) -> None:
    with serving() as free:
        page = f"http://127.0.0.1:{free.port}"
    (tmp_path / "mine.py").write_text(opened(QUICK_START, "HttpUser").replace("for_seconds=2", "for_seconds=600"))
    command = [sys.executable, "-m", "locust", "-f", "mine.py", "--host", site, "--web-host", "127.0.0.1", "--web-port", str(free.port)]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env={**os.environ, "NO_PROXY": "127.0.0.1"})
    try:
        when_up(process, page, tmp_path / "log")
        asked(f"{page}/swarm", b"user_count=1&spawn_rate=1")
        folder = until(lambda: next(iter((tmp_path / "runs").glob("*")), None) if (tmp_path / "runs").exists() else None)
        until(lambda: (folder / "ledger-generator-0.bin").exists() and finished_requests(page) >= 20)
        until(lambda: asked(f"{page}/gelombang/now").get("started", 0) >= 20)
        told = asked(f"{page}/gelombang/now")
        assert (told["title"], told["state"], told["planned"], told["what"]) == ("Shopper", "running", 12_000, "requests")
        assert "post-login" in [step for step, *_ in told["funnel"]]
        asked(f"{page}/stop", b"")
        until(lambda: asked(f"{page}/gelombang/now")["state"] == "ended")
        until((folder / "record.json").exists)
        record = read_record(folder)
        assert record.stopped_by == "the operator"
        assert record.fates["unsent"] > 0
        assert sum(record.fates.values()) == record.people_planned == 12_000
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()


def until(found: Callable[[], Any]) -> Any:
    """Asks until it says something."""
    pause = threading.Event()
    for _ in range(400):
        if value := found():
            return value
        pause.wait(0.05)
    raise AssertionError("it never came to be")


def when_up(process: subprocess.Popen[bytes], page: str, log: Path) -> None:
    def up() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return bool(asked(f"{page}/stats/requests"))
        except OSError:
            return False

    until(up)


def asked(url: str, body: bytes | None = None) -> dict[str, Any]:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, body, timeout=10) as answer:
        value: dict[str, Any] = json.loads(answer.read())
        return value


def finished_requests(page: str) -> int:
    return sum(entry["num_requests"] for entry in asked(f"{page}/stats/requests")["stats"] if entry["name"] == "Aggregated")
