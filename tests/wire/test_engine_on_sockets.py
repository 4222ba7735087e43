"""The engine on gevent against a real site: exact arrivals, every way in which an exchange can end, and a run's end."""

import json
from pathlib import Path

import gevent
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.clock import monotonic_us
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, read_all
from gelombang.runplan import RunPlan, ScaleNumbers
from gelombang.scenario import Scenario
from gelombang.steps import PhotoKind
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.generator import Generator
from gelombang_loadtests.metrics_page import MetricsPage
from gelombang_loadtests.photos import Photo
from gelombang_loadtests.progress import Done, Progress, Ready
from tests.support.small_scenario import ACCOUNT, CODE, HOME, KTP, SEND, SMS, scenario
from tests.wire.stub_site import TOKEN, Asked, Reply, StubSite, stub_site

PLAIN_HOME = HOME | {"headers": {}}


class Run:
    """One generator process's whole run, and what it left behind."""

    def __init__(self, folder: Path, what: Scenario, url: str, harness: bool = False, process: int = 0, processes: int = 1) -> None:
        plan = RunPlan(
            run_id="a-run",
            run=5,
            seed=1,
            plan_digest="",
            scale=ScaleNumbers(),
            scenario=what,
            profile="stub",
            target_url=url,
            harness_url=url if harness else None,
            harness_token=TOKEN,
            zero_us=0,
            for_seconds=what.arrivals.phases[0].for_seconds,
            generator_processes=processes,
        )
        self.folder = folder
        self.said: list[Ready | Progress | Done] = []
        self.heard: list[tuple[str, Outcome]] = []
        self.generator = Generator(plan, folder, process, picture, self._listen, self.said.append)

    def _listen(self, kind: str, attempt: AttemptId, answer: Answer, outcome: Outcome, code: Code) -> None:
        self.heard.append((kind, outcome))

    def walk(self) -> "Run":
        self.done = self.generator.run(monotonic_us() + 100_000)
        self.attempts = read_all(self.folder, "ledger-generator-*.bin", GENERATOR_ROW)
        self.people = read_all(self.folder, "people-*.bin", PERSON_ROW)
        self.acknowledged = read_all(self.folder, "acknowledged-*.bin", ACKNOWLEDGED_ROW)
        assert self.done.failure == ""
        assert sum(self.done.fates.values()) == self.done.planned == len(self.people)
        assert not (self.people["fate"] == Fate.OPEN).any()
        assert not (self.attempts["outcome"] == Outcome.OPEN).any()
        assert len(self.attempts) == self.people["attempts"].sum() == self.done.attempts
        return self

    def outcomes_of(self, number: int) -> set[Outcome]:
        return {Outcome(value) for value in self.attempts[self.attempts["number"] == number]["outcome"]}

    def fate_count(self, fate: Fate) -> int:
        return self.done.fates[fate.name.lower()]


def picture(kind: PhotoKind, size_bytes: int, serial: bytes) -> Photo:
    return Photo((serial, bytes(size_bytes - len(serial))), size_bytes)


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply(200, {"session": f"s-{asked.person}"})


def late_us(rows: NDArray[np.void]) -> NDArray[np.int64]:
    late: NDArray[np.int64] = rows["sent"] - rows["due"]
    return late


def test_300_of_300_people_arrive_when_the_plan_says_and_go_through(tmp_path: Path) -> None:
    with stub_site(fine) as site:
        run = Run(tmp_path, scenario(ACCOUNT, HOME, arrivals_per_second=150.0, for_seconds=2.0, drain_seconds=5.0), site.url).walk()
    assert run.done.fates == {"finished": 300, "gave_up": 0, "rejected": 0, "unreachable": 0, "waiting": 0, "cut": 0, "unsent": 0}
    assert sorted(run.people["person"].tolist()) == list(range(300))
    assert sorted(asked.person for asked in site.asked if asked.path == "/accounts") == list(range(300))
    assert (late_us(run.attempts) >= 0).all()
    assert run.heard.count(("POST", Outcome.OK)) == run.heard.count(("GET", Outcome.OK)) == 300
    assert run.done.lateness_max_us == late_us(run.attempts[run.attempts["step"] == 0]).max()


