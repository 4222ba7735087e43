"""`gelombang run --prometheus` and `gelombang dashboards serve`: the installed Prometheus beside a run, and on a past one."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gelombang.openmetrics import JOBS
from gelombang.series_file import read_series
from gelombang_cli.past_run import span_of
from tests.support.asking_prometheus import AskedPrometheus
from tests.support.debian_tools import program
from tests.support.otlp_collector import Collector, collecting

COMMAND = [sys.executable, "-m", "gelombang_cli"]
FINISHED = 'sum(gelombang_generator_people_fates_total{fate="finished"})'

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, str]]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, collector: tuple[Collector, str]) -> Path:
    """A short run with a Prometheus beside it, whose generator's metrics are pushed to a collector too."""
    program("prometheus")
    folder = tmp_path_factory.mktemp("runs")
    words = [
        "run",
        "smoke",
        "--for",
        "240",
        "--sample",
        "1/40",
        "--out",
        "A",
        "--label",
        "team=enrolment",
        "--prometheus",
        "--json",
        "--otlp",
        collector[1],
    ]
    done = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "Prometheus: http://127.0.0.1:" in done.stderr
    return folder / "A"


@contextmanager
def opened(folder: Path) -> Iterator[AskedPrometheus]:
    """What `gelombang dashboards serve` opens; Ctrl-C at the end, and nothing stays."""
    serving = subprocess.Popen([*COMMAND, "dashboards", "serve", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        found = re.search(r"is open: (http://127\.0\.0\.1:\d+)$", line.strip())
        assert found, line + (serving.stderr.read() if serving.stderr else "")
        children = psutil.Process(serving.pid).children()
        assert [child.name() for child in children] == ["prometheus"]
        yield AskedPrometheus(found[1])
    finally:
        serving.send_signal(signal.SIGINT)
        assert serving.communicate(timeout=30) is not None
    assert serving.returncode == 0
    assert not any(child.is_running() for child in children)


def moment_after(folder: Path) -> float:
    return span_of(read_series(folder / "metrics.jsonl")).to_seconds + 1


def test_the_data_stays_with_the_run_and_no_process_does(run_folder: Path) -> None:
    assert (run_folder / "prometheus" / "data").is_dir()
    log = (run_folder / "prometheus" / "prometheus.log").read_text()
    assert "See you next time!" in log, "it was asked to end and did so in order"
    config = (run_folder / "prometheus" / "prometheus.yml").read_text()
    assert 'labels: {"instance": "server-0"}' in config


def test_a_past_run_is_opened_from_its_own_data_with_every_process_in_it(run_folder: Path) -> None:
    at = moment_after(run_folder)
    with opened(run_folder) as api:
        assert api.values("count(last_over_time(up[2m]))", at) == [3]
        assert api.values(f'max(max_over_time(gelombang_server_info{{team="enrolment", job="{JOBS["server"]}"}}[2m]))', at) == [1]
        recorded = api.get("/api/v1/label/__name__/values", **{"match[]": '{__name__=~"job:.+"}'})
        assert recorded, "recording rules were evaluated while it ran"


def test_a_past_run_without_data_is_back_filled_and_its_last_word_is_the_records(run_folder: Path, tmp_path: Path) -> None:
    record = json.loads((run_folder / "record.json").read_text())
    folder = tmp_path / "B"
    folder.mkdir()
    for name in ("metrics.jsonl", "record.json"):
        shutil.copy(run_folder / name, folder)
    at = moment_after(folder)
    with opened(folder) as api:
        assert api.values(FINISHED, at) == [record["fates"]["finished"]]
        acknowledged = 'sum(gelombang_server_upload_attempts_total{stage="acknowledge", outcome="completed"})'
        assert api.values(acknowledged, at) == api.values("sum(gelombang_generator_photos_acknowledged_total)", at)
        assert api.values("sum(gelombang_generator_attempts_total)", at) == [sum(step["attempts"] for step in record["steps"])]
        recorded = set(api.get("/api/v1/label/__name__/values", **{"match[]": '{__name__=~"job:.+"}'}))
        assert "job:gelombang_server_upload_attempts_taken_in:rate5m" in recorded
    with opened(folder) as api:
        assert api.values(FINISHED, at) == [record["fates"]["finished"]], "the second time the data is there already"


def test_what_was_pushed_last_is_the_records_last_word(run_folder: Path, collector: tuple[Collector, str]) -> None:
    record = json.loads((run_folder / "record.json").read_text())
    fates = collector[0].metrics()["gelombang_generator_people_fates_total"].sum.data_points
    assert {point.attributes[0].value.string_value: point.as_double for point in fates} == record["fates"]


def test_the_series_as_text_are_what_promtool_takes(run_folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    with text.open("wb") as file:
        subprocess.run([*COMMAND, "dashboards", "openmetrics", str(run_folder)], stdout=file, timeout=60, check=True)
    arguments = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(tmp_path / "data")]
    assert subprocess.run(arguments, capture_output=True, timeout=60, check=False).returncode == 0
    assert list((tmp_path / "data").glob("*/meta.json"))


def test_without_the_program_a_run_is_refused_in_one_sentence_before_anything_begins(tmp_path: Path) -> None:
    words = ["run", "smoke", "--prometheus", "--out", "A"]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert done.returncode == 2
    assert done.stderr == "gelombang: prometheus is not in PATH; want it installed (Debian: apt-get install prometheus)\n"
    assert not (tmp_path / "A").exists()


def test_a_port_in_use_is_refused_before_anything_begins(tmp_path: Path) -> None:
    program("prometheus")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["run", "smoke", "--prometheus", str(port), "--out", "A"]
        done = subprocess.run([*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert f"port {port} for Prometheus can't be used" in done.stderr


def test_a_run_that_kept_no_series_can_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("{}")
    done = subprocess.run([*COMMAND, "dashboards", "serve", str(tmp_path)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "want the series that a run kept" in done.stderr
