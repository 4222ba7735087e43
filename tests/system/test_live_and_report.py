"""A run that is watched while it lasts, and its report in every form, as their users ask for them."""

import csv
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

COMMAND = [sys.executable, "-m", "gelombang_cli"]
EVENT_WITHIN_SECONDS = 50.0


@dataclass(frozen=True)
class Watched:
    folder: Path
    """Where the run's folder A is."""
    events: list[tuple[str, dict[str, object]]]
    port: int


def events_of(answer: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, object]]]:
    name = ""
    while line := answer.readline().decode():
        if line.startswith("event: "):
            name = line.removeprefix("event: ").strip()
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """One short run with somebody who listens from its first line to its end."""
    folder = tmp_path_factory.mktemp("live")
    words = ["run", "smoke", "--for", "240", "--seed", "7", "--out", "A", "--live"]
    process = subprocess.Popen([*COMMAND, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        line = next(text for text in process.stdout if text.startswith("live: "))
        port = int(line.strip().rstrip("/").rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=EVENT_WITHIN_SECONDS)
        connection.request("GET", "/events")
        events = list(events_of(connection.getresponse()))
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode in (0, 1, 3), out
    return Watched(folder, events, port)


def report(watched: Watched, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "report", *words], cwd=watched.folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_live_page_tells_the_run_from_its_first_moment_to_its_report(watched: Watched) -> None:
    names = [name for name, _ in watched.events]
    assert names[0] == "run"
    assert names[-1] == "ended"
    assert names.count("moments") >= 2
    assert watched.events[-1][1]["page"] == "A/report.html"


def test_what_was_told_last_is_what_the_record_counted(watched: Watched) -> None:
    lines: list[tuple[int, str]] = []
    last: list[float | None] = []
    for name, event in watched.events:
        if name == "moments":
            told, moments = event["names"], event["moments"]
            assert isinstance(told, list)
            assert isinstance(moments, list)
            lines += [(number, legend) for number, legend in told]
            last = moments[-1]["v"]
    record = json.loads((watched.folder / "A" / "record.json").read_text())
    passed = {step["step"]: step["people_passed"] for step in record["steps"]}
    shown = {legend: last[place] for place, (_, legend) in enumerate(lines) if legend in ("Account", "Selfie with KTP")}
    assert shown == {"Account": passed["account"], "Selfie with KTP": passed["selfie"]}


def test_the_port_is_closed_when_the_command_has_ended(watched: Watched) -> None:
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", watched.port, timeout=5).request("GET", "/")


@pytest.mark.parametrize("form", ["console", "markdown", "junit", "json", "csv"])
def test_every_form_goes_to_standard_output_alone(watched: Watched, form: str) -> None:
    done = report(watched, "--format", form, "A")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    match form:
        case "json":
            assert json.loads(done.stdout)["runs"][0]["record"]["scenario"] == "smoke"
        case "csv":
            rows = list(csv.DictReader(done.stdout.splitlines()))
            assert {row["table"] for row in rows} >= {"run", "fates", "steps", "uploads", "windows", "machine"}
        case "junit":
            assert done.stdout.startswith("<?xml")
        case _:
            assert "Selfie with KTP" in done.stdout


def test_two_runs_make_one_page_that_begins_with_what_differs(watched: Watched) -> None:
    done = report(watched, "A", "A", "--page", "both.html")
    assert done.returncode == 0, done.stderr
    page = (watched.folder / "both.html").read_text()
    assert "A: hardened" in page
    assert "B: hardened" in page
    assert '<section id="compare">' in page
    assert len(page.encode()) <= 400_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["A", "A", "A", "A", "A"], "given 5 runs; want 1 to 4"),
        (["A", "--format", "csv", "--page", "x.html"], "--page is given with --format csv"),
    ],
)
def test_wrong_words_are_one_sentence_and_exit_code_2(watched: Watched, words: list[str], says: str) -> None:
    done = report(watched, *words)
    assert done.returncode == 2
    assert says in done.stderr
