"""Single attempts, stage by stage: what the person's end and the server's end measured of the same try, on one time axis.

The two rows are joined by the attempt's id. Both ends speak one clock when they ran on one machine, and only then is there a ledger of
the server's at all. Shown are the slowest uploads that were acknowledged, and of each place where many failed the slowest one; without
uploads the slowest attempts of all steps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS
from gelombang.evidence import Evidence
from gelombang.row_match import NOT_JOINED
from gelombang.runplan import RunPlan
from gelombang.step_totals import decided
from gelombang.steps import is_upload
from gelombang.upload_places import Place
from gelombang.upload_totals import upload_rows, upload_steps

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


class Traces:
    """The attempts worth looking at, from people's rows that come part by part."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._has_uploads = any(is_upload(step) for step in plan.scenario.journey)
        self._slow: list[_Found] = []
        """The slowest so far, the slowest first."""
        self._failed: dict[Place, tuple[int, _Found]] = {}
        """By place: how many failed there, and the slowest of them."""

    def add(self, evidence: Evidence, server_of: NDArray[np.int64]) -> None:
        """All attempts of people who were not there yet."""
        if not self._has_uploads:
            rows, which = evidence.generator, decided(evidence.generator)
            self._add_slow(_slowest(rows, which, SLOWEST_SHOWN + PLACES_SHOWN), rows, evidence, server_of)
            return
        uploads = upload_rows(evidence, server_of, self._plan.scenario.journey)
        rows = uploads.rows
        at = server_of[np.isin(evidence.generator["step"], upload_steps(self._plan.scenario.journey))]
        self._add_slow(_slowest(rows, uploads.told, SLOWEST_SHOWN), rows, evidence, at)
        failed = decided(rows) & ~uploads.told & (rows["outcome"] != Outcome.TOO_LARGE)
        counts = np.bincount(uploads.place[failed], minlength=len(uploads.places)).tolist()
        for number, place in enumerate(uploads.places):
            if not counts[number]:
                continue
            (slowest,) = _slowest(rows, failed & (uploads.place == number), 1)
            found = _found(slowest, rows, evidence, at)
            before, known = self._failed.get(place, (0, found))
            self._failed[place] = (before + counts[number], max(known, found, key=_order))

    def chosen(self) -> tuple[Trace, ...]:
        """The slowest first, then one of each place where most failed."""
        limit = SLOWEST_SHOWN if self._has_uploads else SLOWEST_SHOWN + PLACES_SHOWN
        most = sorted(self._failed.items(), key=lambda item: (-item[1][0], item[0]))[:PLACES_SHOWN]
        found = [(each, "") for each in self._slow[:limit]] + [(slowest, place.meaning) for place, (_, slowest) in most]
        return tuple(_trace(each.row, each.beside, self._plan, meaning) for each, meaning in found)

    def _add_slow(self, places: Sequence[int], rows: NDArray[np.void], evidence: Evidence, server_of: NDArray[np.int64]) -> None:
        self._slow += [_found(place, rows, evidence, server_of) for place in places]
        self._slow.sort(key=_order, reverse=True)
        del self._slow[SLOWEST_SHOWN + PLACES_SHOWN :]


class _Found(NamedTuple):
    """One attempt at both ends, copied out of its part."""

    row: np.void
    beside: np.void | None


def _found(place: int, rows: NDArray[np.void], evidence: Evidence, server_of: NDArray[np.int64]) -> _Found:
    at = int(server_of[place])
    return _Found(rows[place].copy(), None if at == NOT_JOINED else evidence.server[at].copy())


def _order(found: _Found) -> tuple[int, int]:
    """By how long it took; of two that took as long, the one that was begun earlier is the slower one."""
    return int(found.row["done"] - found.row["due"]), -int(found.row["sent"])


def _slowest(rows: NDArray[np.void], which: NDArray[np.bool_], count: int) -> list[int]:
    places = np.flatnonzero(which)
    took = rows["done"][places] - rows["due"][places]
    order = np.lexsort((rows["sent"][places], -took))[:count]
    return [int(place) for place in places[order]]


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
