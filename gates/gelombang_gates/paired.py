"""The paired gate: two revisions of a service, or two images of it, compared in fresh pairs of processes on this machine.

Promise: whatever stands in the way of a comparison is said as an error and never becomes a pass: a revision that does not build, a server
that does not start, a route that only one of them has, a waiver that is over. Idea: everything that needs the machine is here and in what
it calls; what follows from the pairs is in `comparing`.
"""

import fcntl
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import InputError
from gelombang_gates.comparing import Comparison, Outcome, Ran, compare
from gelombang_gates.containers import Images
from gelombang_gates.enforcing import has_shown, refuse_unshown
from gelombang_gates.gate_file import Gate, GateRoute, Mode, Waiver, waived
from gelombang_gates.health import HEALTH_FILE, keep, kept, line_of, machine_class
from gelombang_gates.pairs import Bench, Looked, Pair, first_look, measure_pair
from gelombang_gates.revision import Revision, changed_files, commit_of, make_cache, prepare
from gelombang_gates.service import filled
from gelombang_gates.side import CommandSide, Side

PAIRS_LEAST = 12
PAIRS_LIMIT = 120
_GONE = ("404", "405", "410")


@dataclass(frozen=True, slots=True)
class Orders:
    """What was asked for on the command line; `gate` holds only the routes that are wanted."""

    repository: Path
    base: str
    head: str
    gate: Gate
    pairs: int
    seed: int
    cache: Path
    python: Path | None = None
    """One interpreter for both revisions, with everything they need."""
    images: Images | None = None
    """Two images under compose, in place of two revisions; `base` and `head` are their names then."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A comparison, and what it was of."""

    comparison: Comparison
    gate: Gate
    base: str
    head: str
    """Commits, or identities of images."""
    machine: str
    seconds: float
    waivers: tuple[Waiver, ...]
    shown: bool
    """Whether this class of machine had shown, before this comparison, that it sees what the gate looks for."""

    @property
    def is_failure(self) -> bool:
        return self.comparison.outcome is Outcome.FAIL and self.gate.mode is not Mode.OBSERVE


def paired(orders: Orders, say: Callable[[str], None]) -> Verdict:
    """Build, compare, and keep a line of how the gate fared. Raises InputError for whatever can't be compared."""
    gate, began_us = orders.gate, monotonic_us()
    make_cache(orders.cache)
    if not PAIRS_LEAST <= orders.pairs <= PAIRS_LIMIT:
        raise InputError(f"--pairs is {orders.pairs}; want {PAIRS_LEAST} to {PAIRS_LIMIT}")
    if gate.command is None and orders.images is None:
        raise _no_command()
    waivers = waived(gate, utc_now().date())
    identities = _identities(orders, say)
    machine, history = machine_class(), kept(orders.cache)
    if identities[0] != identities[1]:
        # Equal ones are how it is shown.
        refuse_unshown(gate, history, machine, orders.cache / HEALTH_FILE, _showing(orders))
    shown = has_shown(gate, history, machine)

    def verdict(comparison: Comparison) -> Verdict:
        keep(orders.cache, line_of(comparison, gate, machine, utc_now().isoformat(timespec="seconds"), *identities))
        return Verdict(comparison, gate, *identities, machine, (monotonic_us() - began_us) / MICROSECONDS, tuple(waivers.values()), shown)

    if orders.images is None and is_untouched(orders, *identities):
        return verdict(Comparison(Outcome.SKIPPED, f"nothing of {', '.join(gate.when_changed)} differs", Ran(), None))
    base, head = _sides(orders, say)
    looked = look_at_both(gate, base, head, say)
    bench = Bench(gate, base, head, looked.requests, orders.seed)

    def measure(number: int, routes: Sequence[GateRoute]) -> Pair:
        pair = measure_pair(bench, number, routes)
        say(f"pair {number + 1} of {', '.join(route.name for route in routes)}")
        return pair

    def limit() -> Callable[[], bool]:
        until_us = monotonic_us() + int(gate.time_limit_seconds * MICROSECONDS)
        return lambda: monotonic_us() > until_us

    return verdict(compare(gate, measure, limit, orders.pairs, list(waivers), shown, looked.seen))


def _showing(orders: Orders) -> str:
    """The comparison of head with itself, as it is typed."""
    head = shlex.quote(orders.head)
    if orders.images is not None:
        return f"gelombang gate paired --base-image {head} --head-image {head}"
    return f"gelombang gate paired --base {head} --head {head}"


def _identities(orders: Orders, say: Callable[[str], None]) -> tuple[str, str]:
    """What the two names stand for now."""
    if orders.images is not None:
        return orders.images.identities(say)
    return commit_of(orders.repository, orders.base), commit_of(orders.repository, orders.head)


def _sides(orders: Orders, say: Callable[[str], None]) -> tuple[Side, Side]:
    if orders.images is not None:
        return orders.images.sides()
    return command_sides(orders.gate, *build_both(orders, say))


def is_untouched(orders: Orders, base: str, head: str) -> bool:
    """Whether nothing that the gate watches differs between the two commits."""
    patterns = orders.gate.when_changed
    if not patterns or base == head:
        return False
    return not any(fnmatch(path, pattern) for path in changed_files(orders.repository, base, head) for pattern in patterns)


def build_both(orders: Orders, say: Callable[[str], None]) -> tuple[Revision, Revision]:
    """Base and head as something that can be started."""
    make_cache(orders.cache)
    with (orders.cache / "lock").open("w") as lock:
        # Two gates at once must not build the same folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        found: list[Revision] = []
        for name in (orders.base, orders.head):
            say(f"building {name}")
            found.append(prepare(orders.repository, name, orders.gate, orders.cache, orders.python))
    return found[0], found[1]


def command_of(gate: Gate, head: Revision) -> str:
    """What starts a server of either revision. Raises InputError when nothing says it."""
    if gate.command is None:
        raise _no_command()
    return filled(gate.command, {"head": str(head.tree)})


def command_sides(gate: Gate, base: Revision, head: Revision) -> tuple[Side, Side]:
    """Both, started by the gate's command."""
    command = command_of(gate, head)
    return CommandSide(base, command), CommandSide(head, command)


def _no_command() -> InputError:
    return InputError(
        "nothing says how the server is started; want --command 'python -m theirs {port}', or gate.command in gelombang.toml, or --compose"
    )


def look_at_both(gate: Gate, base: Side, head: Side, say: Callable[[str], None]) -> Looked:
    """Ask both once, before anything is measured; what base showed, and the costs that both show. A route that one of them has not can't
    be compared."""
    say("asking both once")
    old, new = first_look(gate, base), first_look(gate, head)
    for route in gate.route:
        was, now, wanted = old.answers[route.name], new.answers[route.name], str(route.status)
        where = f"{route.name} ({route.method} {route.path})"
        if was != wanted and now == wanted:
            raise InputError(f"{where} is new: base answers {was} and head {now}; want a route that both have, or --route without it")
        if was != wanted:
            raise InputError(f"{where} of base answers {was}; want {wanted}, or another status in the file")
        if now in _GONE:
            raise InputError(
                f"{where} has vanished: base answers {was} and head {now}; want a route that both have, or the file without it"
            )
    return replace(old, seen=old.seen & new.seen)
