"""Instructions per request of one revision under callgrind, as a slope between two counts.

Promise: what is started, imported and opened is in none of the figures: of each route `FEW` and `FEW + requests` are sent, and the
difference is divided. The first run is thrown away, and the second one is done twice: what the two differ by should be the same for both
revisions, and how far it is not is said as the noise. Idea: a fixed hash seed, no randomised addresses where the kernel lets one turn that
off, an environment with next to nothing in it, symbols bound at once. How instructions follow from time (a poll more on a slow machine) is
the driver's business; so is that runs differ in nothing else.

The driver (`[gate.instructions] command`) reads the orders, a JSON object: `setup` and `route`, as in the gate's table; `runs`, a list of
objects that say how many requests of each route; `trace`. For each run, in order, it does the setup in a fresh child that it forks, asks,
and prints `{"run": 0, "pid": 1234}` once that child has ended. With `trace` true it forks nothing and prints, for each run, an object with
what each route took for a request, by function of its own language: `{"route": {"function": 12.0}}`. A driver in Python stands in a folder
of its own: that folder comes first in what is imported, before the revision's files.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, TypeAdapter, ValidationError

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import InputError
from gelombang_gates.callgrind import instructions_by_function
from gelombang_gates.gate_file import Gate, Instructions
from gelombang_gates.revision import Revision
from gelombang_gates.service import filled, words_of

FEW = 20
TRACED = 20
_LINES_SHOWN = 12
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHASHSEED")
_FIRST, _ONCE, _AGAIN = range(3)
"""Runs of `FEW` of everything; then there is one for each route."""


class _Done(BaseModel):
    run: int
    pid: int


_TRACED = TypeAdapter(dict[str, dict[str, float]])


@dataclass(frozen=True, slots=True)
class Counted:
    """One route of one revision, per request."""

    instructions: float
    drift: float
    """By how much two runs of the same differ, as instructions per request: what a driver's later children cost more."""
    by_function: Mapping[str, float]


class OutOfTimeError(Exception):
    """The machine is too busy to count within the time that is allowed."""


@dataclass(slots=True)
class _Started:
    revision: Revision
    process: "subprocess.Popen[str]"
    log: Path
    profiles: Path


def has_valgrind() -> bool:
    return shutil.which("valgrind") is not None


def count(gate: Gate, counted: Instructions, base: Revision, head: Revision) -> tuple[dict[str, Counted], dict[str, Counted]]:
    """Every route of both, which run beside each other. Raises InputError when one does not end well, OutOfTimeError when not in time."""
    names = [route.name for route in gate.route]
    few = dict.fromkeys(names, FEW)
    runs = [few, few, few, *({**few, name: FEW + counted.requests} for name in names)]
    until_us = monotonic_us() + int(counted.within_seconds * MICROSECONDS)
    with _orders(gate, counted, runs, trace=False) as orders, TemporaryDirectory(prefix="gate-") as folder:
        # Compiles everything for the first time, where no instruction is counted.
        for place, revision in enumerate((base, head)):
            _traced(names, revision, counted, head, orders.with_name("trace.json"), Path(folder) / f"first-{place}")
        started: list[_Started] = []
        try:
            for place, revision in enumerate((base, head)):
                started.append(_start(revision, counted, head, orders, Path(folder) / str(place)))
            found = [_slopes(names, counted, own, (until_us - monotonic_us()) / MICROSECONDS) for own in started]
        finally:
            for own in started:
                with suppress(ProcessLookupError):
                    os.killpg(own.process.pid, signal.SIGKILL)
                own.process.wait()
    return found[0], found[1]


def traced(gate: Gate, counted: Instructions, base: Revision, head: Revision) -> list[dict[str, dict[str, float]]]:
    """Base and head: what each route takes for a request, by function of the service's own language."""
    names = [route.name for route in gate.route]
    with _orders(gate, counted, [dict.fromkeys(names, TRACED)], trace=True) as orders, TemporaryDirectory(prefix="gate-") as folder:
        return [_traced(names, own, counted, head, orders, Path(folder) / str(place)) for place, own in enumerate((base, head))]


