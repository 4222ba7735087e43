"""Our own generator's tus against our own server's, over a line that breaks; and the record of it, which both ends must agree on."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

from foreign.bed_processes import BED, end
from gelombang.attempt import Code, Outcome, ServerOutcome, Stage
from gelombang.evidence import Evidence
from gelombang.join import join
from gelombang.ledger import SERVER_ROW, read_all
from gelombang.resumed import fold
from gelombang.runplan import ScaleNumbers, ServerPlan, read_model, write_model
from gelombang.scenario import Scenario
from tests.support.small_scenario import scenario
from tests.support.upload_site import FAST_STORE, jpeg, sha256
from tests.system.test_server_command import orders, running
from tests.wire.serversite import profile
from tests.wire.test_engine_on_sockets import Run

PHOTO = jpeg(900_000)
ACCOUNT = {
    "step": "account",
    "form": "request",
    "method": "POST",
    "path": "/api/v1/accounts",
    "body": {"json": {"name": "{name}", "email": "{email}", "password": "rahasia"}},
    "capture": {"session": {"json_pointer": "/session"}},
}


def journey(photo: Path, **tus: Any) -> Scenario:
    body = {"tus": {"file": str(photo), "resume_seconds": 0.01, "metadata": {"kind": "ktp"}, **tus}}
    scan = {"step": "scan", "form": "request", "method": "POST", "path": "/api/v1/me/tus", "body": body}
    scan["headers"] = {"authorization": "Bearer {session}"}
    return scenario(ACCOUNT, scan, arrivals_per_second=10.0, for_seconds=0.1, drain_seconds=20.0, attempts_limit=3)


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """The reference server in one process, for the run of the tests."""
    what = profile("hardened", store=FAST_STORE, uploads={"own_process": False, "checks": None})
    config = orders(folder, "hardened", scale=ScaleNumbers(), run=5)
    write_model(config, read_model(config, ServerPlan).model_copy(update={"profile": what}))
    with running(config) as (_, ready):
        yield ready["public_url"]


@contextmanager
def line(url: str, cut_bytes: int) -> Iterator[str]:
    """The same site over a line that breaks once."""
    command = [sys.executable, str(BED / "cutting.py"), str(urlsplit(url).port), str(cut_bytes)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        end(process)


def server_rows(folder: Path) -> NDArray[np.void]:
    return read_all(folder, "ledger-server-*.bin", SERVER_ROW)


def unexplained(run: Run, rows: NDArray[np.void], what: Scenario) -> int:
    nobody, nothing, no_process = run.people[:0], run.acknowledged[:0], np.zeros(0, np.int64)
    return join(Evidence(run.attempts, rows, nobody, no_process, nothing, True, 0, 0), what.journey, 0).unexplained


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "ktp.jpg"
    path.write_bytes(PHOTO)
    return path


@pytest.mark.parametrize("tus", [{}, {"chunk_bytes": 300_000, "checksum": "sha1"}], ids=["one piece", "pieces with a checksum"])
def test_an_upload_that_was_broken_off_arrives_whole_as_one_attempt_of_both_ends(tmp_path: Path, photo: Path, tus: dict[str, Any]) -> None:
    what = journey(photo, **tus)
    (tmp_path / "run").mkdir()
    with site(tmp_path) as url, line(url, 500_000) as broken_line:
        run = Run(tmp_path / "run", what, broken_line).walk()
    _, scan = run.attempts
    assert (Outcome(scan["outcome"]), scan["status"]) == (Outcome.OK, 204)
    connection = sqlite3.connect(tmp_path / "site" / "gelombang.sqlite3")
    ((person, step, number, digest),) = connection.execute("SELECT person, step, number, sha256 FROM photos").fetchall()
    connection.close()
    assert (person, step, number, digest) == (scan["person"], scan["step"], scan["number"], sha256(PHOTO))
    rows = server_rows(tmp_path)
    assert len(rows) > 3
    whole = fold(rows)
    assert len(whole) == 2
    (seen,) = whole[whole["step"] == scan["step"]]
    assert (Stage(seen["stage"]), ServerOutcome(seen["outcome"]), Code(seen["code"])) == (
        Stage.ACKNOWLEDGE,
        ServerOutcome.COMPLETED,
        Code.NONE,
    )
    assert (seen["exchanges"], seen["bytes_kept"]) == (scan["exchanges"], 900_000)
    assert 900_000 <= seen["bytes_received"] < 1_300_000
    assert unexplained(run, whole, what) == 0
    # A book that could not put them together again would be told so.
    assert unexplained(run, rows, what) > 0
