"""The command as its users run it."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gelombang.clock import monotonic_us, sleep_seconds

COMMAND = [sys.executable, "-m", "gelombang_cli"]
ROOT = Path(__file__).parents[2]
RAN_TO_ITS_END = (0, 1, 3)
"""What a run says of itself is no matter here: on a busy machine it may miss an objective, or call itself INVALID."""


def gelombang(words: Sequence[str], cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One short run that several tests look at."""
    folder = tmp_path_factory.mktemp("runs")
    done = gelombang(["run", "smoke", "--for", "420", "--seed", "7", "--out", "A", "--json"], folder)
    assert done.returncode in RAN_TO_ITS_END, done.stdout + done.stderr
    return folder


def test_a_run_leaves_a_record_that_conserves_people_and_a_page(run_folder: Path) -> None:
    record = json.loads((run_folder / "A" / "record.json").read_text())
    assert sum(record["fates"].values()) == record["people_planned"] > 20
    assert record["coverage"] == "both ends"
    page = (run_folder / "A" / "report.html").read_bytes()
    assert len(page) <= 400_000


def test_verify_holds_on_a_run_and_fails_when_a_photo_is_altered(run_folder: Path) -> None:
    done = gelombang(["verify", "A"], run_folder)
    assert done.returncode == 0, done.stdout + done.stderr
    photo = max((run_folder / "A" / "site" / "photos").rglob("*.jpg"), key=lambda path: path.stat().st_size)
    good = photo.read_bytes()
    photo.write_bytes(good[:-3] + b"\x00" + good[-2:])
    try:
        assert gelombang(["verify", "A"], run_folder).returncode == 1
    finally:
        photo.write_bytes(good)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another(run_folder: Path) -> None:
    digests = {}
    for seed in ("7", "8"):
        out = run_folder / f"seed-{seed}"
        gelombang(["run", "smoke", "--for", "120", "--seed", seed, "--out", str(out)], run_folder)
        digests[seed] = json.loads((out / "record.json").read_text())["plan_digest"]
    again = gelombang(["run", "smoke", "--for", "120", "--seed", "7", "--out", "again", "--json"], run_folder)
    assert json.loads(again.stdout.splitlines()[0])["plan_digest"] == digests["7"] != digests["8"]


def test_a_broken_scenario_names_every_fault_and_exits_with_2() -> None:
    done = gelombang(["scenario", "check", "tests/data/broken.toml"], ROOT)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) >= 10
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "no-such-scenario"], "no-such-scenario"),
        (["run", "smoke", "--profile", "no-such-site"], "no-such-site"),
        (["run", "smoke", "--sample", "5000"], "1/5000"),
        (["run", "smoke", "--target", "http://staging.example"], "--i-own-this-target"),
        (["run", "smoke", "--set", "patience.nothing=1"], "patience"),
        (["verify", "no-such-run"], "no-such-run"),
        (["run", "smoke", "--out", "/dev/null"], "is a file"),
        (["report", "no-such-run"], "no-such-run"),
    ],
)
def test_wrong_input_is_one_clear_sentence_and_exit_code_2(words: list[str], says: str, tmp_path: Path) -> None:
    done = gelombang(words, tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_target_that_refuses_connections_is_exit_code_4(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        done = gelombang(["run", str(ROOT / "benchmarks" / "lateness.toml"), "--target", f"http://127.0.0.1:{port}"], tmp_path)
    assert done.returncode == 4, done.stderr
    assert str(port) in done.stderr


def test_a_journey_that_reads_the_reference_servers_mail_is_refused_at_another_target(tmp_path: Path) -> None:
    done = gelombang(["run", "smoke", "--for", "60", "--target", "http://127.0.0.1:9"], tmp_path)
    assert done.returncode == 2
    assert "inbox" in done.stderr


def test_a_port_in_use_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = gelombang(["serve", "--port", str(port), "--harness-port", "0"], tmp_path)
    assert done.returncode == 2, done.stderr
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_stops_arrivals_and_leaves_a_valid_record_that_says_so(tmp_path: Path) -> None:
    # Arrivals go on for two minutes of wall time: the signal comes long before their end.
    words = [*COMMAND, "run", "smoke", "--sample", "1/50", "--speed", "10", "--out", "cut"]
    # Where the tests run behind a shell's `&`, Ctrl-C is ignored, and a process inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    samples = tmp_path / "cut" / "generator-0.jsonl"
    deadline = monotonic_us() + 60_000_000
    while not (samples.exists() and samples.stat().st_size > 0) and process.poll() is None and monotonic_us() < deadline:
        sleep_seconds(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=90)
    assert process.returncode == 5, out.decode() + error.decode()
    record = json.loads((tmp_path / "cut" / "record.json").read_text())
    assert record["cut_short"]
    assert sum(record["fates"].values()) == record["people_planned"]


def test_the_line_that_serve_prints_sends_people_when_it_is_pasted(tmp_path: Path) -> None:
    words = ["serve", "--port", "0", "--harness-port", "0", "--sample", "1/20", "--out", "site"]
    server = subprocess.Popen([*COMMAND, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = next(text for text in server.stdout if text.strip().startswith("locust -f"))
        pasted = [sys.executable, "-m", *shlex.split(line.replace("-t 20s", "-t 5s"))]
        done = subprocess.run([*pasted, "--out", "people"], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "email-link" in done.stdout + done.stderr
    finally:
        os.kill(server.pid, signal.SIGINT)
        _, error = server.communicate(timeout=30)
    assert server.returncode == 0, error


def test_several_generator_and_server_processes_walk_each_person_once(tmp_path: Path) -> None:
    words = ["run", "smoke", "--for", "300", "--generator-processes", "2", "--server-processes", "2", "--out", "A"]
    done = gelombang(words, tmp_path)
    assert done.returncode in RAN_TO_ITS_END, done.stdout + done.stderr
    people = [len(list((tmp_path / "A").glob(f"people-{k}.bin"))) for k in (0, 1)]
    assert people == [1, 1]
    record = json.loads((tmp_path / "A" / "record.json").read_text())
    assert record["fates"]["unsent"] == 0
    assert record["unexplained"] == 0
    verified = gelombang(["verify", "A"], tmp_path)
    assert verified.returncode == 0, verified.stdout


def test_a_site_with_one_store_owner_refuses_several_processes(tmp_path: Path) -> None:
    done = gelombang(["run", "smoke", "--profile", "april-2020", "--server-processes", "2"], tmp_path)
    assert done.returncode == 2
    assert "one owner" in done.stderr


def test_doctor_answers_in_a_line_for_each_thing(tmp_path: Path) -> None:
    done = gelombang(["doctor"], tmp_path)
    assert len(done.stdout.splitlines()) == 11


def test_help_names_every_command() -> None:
    text = gelombang(["--help"], ROOT).stdout
    for command in ("run", "serve", "report", "verify", "doctor", "scenario", "dashboards"):
        assert command in text
