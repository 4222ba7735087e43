"""The instruction lane: does head need more instructions per request than base, beyond a limit?

Promise: a failure names the route and has the functions in which the instructions are, by callgrind and by the service's own language;
where two runs of the same differ too much to tell, nothing is decided. Idea: instructions do not know how busy the machine is, so one count
of each revision says what hundreds of timings would (`counting` says how). Left out: what instructions do not see: waiting, the kernel,
caches. A route that computes as much and waits longer passes here; the paired gate is for that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import HostError, InputError
from gelombang_gates.comparing import Outcome
from gelombang_gates.counting import Counted, OutOfTimeError, count, has_valgrind, traced
from gelombang_gates.gate_file import Gate, Mode, Waiver, waived
from gelombang_gates.paired import Orders, build_both, command_sides, is_untouched, look_at_both
from gelombang_gates.revision import commit_of

FUNCTIONS_SHOWN = 12
NOISE_SHARE = 0.25
"""Of the limit: with more noise than that nothing is decided."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A function's part in a route, per request."""

    function: str
    base: float
    head: float


@dataclass(frozen=True, slots=True)
class RouteCount:
    """One route of both revisions, instructions per request."""

    route: str
    base: float
    head: float
    noise: float
    """As a ratio: by how much more the second of two runs of the same takes in one revision than in the other."""
    functions: tuple[Changed, ...]
    """Where the largest changes are."""

    @property
    def change(self) -> float:
        """A ratio minus 1."""
        return self.head / self.base - 1


Bytecodes = Mapping[str, tuple[Changed, ...]]
"""By route: what changed by function of the service's own language."""


@dataclass(frozen=True, slots=True)
class Instructed:
    """The verdict of the lane."""

    outcome: Outcome
    why: str
    base: str
    head: str
    """Commits."""
    gate: Gate
    seconds: float
    routes: tuple[RouteCount, ...] = ()
    bytecodes: Bytecodes = field(default_factory=dict)
    """Of the routes that failed."""
    waivers: tuple[Waiver, ...] = ()

    @property
    def is_failure(self) -> bool:
        return self.outcome is Outcome.FAIL and self.gate.mode is not Mode.OBSERVE


def instructed(orders: Orders, must_run: bool, say: Callable[[str], None]) -> Instructed:
    """Build both, count, judge. Without valgrind the lane is skipped, or an error where it `must_run`. Raises InputError, HostError."""
    gate, began_us = orders.gate, monotonic_us()
    counted = gate.instructions
    if counted is None:
        raise InputError("nothing says how instructions are counted; want gate.instructions.command in gelombang.toml")
    waivers = waived(gate, utc_now().date())
    commits = commit_of(orders.repository, orders.base), commit_of(orders.repository, orders.head)

    def verdict(outcome: Outcome, why: str, routes: Sequence[RouteCount] = (), bytecodes: Bytecodes | None = None) -> Instructed:
        seconds = (monotonic_us() - began_us) / MICROSECONDS
        return Instructed(outcome, why, *commits, gate, seconds, tuple(routes), bytecodes or {}, tuple(waivers.values()))

    if is_untouched(orders, *commits):
        return verdict(Outcome.SKIPPED, f"nothing of {', '.join(gate.when_changed)} differs")
    if not has_valgrind():
        missing = "valgrind is not installed; want Debian's package valgrind"
        if must_run:
            raise HostError(missing)
        return verdict(Outcome.SKIPPED, missing)
    base, head = build_both(orders, say)
    look_at_both(gate, *command_sides(gate, base, head), say)
    say("counting instructions of both")
    try:
        old, new = count(gate, counted, base, head)
    except OutOfTimeError:
        return verdict(Outcome.UNFIT, f"counting took longer than {counted.within_seconds:g} s: this machine is too busy now")
    rows = [row_of(name, own, new[name]) for name, own in old.items()]
    outcome, why, failed = judged(rows, counted.limit, waivers)
    if not failed:
        return verdict(outcome, why, rows)
    say(f"asking again where: {', '.join(failed)}")
    try:
        was, now = traced(gate, counted, base, head)
    except OutOfTimeError:
        return verdict(outcome, why, rows)
    return verdict(outcome, why, rows, bytecodes={name: changes(was[name], now[name]) for name in failed})


def judged(rows: Sequence[RouteCount], limit: float, waivers: Mapping[str, Waiver]) -> tuple[Outcome, str, list[str]]:
    """What follows from the counts: outcome, why, and the routes that failed."""
    over = [row for row in rows if row.change - row.noise > limit]
    failed = [row for row in over if row.route not in waivers]
    if failed:
        words = [f"{row.route} needs {row.change:+.2%} instructions" for row in failed]
        return Outcome.FAIL, f"{'; '.join(words)}; the limit is {limit:.2%}", [row.route for row in failed]
    if over:
        return Outcome.INCONCLUSIVE, f"only {', '.join(row.route for row in over)} needs more, which is accepted for now", []
    noisy = [row.route for row in rows if row.noise > NOISE_SHARE * limit]
    if noisy:
        return Outcome.UNFIT, f"two counts of the same differ by more than {NOISE_SHARE * limit:.2%} in {', '.join(noisy)}", []
    near = [row.route for row in rows if row.change > limit]
    if near:
        return Outcome.INCONCLUSIVE, f"{', '.join(near)} is beyond the limit by less than two counts of the same differ", []
    return Outcome.PASS, f"no route needs {limit:.2%} more instructions", []


def row_of(route: str, base: Counted, head: Counted) -> RouteCount:
    """One route of both. Raises InputError for a driver that sent nothing."""
    if base.instructions <= 0 or head.instructions <= 0:
        raise InputError(f"more requests of {route} took no more instructions; want a driver that sends as many as it is told")
    noise = abs(head.drift - base.drift) / base.instructions
    return RouteCount(route, base.instructions, head.instructions, noise, changes(base.by_function, head.by_function))


def changes(base: Mapping[str, float], head: Mapping[str, float]) -> tuple[Changed, ...]:
    """The largest changes first; what did not change is left out."""
    found = [Changed(name, base.get(name, 0.0), head.get(name, 0.0)) for name in {**base, **head}]
    moved = [own for own in found if own.base != own.head]
    return tuple(sorted(moved, key=lambda own: (-abs(own.head - own.base), own.function))[:FUNCTIONS_SHOWN])
