"""What the live page is told: the panels of the run that goes on, and its moments so far; one writer, a few bounded readers.

Everything is kept once, however many people look: a reader that is slow misses nothing and holds nobody up, because it asks for what came
after the last thing it has. The history is thinned to every second moment when it is full, so it spans the whole run and stays bounded.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

MOMENTS_LIMIT = 400
NAMES_LIMIT = 2_000
"""Lines of all panels together."""

Line = tuple[int, str]
"""Panel and legend."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """The run that is looked at, as the page needs it."""

    profile: str
    what: str
    opens_seconds: int
    speed: float
    panels: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader is."""

    run: int = 0
    moment: int = 0
    name: int = 0
    said: int = 0
    ended: bool = False


@dataclass(slots=True)
class _State:
    run: LiveRun | None = None
    names: dict[Line, int] = field(default_factory=dict)
    moments: list[tuple[int, bytes]] = field(default_factory=list)
    """Each with its number, ready to be sent."""
    said: tuple[int, bytes] = (0, b"")
    """What is wrong, as it was said last, with its number."""


class Channel:
    """Thread-safe. `begin` a run, `tell` its moments, `say` what is wrong, `end`; readers call `after` with their cursor."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._state = _State()
        self._runs = 0
        self._told = 0
        self._ended: str | None = None

    def begin(self, run: LiveRun) -> None:
        with self._changed:
            self._state = _State(run)
            self._runs += 1
            self._changed.notify_all()

    def tell(self, at_seconds: float, lines: Mapping[Line, float]) -> None:
        """One moment: the values of all lines that have one."""
        with self._changed:
            state = self._state
            for line in lines:
                if line not in state.names and len(state.names) < NAMES_LIMIT:
                    state.names[line] = len(state.names)
            values = [float(f"{lines[line]:.4g}") if line in lines else None for line in state.names]
            self._told += 1
            state.moments.append((self._told, orjson.dumps({"t": round(at_seconds, 2), "v": values})))
            if len(state.moments) > MOMENTS_LIMIT:
                state.moments = state.moments[::2]
            self._changed.notify_all()

    def say(self, text: str) -> None:
        """What is wrong now, in one sentence; readers hear the newest."""
        with self._changed:
            data = orjson.dumps({"text": text})
            if data != self._state.said[1]:
                self._told += 1
                self._state.said = (self._told, data)
                self._changed.notify_all()

    def end(self, page: str) -> None:
        """Nothing comes any more; readers are told where the report is."""
        with self._changed:
            self._ended = page if self._ended is None else self._ended
            self._changed.notify_all()

    def after(self, cursor: Cursor, within_seconds: float) -> tuple[list[bytes], Cursor]:
        """The events that a reader has not had, ready for the wire, and where it is then; none when nothing came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._news(cursor), within_seconds)
            events: list[bytes] = []
            state = self._state
            if state.run is not None and cursor.run != self._runs:
                events.append(_event("run", orjson.dumps(_facts(state.run) | {"names": [], "moments_limit": MOMENTS_LIMIT})))
                cursor = Cursor(self._runs, ended=cursor.ended)
            fresh = [told for number, told in state.moments if number > cursor.moment]
            if fresh:
                names = orjson.dumps(list(state.names)[cursor.name :])
                data = b'{"from":%d,"names":%b,"moments":[%b]}' % (cursor.name, names, b",".join(fresh))
                events.append(_event("moments", data))
                cursor = replace(cursor, moment=state.moments[-1][0], name=len(state.names))
            if state.said[0] > cursor.said:
                events.append(_event("said", state.said[1]))
                cursor = replace(cursor, said=state.said[0])
            if self._ended is not None and not cursor.ended:
                events.append(_event("ended", orjson.dumps({"page": self._ended})))
                cursor = replace(cursor, ended=True)
            return events, cursor

    def _news(self, cursor: Cursor) -> bool:
        if self._ended is not None and not cursor.ended:
            return True
        newest = self._state.moments[-1][0] if self._state.moments else 0
        return cursor.run != self._runs or newest > cursor.moment or self._state.said[0] > cursor.said


def _facts(run: LiveRun) -> dict[str, object]:
    return {
        "profile": run.profile,
        "what": run.what,
        "opens_seconds": run.opens_seconds,
        "speed": run.speed,
        "panels": list(run.panels),
    }


def _event(name: str, data: bytes) -> bytes:
    """As WHATWG HTML, section 9.2, writes it; orjson leaves no line break in the data."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