def test_reset_garbage_refusal_and_failure_are_told_apart_and_tried_again(tmp_path: Path) -> None:
    def by_number(site: StubSite, asked: Asked) -> Reply:
        return {
            1: Reply(reset=True),
            2: Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
            3: Reply(503, {"code": "uploads_busy", "retry_after_seconds": 0.3}, headers=(("Retry-After", "1"),)),
            4: Reply(503, {"code": "upload_failed"}),
        }.get(asked.number, Reply())

    what = scenario(PLAIN_HOME, arrivals_per_second=20.0, for_seconds=0.5, drain_seconds=20.0, retry_seconds={"value": 0.05})
    with stub_site(by_number) as site:
        run = Run(tmp_path, what, site.url).walk()
    assert run.fate_count(Fate.FINISHED) == 10
    assert run.outcomes_of(1) == {Outcome.RESET}
    assert run.outcomes_of(2) == {Outcome.PROTOCOL}
    assert run.outcomes_of(3) == {Outcome.REFUSED}
    assert run.outcomes_of(4) == {Outcome.FAILED}
    assert run.outcomes_of(5) == {Outcome.OK}
    third, fourth = (run.attempts[run.attempts["number"] == n] for n in (3, 4))
    told = np.sort(fourth, order="person")["due"] - np.sort(third, order="person")["done"]
    assert (told == 300_000).all()
    assert set(third["code"]) == {Code.UPLOADS_BUSY}


def test_a_site_that_listens_no_more_refuses_every_try_until_people_give_up(tmp_path: Path) -> None:
    with stub_site(fine) as site:
        pass
    what = scenario(
        PLAIN_HOME, arrivals_per_second=20.0, for_seconds=0.5, drain_seconds=20.0, retry_seconds={"value": 0.01}, attempts_limit=3
    )
    run = Run(tmp_path, what, site.url).walk()
    assert {Outcome(value) for value in run.attempts["outcome"]} == {Outcome.CONNECT_REFUSED}
    assert {Phase(value) for value in run.attempts["phase"]} == {Phase.CONNECT}
    assert run.fate_count(Fate.GAVE_UP) == 10
    assert len(run.attempts) == 30


def test_who_waits_for_an_answer_at_the_end_is_cut_there_and_the_run_does_not_wait(tmp_path: Path) -> None:
    what = scenario(PLAIN_HOME, arrivals_per_second=10.0, for_seconds=1.0, drain_seconds=0.3)
    with stub_site(lambda site, asked: Reply(hang=asked.person % 2 == 0)) as site:
        run = Run(tmp_path, what, site.url).walk()
    assert run.fate_count(Fate.FINISHED) == 5
    assert run.fate_count(Fate.CUT) == 5
    cut = run.attempts[run.attempts["outcome"] == Outcome.CUT]
    assert (cut["phase"] == Phase.WAIT).all()
    assert (cut["done"] >= 1_300_000).all()


def test_patience_ends_a_wait_before_the_end(tmp_path: Path) -> None:
    what = scenario(
        PLAIN_HOME, arrivals_per_second=10.0, for_seconds=0.5, drain_seconds=10.0, page_seconds={"value": 0.4}, attempts_limit=1
    )
    with stub_site(lambda site, asked: Reply(hang=True)) as site:
        run = Run(tmp_path, what, site.url).walk()
    assert {Outcome(value) for value in run.attempts["outcome"]} == {Outcome.TIMED_OUT}
    assert (run.attempts["done"] - run.attempts["sent"] >= 400_000).all()


def test_codes_come_by_the_phone_and_are_used(tmp_path: Path) -> None:
    def site_with_codes(site: StubSite, asked: Asked) -> Reply:
        if asked.method == "POST":
            phone = f"+62000{asked.person * 61_803_399 % 100_000_000:08d}"
            site.send_message(kind="otp", address=phone, code=f"{asked.person:06d}")
        else:
            assert json.loads(asked.body) == {"code": f"{asked.person:06d}"}
        return Reply()

    what = scenario(SEND, SMS, CODE, arrivals_per_second=100.0, for_seconds=0.5, drain_seconds=20.0)
    with stub_site(site_with_codes) as site:
        run = Run(tmp_path, what, site.url, harness=True).walk()
    assert run.fate_count(Fate.FINISHED) == 50