@contextmanager
def _orders(gate: Gate, counted: Instructions, runs: Sequence[Mapping[str, int]], trace: bool) -> Iterator[Path]:
    """A file with the orders, and beside it `trace.json` with those of one small run that counts nothing."""
    shared = {
        "setup": [request.model_dump(mode="json") for request in gate.setup],
        "route": [route.model_dump(mode="json") for route in gate.route],
        "starts_counting": counted.starts_counting,
    }
    with TemporaryDirectory(prefix="gate-") as folder:
        path = Path(folder) / "orders.json"
        path.write_text(json.dumps({**shared, "runs": runs, "trace": trace}))
        path.with_name("trace.json").write_text(json.dumps({**shared, "runs": runs[:1], "trace": True}))
        yield path


def _words(counted: Instructions, head: Revision, orders: Path, folder: Path) -> list[str]:
    values = {"head": str(head.tree), "orders": str(orders), "folder": str(folder)}
    return [filled(word, values) for word in words_of(counted.command)]


def _start(revision: Revision, counted: Instructions, head: Revision, orders: Path, folder: Path) -> _Started:
    folder.mkdir()
    profiles, log = folder / "profiles", folder / "log.txt"
    profiles.mkdir()
    words = [
        *_fixed_addresses(),
        "valgrind",
        "--tool=callgrind",
        f"--instr-atstart={'no' if counted.starts_counting else 'yes'}",
        f"--callgrind-out-file={profiles}/%p",
        *_words(counted, head, orders, folder / "data"),
    ]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            words,
            cwd=revision.tree,
            env=_environment(revision),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    return _Started(revision, process, log, profiles)


def _slopes(names: Sequence[str], counted: Instructions, started: _Started, within_seconds: float) -> dict[str, Counted]:
    try:
        said, _ = started.process.communicate(timeout=max(0.1, within_seconds))
    except subprocess.TimeoutExpired:
        raise OutOfTimeError from None
    if started.process.returncode:
        raise _failed(started.revision, started.process.returncode, started.log.read_text(errors="replace"))
    try:
        done = [_Done.model_validate_json(line) for line in said.splitlines()]
    except ValidationError:
        done = []
    if [own.run for own in done] != list(range(3 + len(names))):
        raise InputError(f"the driver of gate.instructions printed {said[:200]!r}; want a line for each of its {3 + len(names)} runs")
    profiles = [instructions_by_function(started.profiles / str(own.pid)) for own in done]
    once = profiles[_ONCE]
    drift = (profiles[_AGAIN].total() - once.total()) / counted.requests
    found: dict[str, Counted] = {}
    for name, own in zip(names, profiles[_AGAIN + 1 :], strict=True):
        difference = Counter(own)
        difference.subtract(once)
        by_function = {function: many / counted.requests for function, many in difference.items() if many}
        found[name] = Counted(difference.total() / counted.requests, drift, by_function)
    return found


def _traced(
    names: Sequence[str], revision: Revision, counted: Instructions, head: Revision, orders: Path, folder: Path
) -> dict[str, dict[str, float]]:
    try:
        done = subprocess.run(
            _words(counted, head, orders, folder),
            cwd=revision.tree,
            env=_environment(revision),
            capture_output=True,
            text=True,
            timeout=counted.within_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OutOfTimeError from None
    except OSError as error:
        raise InputError(f"gate.instructions.command can't be run ({error.strerror}); want one that starts the driver") from None
    if done.returncode:
        raise _failed(revision, done.returncode, done.stderr)
    try:
        found = _TRACED.validate_json(done.stdout)
    except ValidationError:
        raise InputError(f"the driver of gate.instructions printed {done.stdout[:200]!r}; want an object of routes and functions") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            f"the driver of gate.instructions on {revision.name} said nothing of {' and '.join(missing)}; want every route of its orders"
        )
    return found


def _failed(revision: Revision, code: int, said: str) -> InputError:
    tail = [line for line in said.splitlines() if not line.startswith("==")][-_LINES_SHOWN:]
    lines = [f"the driver of gate.instructions ended with exit code {code} on {revision.name}; what it printed ends:"]
    return InputError("\n".join([*lines, *(f"  {line}" for line in tail)]))


def _environment(revision: Revision) -> dict[str, str]:
    return {**{name: revision.variables[name] for name in _KEPT if name in revision.variables}, "LD_BIND_NOW": "1"}


def _fixed_addresses() -> list[str]:
    """What turns randomised addresses off; nothing where that is forbidden (some containers): the noise then says what it costs."""
    words = ["setarch", platform.machine(), "-R"]
    if shutil.which(words[0]) is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        return []
    return words
