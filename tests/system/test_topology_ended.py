"""A topology whose maker is ended leaves nothing on this machine, at whatever moment: no host, no cable, no bridge, no process."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from tests.support.topology.guard import Made
from tests.support.topology.machines import why_not

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
NUMBER = 201 + os.getpid() % 50
"""Apart from those that runs of a whole topology take."""
TRIED = 255
"""Where it is tried whether hosts can be made here."""
SECONDS_LIMIT = 90.0
MAKER = """
import subprocess, sys
from tests.support.topology.machines import machines
from tests.support.topology.plan import Topology
print("begins", flush=True)
with machines(Topology(), int(sys.argv[1])) as hosts:
    subprocess.Popen([*hosts["edge"].enter, "sleep", "600"], start_new_session=True)
    print("made", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module", autouse=True)
def wants() -> None:
    if reason := why_not():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for what is temporary, into which PostgreSQL's account can look."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def until(holds: Callable[[], bool], process: "subprocess.Popen[bytes] | None" = None) -> None:
    until_us = monotonic_us() + round(SECONDS_LIMIT * 1e6)
    while not holds():
        assert process is None or process.poll() is None, "it ended before that"
        assert monotonic_us() < until_us, "it did not come about"
        sleep_seconds(0.01)


def is_gone(number: int) -> bool:
    made = Made(number)
    return not made.processes() and not made.spaces() and not made.links()


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("hosts", [0, 1, 5, 8], ids=["at its bridge", "after one host", "after five hosts", "when all is there"])
def test_a_maker_that_is_ended_while_it_builds_leaves_nothing(hosts: int, by: signal.Signals) -> None:
    made = Made(NUMBER)
    words = [sys.executable, "-c", MAKER, str(NUMBER)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as maker:
        until(lambda: len(made.spaces()) >= hosts and bool(made.links()), maker)
        if hosts == 8:
            until(lambda: bool(made.processes()), maker)
        maker.send_signal(by)
        maker.wait(SECONDS_LIMIT)
    until(lambda: is_gone(NUMBER))


MOMENTS: dict[str, Callable[[int, Path], bool]] = {
    "tries whether it can": lambda number, out: bool(Made(TRIED).links()),
    "makes hosts": lambda number, out: len(Made(number).spaces()) > 2,
    "makes its database": lambda number, out: len(Made(number).spaces()) == 8 and bool(Made(number).processes()),
    "starts its servers": lambda number, out: (out / "server-1").exists(),
    "sends people": lambda number, out: (out / "master" / "workers.json").exists(),
}


@pytest.mark.parametrize(("moment", "by"), [*((moment, signal.SIGTERM) for moment in MOMENTS), ("sends people", signal.SIGINT)])
def test_the_measurement_that_is_stopped_takes_everything_with_it_also_when_it_is_told_twice(
    tmp_path: Path, temporary: Path, moment: str, by: signal.Signals
) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "benchmarks/topology.py", "--out", str(out), "--seconds", "30"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as measuring:
        number = measuring.pid % 200 + 1
        until(lambda: MOMENTS[moment](number, out), measuring)
        measuring.send_signal(by)
        measuring.send_signal(signal.SIGTERM)
        _, said = measuring.communicate(timeout=SECONDS_LIMIT)
    assert measuring.returncode == 5, said.decode()
    until(lambda: is_gone(number) and is_gone(TRIED))
    assert list(temporary.iterdir()) == []