def test_photos_arrive_whole_and_are_acknowledged_with_their_digest(tmp_path: Path) -> None:
    received: dict[int, int] = {}

    def take(site: StubSite, asked: Asked) -> Reply:
        received[asked.person] = len(asked.body)
        return Reply(201, {"photo": "p"})

    with stub_site(take) as site:
        photo = KTP | {"url": f"{site.url}/photos"}
        what = scenario(photo, arrivals_per_second=10.0, for_seconds=0.5, drain_seconds=20.0).model_copy()
        run = Run(tmp_path, what, site.url).walk()
    assert run.fate_count(Fate.FINISHED) == 5
    assert all(3_000_000 < size < 3_001_000 for size in received.values())
    for row in run.acknowledged:
        assert bytes(row["sha256"]) == picture(PhotoKind.KTP, 3_000_000, f"5.{row['person']}.0".encode()).sha256
    assert (run.attempts["bytes_sent"] > 3_000_000).all()


def test_two_processes_walk_disjoint_people_of_the_same_plan(tmp_path: Path) -> None:
    what = scenario(PLAIN_HOME, arrivals_per_second=20.0, for_seconds=0.5, drain_seconds=5.0)
    with stub_site(fine) as site:
        people = []
        for process in range(2):
            folder = tmp_path / str(process)
            folder.mkdir()
            people.append(sorted(Run(folder, what, site.url, process=process, processes=2).walk().people["person"].tolist()))
    assert people == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_a_stop_ends_arrivals_and_closes_the_books(tmp_path: Path) -> None:
    what = scenario(PLAIN_HOME, arrivals_per_second=20.0, for_seconds=60.0, drain_seconds=5.0)

    def stopping(site: StubSite, asked: Asked) -> Reply:
        return Reply()

    with stub_site(stopping) as site:
        run = Run(tmp_path, what, site.url)

        def stop_after_ten() -> None:
            while len(site.asked) < 10:
                gevent.sleep(0.01)
            run.generator.stop()

        gevent.spawn(stop_after_ten)
        run.walk()
    assert run.done.cut
    assert run.done.planned == 1200
    assert run.fate_count(Fate.UNSENT) > 1100
    assert run.fate_count(Fate.FINISHED) >= 10


def test_the_warm_up_is_not_counted(tmp_path: Path) -> None:
    with stub_site(fine) as site:
        run = Run(tmp_path, scenario(PLAIN_HOME, arrivals_per_second=10.0, for_seconds=0.5, drain_seconds=5.0), site.url)
        run.generator.warm_up()
        run.walk()
        assert site.healthz == 1, "somebody's own service is not asked fifty times"
    assert len(run.attempts) == 5


def test_the_metrics_page_and_the_samples_say_what_happened(tmp_path: Path) -> None:
    what = scenario(PLAIN_HOME, arrivals_per_second=20.0, for_seconds=1.5, drain_seconds=5.0)
    with stub_site(fine) as site:
        run = Run(tmp_path, what, site.url)
        page = MetricsPage(run.generator.collector, 0)
        run.walk()
        host, _, port = page.url.removeprefix("http://").removesuffix("/metrics").partition(":")
        client = gevent.socket.create_connection((host, int(port)))
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(65_536), b"")).partition(b"\r\n\r\n")[2].decode()
        client.close()
        page.close()
    samples = {
        (s.name, tuple(sorted(s.labels.values()))): s.value for family in text_string_to_metric_families(text) for s in family.samples
    }
    assert samples["gelombang_generator_arrivals_started_total", ()] == 30
    assert samples["gelombang_generator_people_fates_total", ("finished",)] == 30
    assert samples["gelombang_generator_attempts_total", ("home", "ok", "receive")] == 30
    assert samples["gelombang_generator_response_seconds_count", ("home",)] == 30
    assert samples["gelombang_generator_lateness_seconds_bucket", ("+Inf",)] == 30
    lines = [json.loads(line) for line in (tmp_path / "generator-0.jsonl").read_text().splitlines()]
    assert lines
    assert lines[-1].keys() >= {"t_us", "loop_late_max_us", "cpu_share", "machine_cpu_share", "offered", "started", "in_flight", "waiting"}
    last = [event for event in run.said if isinstance(event, Progress)][-1]
    assert (last.offered, last.started, last.finished, last.passed) == (30, 30, 30, {"home": 30})


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "127.0.0.1:1", "http://"])
def test_a_target_that_is_no_http_url_is_refused(tmp_path: Path, url: str) -> None:
    from gelombang.errors import InputError

    with pytest.raises(InputError, match="want http://HOST:PORT"):
        Run(tmp_path, scenario(PLAIN_HOME), url)
