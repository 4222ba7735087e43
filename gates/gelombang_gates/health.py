"""How the gate itself has fared on each class of machine: what it found where nothing was, and whether it saw what was put there.

Promise: every comparison leaves one line, whatever it said; the rates are published with the bound that so many comparisons allow, so that
"no false alarm so far" is not read as "never". A comparison counts once, however many routes it has: they share its minutes. Left out:
which machine; two of one class count together.
"""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.errors import InputError
from gelombang_gates.comparing import Comparison, Outcome, hypotheses
from gelombang_gates.gate_file import Gate
from gelombang_gates.pairs import Cost
from gelombang_gates.sequence import Judged

HEALTH_FILE = "health.jsonl"
LINES_LIMIT = 100_000
CONFIDENCE = 0.95


class Line(BaseModel):
    """One comparison."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str
    """UTC, ISO 8601."""
    machine: str
    """Its class."""
    base: str
    head: str
    """Commits; the same two make an A/A comparison of its own."""
    outcome: Outcome
    pairs: int
    looks_at_itself: int
    """A/A comparisons of a cost of a route."""
    strays: int
    """Of those: a difference was found."""
    delays: int
    """Routes with a known delay."""
    caught: int
    suspects: int
    """What the first sequence found."""
    detectable: float | None
    """The largest of the smallest slowdowns of CPU time that could have been seen; None: of some route none."""
    resolution: float | None = None
    """The same without the budget: by how much beyond its budget a route must at least be slower to be seen, on the noisiest one. None: of
    some route that is not known, or in a line of an earlier gate."""


@dataclass(frozen=True, slots=True)
class Health:
    """One class of machine."""

    machine: str
    first_at: str
    last_at: str
    comparisons: int
    abstained: int
    strays: int
    strays_bound: float
    """The share of comparisons in which base differs from itself is at most this, with 95 % confidence."""
    with_delay: int
    """Comparisons in which a known delay was looked for."""
    caught: int
    """Of those: it was caught on every route."""
    caught_bound: float
    """The share in which it is, is at least this, with 95 % confidence."""
    same_commits: int
    false_alarms: int
    """Failures of a commit against itself."""
    false_alarms_bound: float
    detectable: float | None
    """Of the last comparison that knows it."""
    resolution: float | None
    """The best of all comparisons."""


def machine_class() -> str:
    """What machines must have in common to be one class: processor, cores, and the version of the kernel to its minor number."""
    model = next(
        (line.partition(":")[2].strip() for line in _processor_lines() if line.startswith("model name")),
        platform.machine(),
    )
    release = ".".join(platform.release().split(".")[:2])
    return f"{len(os.sched_getaffinity(0))} x {model}, Linux {release}"


def line_of(comparison: Comparison, gate: Gate, machine: str, at: str, base: str, head: str) -> Line:
    """What is kept of a comparison."""
    first, limits = comparison.first, hypotheses(gate, gate.route)
    smallest = {key: finding.detectable for key, finding in first.findings.items() if key[1] is Cost.CPU}
    largest = max(smallest.values(), default=float("inf"))
    noisiest = max(((1 + own) / (1 + limits[key].budget) - 1 for key, own in smallest.items()), default=float("inf"))
    return Line(
        at=at,
        machine=machine,
        base=base,
        head=head,
        outcome=comparison.outcome,
        pairs=first.pairs + (comparison.second.pairs if comparison.second else 0),
        looks_at_itself=len(first.findings),
        strays=len(first.strays),
        delays=len(first.caught),
        caught=sum(first.caught.values()),
        suspects=sum(finding.judged is Judged.FAIL for finding in first.findings.values()),
        detectable=None if largest == float("inf") else largest,
        resolution=None if noisiest == float("inf") else noisiest,
    )


def keep(folder: Path, line: Line) -> None:
    """Add a line to the file in this folder. Raises InputError where that can't be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / HEALTH_FILE).open("a") as file:
            file.write(line.model_dump_json() + "\n")
    except OSError as error:
        raise InputError(f"{folder / HEALTH_FILE} can't be written ({error.strerror}); want --cache with a folder that can") from None


def kept(folder: Path) -> list[Line]:
    """All lines of the file in this folder; none without one. Raises InputError with the line that can't be read."""
    path = folder / HEALTH_FILE
    return lines_of(path) if path.exists() else []


def lines_of(path: Path) -> list[Line]:
    """All lines of a file, such as one that another machine kept. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path} is no file; want a {HEALTH_FILE} as a gate keeps it")
    try:
        texts = path.read_text().splitlines()[-LINES_LIMIT:]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read ({error}); want a {HEALTH_FILE} as a gate keeps it") from None
    lines: list[Line] = []
    for number, text in enumerate(texts, 1):
        try:
            lines.append(Line.model_validate_json(text))
        except ValidationError:
            raise InputError(f"{path}:{number} is no line of this gate's health; want the file as the gate wrote it, or none") from None
    return lines


def healths(lines: Sequence[Line]) -> list[Health]:
    """By class of machine, in the order of their first lines."""
    return [
        _health(machine, [line for line in lines if line.machine == machine]) for machine in dict.fromkeys(line.machine for line in lines)
    ]


def upper_bound(found: int, of: int) -> float:
    """The largest share that would show no more than `found` of `of` one time in twenty (Clopper and Pearson, Biometrika 26, 1934)."""
    if found >= of:
        return 1.0
    low, high = found / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _binomial_below(found, of, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def _binomial_below(found: int, of: int, share: float) -> float:
    """By logarithms: the first term of some thousand trials is smaller than any float."""
    ways = (lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) for k in range(found + 1))
    return sum(exp(own + k * log(share) + (of - k) * log1p(-share)) for k, own in enumerate(ways))


def _health(machine: str, lines: Sequence[Line]) -> Health:
    compared = [line for line in lines if line.outcome is not Outcome.SKIPPED]
    same = [line for line in compared if line.base == line.head]
    strays = sum(line.strays > 0 for line in compared)
    delayed = [line for line in compared if line.delays]
    caught = sum(line.caught == line.delays for line in delayed)
    alarms = sum(line.outcome is Outcome.FAIL for line in same)
    return Health(
        machine,
        lines[0].at,
        lines[-1].at,
        len(compared),
        sum(line.outcome in (Outcome.UNFIT, Outcome.INCONCLUSIVE) for line in compared),
        strays,
        upper_bound(strays, len(compared)),
        len(delayed),
        caught,
        1 - upper_bound(len(delayed) - caught, len(delayed)),
        len(same),
        alarms,
        upper_bound(alarms, len(same)),
        next((line.detectable for line in reversed(compared) if line.detectable is not None), None),
        min((line.resolution for line in compared if line.resolution is not None and not line.strays), default=None),
    )


def _processor_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
