"""Whether this class of machine has shown that a gate can see on it what must not slip through.

Promise: `mode = "enforce"` is refused before anything is built until a comparison that is kept has shown it: base did not differ from
itself, the known delay was caught wherever it was looked for, and on its noisiest route a slowdown of `detect` would have been found beyond
the budget. Idea: the smallest slowdown that can be proved to exceed a budget is always larger than that budget; how much larger is a matter
of the machine and not of the budget, so it is kept as a ratio of its own (`resolution` of a line) and serves every table. Left out: how
long ago it was shown; a class of machine that has become noisy abstains by the comparison itself.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gelombang.errors import InputError
from gelombang_gates.comparing import hypotheses
from gelombang_gates.gate_file import Gate, Mode
from gelombang_gates.health import Line
from gelombang_gates.pairs import KNOWN_DELAY, Cost
from gelombang_gates.sequence import Limits


def has_shown(gate: Gate, lines: Iterable[Line], machine: str) -> bool:
    """Whether some comparison on this class of machine has shown that it sees what this gate looks for."""
    limits = _cpu_limits(gate)
    return any(line.resolution is not None and line.resolution <= _wanted(limits) for line in _clean(lines, machine, limits))


def refuse_unshown(gate: Gate, lines: Sequence[Line], machine: str, file: Path, command: str) -> None:
    """Raises InputError for a gate that would enforce on a class of machine that has not shown it. `command` is what would show it, `file`
    where the lines are kept."""
    if gate.mode is not Mode.ENFORCE or has_shown(gate, lines, machine):
        return
    limits = _cpu_limits(gate)
    raise InputError(
        f"gate.mode is 'enforce', and this class of machine ({machine}) has not shown that it sees a slowdown of {_wanted(limits):.1%} "
        f"beyond the budget: {_found(lines, machine, limits, file)}; want `{command}` (with the other options as they are) to show it "
        f"first, or mode = '{Mode.AS_SHOWN}', which enforces what a comparison can show by itself"
    )


def _cpu_limits(gate: Gate) -> list[Limits]:
    return [own for (_, cost), own in hypotheses(gate, gate.route).items() if cost is Cost.CPU]


def _wanted(limits: Sequence[Limits]) -> float:
    """The largest resolution with which `detect` of every route is found."""
    return min((1 + own.detect) / (1 + own.budget) - 1 for own in limits)


def _clean(lines: Iterable[Line], machine: str, limits: Sequence[Limits]) -> list[Line]:
    """The comparisons on this class in which the gate saw what was put there, and nothing where nothing was. Where every budget allows the
    known delay, nobody looks for it."""
    looks_for_delay = any(own.budget < KNOWN_DELAY for own in limits)
    of_machine = [line for line in lines if line.machine == machine and not line.strays and line.caught == line.delays]
    return [line for line in of_machine if line.delays or not looks_for_delay]


def _found(lines: Sequence[Line], machine: str, limits: Sequence[Limits], file: Path) -> str:
    compared = [line for line in lines if line.machine == machine and line.looks_at_itself]
    if not compared:
        return f"comparisons on it in {file}: none"
    seen = [line.resolution for line in _clean(compared, machine, limits) if line.resolution is not None]
    if not seen:
        return f"comparisons on it in {file}: {len(compared)}, and in none of them was everything seen that is known"
    return f"comparisons on it in {file}: {len(compared)}, of which the best would have seen {min(seen):.1%}"
