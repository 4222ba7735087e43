"""Access logs of three kinds, and what their join with a run says."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from gelombang.access_log import LogFormat, read_access_log
from gelombang.attempt import Outcome
from gelombang.attempt_id import AttemptId
from gelombang.errors import InputError
from gelombang.ledger import GENERATOR_ROW
from gelombang.log_join import join_log
from gelombang.steps import RequestStep

RUN = 7
STEPS = [
    RequestStep(step="account", form="request", method="POST", path="/a"),
    RequestStep(step="put", form="request", method="PUT", path="/p"),
]


def traceparent(person: int, number: int = 1, step: int = 0, exchange: int = 1, run: int = RUN) -> str:
    return AttemptId(run, person, 0, step, number).traceparent(exchange)


def ended(person: int, outcome: Outcome, status: int, number: int = 1, step: int = 0) -> np.void:
    row = np.zeros(1, GENERATOR_ROW)[0]
    for name, value in {"person": person, "step": step, "number": number, "outcome": outcome, "status": status}.items():
        row[name] = value
    return row


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (LogFormat.NGINX, '{} 1700000000.250 201 0.500 0.400 312 98 "POST /a HTTP/1.1"'),
        (LogFormat.NGINX, '{} 1700000000.250 201 0.500 0.100, 0.300 312 98 "POST /a HTTP/1.1"'),
        (LogFormat.ENVOY, '{} 1700000000.250 201 500 400 "POST /a"'),
        (LogFormat.JSON, '{{"traceparent": "{}", "time": 1700000000.25, "status": 201, "request_time": 0.5, "upstream_time": "0.4"}}'),
    ],
)
def test_each_format_says_status_time_and_the_time_of_the_service(tmp_path: Path, form: LogFormat, line: str) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress((line.format(traceparent(3)) + "\n").encode()))
    log = read_access_log(path, form, RUN)
    assert log.rows.tolist() == [(3, 0, 1, 0, 201, 1_700_000_000_250_000, 500_000, 400_000)]


def test_other_peoples_requests_and_broken_lines_are_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    lines = [
        f"{traceparent(1)} 1.0 200 0.010 - 1 1",
        "- 1.0 200 0.010 0.010 1 1",
        f"{traceparent(1, run=8)} 1.0 200 0.010 0.010 1 1",
        "a line of another kind",
    ]
    path.write_text("\n".join(lines) + "\n")
    log = read_access_log(path, LogFormat.NGINX, RUN)
    assert (len(log.rows), log.lines, log.other_lines, log.unreadable_lines) == (1, 4, 2, 1)
    assert log.rows["upstream_us"].tolist() == [-1]


def test_a_log_of_another_format_is_refused_with_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text('127.0.0.1 - - [10/Oct/2020:13:55:36] "GET /" 200\n')
    with pytest.raises(InputError, match="no line of the format nginx; its first is '127"):
        read_access_log(path, LogFormat.NGINX, RUN)
    with pytest.raises(InputError, match="can't be read"):
        read_access_log(tmp_path / "nothing.log", LogFormat.NGINX, RUN)


def test_each_attempt_is_beside_its_last_request_and_the_unseen_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    lines = [
        f"{traceparent(0)} 2.0 302 0.100 0.050 1 1",
        f"{traceparent(0, exchange=2)} 3.0 200 0.300 0.150 1 1",
        f"{traceparent(1)} 2.0 499 1.000 - 1 1",
        f"{traceparent(2)} 2.0 200 0.010 0.010 1 1",
    ]
    path.write_text("\n".join(lines) + "\n")
    generator = np.array(
        [
            ended(0, Outcome.OK, 200),
            ended(1, Outcome.TIMED_OUT, 0),
            ended(2, Outcome.FAILED, 502),
            ended(3, Outcome.OK, 200),
            ended(0, Outcome.OK, 200, step=1),
        ],
        dtype=GENERATOR_ROW,
    )
    joined = join_log(generator, STEPS, read_access_log(path, LogFormat.NGINX, RUN), LogFormat.NGINX, speed=10.0)
    assert (joined.seen, joined.unseen) == (3, 1)
    found = {(cell.client_outcome, cell.client_status, cell.log_status): cell.agrees for cell in joined.cells}
    assert found == {("ok", 200, 200): True, ("timed_out", 0, 499): True, ("failed", 502, 200): False, ("ok", 200, None): False}
    account, put = joined.steps
    assert (account.attempts, account.seen, account.requests, account.covered) == (4, 3, 4, True)
    assert account.request.max_seconds == pytest.approx(10.0)
    assert (account.upstream.samples, account.upstream.max_seconds) == (2, pytest.approx(2.0))
    assert (put.attempts, put.covered) == (1, False)
