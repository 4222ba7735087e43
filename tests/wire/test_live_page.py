"""The live page on a real socket: who is answered, what a browser is told, and how it ends."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gelombang.diagnosis.words import seconds_from_zero
from gelombang.errors import HostError
from gelombang_cli.live import READERS_LIMIT, LiveBoard
from gelombang_cli.live_channel import LiveRun
from gelombang_cli.live_reader import LiveReader
from gelombang_reports.live_page import EVENTS_PATH

ANSWER_WITHIN_SECONDS = 10.0
RUN = LiveRun("hardened", "a run", 68_400, 60.0, [])
PASSED = 'gelombang_server_people_steps_total{step="account"}'


@pytest.fixture
def board() -> Iterator[LiveBoard]:
    with LiveBoard(0) as board:
        yield board


def ask(board: LiveBoard, path: str, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", int(board.url.rstrip("/").rpartition(":")[2]), timeout=ANSWER_WITHIN_SECONDS)
    connection.request("GET", path, headers={"Host": host} if host else {})
    return connection.getresponse()


def next_event(answer: http.client.HTTPResponse) -> tuple[str, dict[str, object]]:
    """The next event with data; comments are passed over."""
    name = ""
    while True:
        line = answer.readline().decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))
        else:
            assert line == "" or line.startswith(":"), line


def test_the_page_is_served_and_nothing_else_is(board: LiveBoard) -> None:
    assert ask(board, "/").read().startswith(b"<!doctype html>")
    assert ask(board, "/other").status == 404


def test_a_foreign_name_that_points_here_is_refused(board: LiveBoard) -> None:
    assert ask(board, "/", "rebound.example").status == 403
    assert ask(board, EVENTS_PATH, "rebound.example:80").status == 403


def test_a_browser_is_told_of_the_run_its_moments_and_its_end(board: LiveBoard) -> None:
    board.channel.begin(RUN)
    board.channel.tell(2.0, {(1, "failing"): 0.5})
    answer = ask(board, EVENTS_PATH)
    assert answer.getheader("Content-Type") == "text/event-stream"
    assert next_event(answer)[1]["profile"] == "hardened"
    assert next_event(answer)[1]["moments"] == [{"t": 2.0, "v": [0.5]}]
    board.channel.tell(4.0, {(1, "failing"): 0.6})
    assert next_event(answer)[1]["moments"] == [{"t": 4.0, "v": [0.6]}]
    board.ended(Path("runs/x/report.html"))
    assert next_event(answer) == ("ended", {"page": "runs/x/report.html"})
    assert answer.readline() == b"\n"
    assert answer.readline() == b""


def test_one_reader_too_many_is_told_so_and_a_place_that_is_left_is_free_again(board: LiveBoard) -> None:
    board.channel.begin(RUN)
    readers = [ask(board, EVENTS_PATH) for _ in range(READERS_LIMIT)]
    for reader in readers:
        assert next_event(reader)[0] == "run"
    assert ask(board, EVENTS_PATH).status == 503
    board.ended(Path("report.html"))
    for reader in readers:
        reader.read()
    assert board.wait_until_left(ANSWER_WITHIN_SECONDS)
    assert ask(board, EVENTS_PATH).status == 200


def test_a_port_that_is_taken_is_said_in_one_sentence(board: LiveBoard) -> None:
    port = int(board.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(HostError, match=f"port {port} can't be listened on"):
        LiveBoard(port)


def test_what_a_run_keeps_is_told_while_it_is_written(board: LiveBoard, tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    board.channel.begin(RUN)
    with LiveReader(path, board.channel, 60.0, seconds_from_zero):
        answer = ask(board, EVENTS_PATH)
        assert next_event(answer)[0] == "run"
        head = {"schema_version": 1, "zero_at_seconds": 0.0, "sources": [{"side": "server", "instance": "server-0"}]}
        lines = [head, {"source": 0, "t_us": 0, "new": [PASSED], "places": [0], "values": [0.0]}]
        lines.append({"source": 0, "t_us": 1_000_000, "places": [0], "values": [7.0]})
        path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"source": 0, "t_')
        name, told = next_event(answer)
    assert name == "moments"
    names, moments = told["names"], told["moments"]
    assert isinstance(names, list)
    assert isinstance(moments, list)
    assert moments[-1]["v"][[legend for _, legend in names].index("Account")] == 7.0
