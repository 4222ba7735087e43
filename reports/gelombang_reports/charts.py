"""A chart as data: what the script draws on a canvas and what Python draws as SVG are made from the same numbers and the same ticks."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, floor, log10

TICKS_LIMIT = 7
DAY_SECONDS = 86_400

_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, DAY_SECONDS, 2 * DAY_SECONDS)


class Ink(StrEnum):
    """How a line is drawn."""

    LINE = "line"
    AREA = "area"
    """Filled down to the series below it."""
    FAINT = "faint"
    """Too few samples to be read as more than a hint."""
    DOTTED = "dotted"
    """A reference, such as what was offered."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series. `colour` is the name of a CSS colour class; `values` has one entry per x, None for a gap."""

    name: str
    colour: str
    values: tuple[float | None, ...]
    ink: Ink = Ink.LINE


@dataclass(frozen=True, slots=True)
class ChartMark:
    """Something that happened: a line at a moment, or a shaded stretch when `until` is given. Small charts leave out the label."""

    at: float
    until: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart over the people's time. The first of the lines is drawn first; areas are already stacked, the tallest first."""

    title: str
    unit: str
    x: tuple[float, ...]
    x_max: float
    x_ticks: tuple[Tick, ...]
    y_min: float
    y_max: float
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    raw: tuple[tuple[float | None, ...], ...]
    """What is shown as a line's own value under the pointer: for stacked areas not the sum."""
    log: bool = False
    small: bool = False
    marks: tuple[ChartMark, ...] = ()
    shade: tuple[int, int] | None = None
    """Two lines whose gap is shaded."""

    def over(self, x: tuple[float, ...]) -> "Chart":
        """The same chart with its points elsewhere on the axis."""
        return replace(self, x=x)


def time_ticks(opens_at: str, span_seconds: float) -> tuple[Tick, ...]:
    """Ticks on round moments of the people's clock: `19:10`, or `12 April` when the span is days."""
    opens = datetime.fromisoformat(opens_at)
    step = next((s for s in _TIME_STEPS if span_seconds / s <= TICKS_LIMIT), ceil(span_seconds / TICKS_LIMIT / DAY_SECONDS) * DAY_SECONDS)
    since_midnight = (opens - opens.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    at = ceil(since_midnight / step) * step - since_midnight
    ticks: list[Tick] = []
    while at <= span_seconds + 1e-6:
        ticks.append(Tick(at, _moment(opens + timedelta(seconds=at), step)))
        at += step
    return tuple(ticks)


def value_ticks(largest: float) -> tuple[float, tuple[Tick, ...]]:
    """The top of a linear axis from 0, a little over `largest`, and its ticks: three to six round numbers."""
    if largest <= 0:
        return 1.0, (Tick(0.0, "0"), Tick(1.0, "1"))
    top = largest * 1.04
    raw = top / 5
    power = 10.0 ** floor(log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    return top, tuple(Tick(i * step, plain(i * step)) for i in range(floor(top / step) + 1))


def log_ticks(smallest: float, largest: float) -> tuple[float, float, tuple[Tick, ...]]:
    """Bottom, top and ticks of a logarithmic axis: whole powers of ten below, a little over `largest` above."""
    low = floor(log10(max(smallest, 1e-3)))
    top = max(largest * 1.3, 10.0 ** (low + 1))
    return 10.0**low, top, tuple(Tick(10.0**p, plain(10.0**p)) for p in range(low, floor(log10(top) + 1e-9) + 1))


def plain(number: float) -> str:
    """A tick's label, with thin groups and no more digits than it needs."""
    return f"{number:,.10g}".replace(",", "\u202f")


def digits(value: float) -> float:
    """Four digits that matter: more are not drawn, and would make the page larger."""
    return float(f"{value:.4g}")


def stacked(lines: list[Line]) -> tuple[Line, ...]:
    """Areas on top of each other; the first line lies on the axis. Returned tallest first, as they must be painted."""
    if not lines:
        return ()
    sums = [0.0] * len(lines[0].values)
    result: list[Line] = []
    for line in lines:
        sums = [below + (value or 0.0) for below, value in zip(sums, line.values, strict=True)]
        result.append(Line(line.name, line.colour, tuple(digits(value) for value in sums), Ink.AREA))
    return tuple(reversed(result))


def _moment(moment: datetime, step: int) -> str:
    if step >= DAY_SECONDS:
        return f"{moment.day} {moment.strftime('%b')}"
    return moment.strftime("%H:%M:%S" if step < 60 else "%H:%M")
