"""Single attempts, stage by stage: what the person's end and the server's end measured of the same try, on one time axis.

The two rows are joined by the attempt's id. Both ends speak one clock when they ran on one machine, and only then is there a ledger of
the server's at all. Shown are the slowest uploads that were acknowledged, and of each place where many failed the slowest one; without
uploads the slowest attempts of all steps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import AttemptId, Outcome, ServerOutcome, Stage
from gelombang.clock import MICROSECONDS
from gelombang.evidence import Evidence
from gelombang.join import NOT_JOINED, Joined
from gelombang.runplan import RunPlan
from gelombang.step_totals import decided
from gelombang.steps import is_upload
from gelombang.upload_places import Place
from gelombang.upload_totals import upload_rows

SLOWEST_SHOWN = 3
PLACES_SHOWN = 4

CLIENT_PHASES = ("connect", "send", "wait", "receive")
SERVER_STAGES = ("admission", "body", "store_wait", "store", "commit")
"""In the order in which an upload passes them; digest and inspection happen while the body is received, and are part of it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one attempt, in seconds of the people's time after it was due."""

    name: str
    begins_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Trace:
    """One attempt. `server` is empty when the server never saw it."""

    title: str
    person: int
    number: int
    trace_id: str
    due_seconds: float
    response_seconds: float
    client: tuple[Span, ...]
    server: tuple[Span, ...]
    person_saw: str
    server_saw: str
    meaning: str
    acknowledged: bool

    @property
    def spans_seconds(self) -> float:
        """How much time the drawing must show: the server may have gone on after its person left."""
        ends = [span.begins_seconds + span.seconds for span in (*self.client, *self.server)]
        return max(self.response_seconds, *ends, 1e-9)


def traces(evidence: Evidence, joined: Joined, plan: RunPlan) -> tuple[Trace, ...]:
    """The attempts worth looking at: slowest first, then one of each place where most failed."""
    steps = plan.scenario.journey
    if not any(is_upload(step) for step in steps):
        slow = _slowest(evidence.generator, decided(evidence.generator), SLOWEST_SHOWN + PLACES_SHOWN)
        return tuple(_trace(evidence.generator[i], _beside(evidence, joined, int(i)), plan, "") for i in slow)
    uploads = upload_rows(evidence, joined, steps)
    index = np.flatnonzero(np.isin(evidence.generator["step"], [i for i, step in enumerate(steps) if is_upload(step)]))
    chosen = [(i, "") for i in _slowest(uploads.rows, uploads.told, SLOWEST_SHOWN)]
    failed = decided(uploads.rows) & ~uploads.told & (uploads.rows["outcome"] != Outcome.TOO_LARGE)
    for place in _most(uploads.place[failed], uploads.places):
        chosen += [(i, uploads.places[place].meaning) for i in _slowest(uploads.rows, failed & (uploads.place == place), 1)]
    return tuple(_trace(uploads.rows[i], _beside(evidence, joined, int(index[i])), plan, meaning) for i, meaning in chosen)


def _slowest(rows: NDArray[np.void], which: NDArray[np.bool_], count: int) -> list[int]:
    places = np.flatnonzero(which)
    took = rows["done"][places] - rows["due"][places]
    return [int(place) for place in places[np.argsort(-took, kind="stable")[:count]]]


def _most(place: NDArray[np.int64], places: Sequence[Place]) -> list[int]:
    counts = np.bincount(place, minlength=len(places))
    return [int(i) for i in np.argsort(-counts, kind="stable")[:PLACES_SHOWN] if counts[i]]


def _beside(evidence: Evidence, joined: Joined, row: int) -> np.void | None:
    server = int(joined.server_of[row])
    return None if server == NOT_JOINED else evidence.server[server]


def _trace(row: np.void, beside: np.void | None, plan: RunPlan, meaning: str) -> Trace:
    step, number = int(row["step"]), int(row["number"])
    scale = plan.scale.scale()

    def seconds(wall_us: int) -> float:
        return scale.people_seconds(int(wall_us) / MICROSECONDS)

    due = int(row["due"])
    client = _laid([("late", int(row["sent"]) - due), *_parts(row, CLIENT_PHASES)], 0)
    server: tuple[tuple[str, int, int], ...] = ()
    server_saw = ""
    if beside is not None:
        began, ended = int(beside["began"]) - due, int(beside["ended"]) - due
        named = list(_parts(beside, SERVER_STAGES))
        rest = ended - began - sum(us for _, us in named)
        server = _laid([*named, ("other", max(rest, 0))], began)
        server_saw = f"{Stage(int(beside['stage'])).name.lower()} · {ServerOutcome(int(beside['outcome'])).name.lower()}"
    own = plan.scenario.journey[step]
    return Trace(
        title=own.title or own.step,
        person=int(row["person"]),
        number=number,
        trace_id=AttemptId(plan.run, int(row["person"]), int(row["tab"]), step, number).trace_id(),
        due_seconds=seconds(due),
        response_seconds=seconds(int(row["done"]) - due),
        client=tuple(Span(name, seconds(at), seconds(us)) for name, at, us in client),
        server=tuple(Span(name, seconds(at), seconds(us)) for name, at, us in server),
        person_saw=Outcome(int(row["outcome"])).name.lower(),
        server_saw=server_saw,
        meaning=meaning,
        acknowledged=int(row["outcome"]) == Outcome.OK,
    )


def _parts(row: np.void, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        yield name, int(row[f"{name}_us"])


def _laid(parts: Sequence[tuple[str, int]], begins: int) -> tuple[tuple[str, int, int], ...]:
    """One after the other; what took no time is left out."""
    laid: list[tuple[str, int, int]] = []
    at = begins
    for name, us in parts:
        if us > 0:
            laid.append((name, at, us))
            at += us
    return tuple(laid)
