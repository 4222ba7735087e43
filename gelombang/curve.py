"""A rate of arrivals over time: linear between points, with jumps where two points share a time.

Curves come as CSV (`seconds_since_opening,registrations_per_second`; lines that begin with # are comments) or as phases written in a
scenario. Both become the same `Rate`, whose cumulative is exact (trapezoids) and whose inverse is a quadratic per piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from gelombang.errors import Fault, FileError, InputError
from gelombang.scenario import Arrivals, CurveRows, Phase

CURVE_HEADER = "seconds_since_opening,registrations_per_second"
CURVE_ROWS_LIMIT = 1_000_000
CURVE_FAULTS_LIMIT = 20
"""A file of another kind has a fault in each line: after so many the rest is only counted."""
GAP_TIMES = 10
"""A step between two rows longer than this many times the median step is a gap, not a curve."""

_SLACK_SECONDS = 1e-6
"""Lengths of phases added up in another order may differ in their last bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """Arrivals per second at the points `seconds` (ascending, from 0), linear between them."""

    seconds: NDArray[np.float64]
    per_second: NDArray[np.float64]

    def cumulative(self) -> NDArray[np.float64]:
        """Arrivals up to each point."""
        pieces = np.diff(self.seconds) * (self.per_second[1:] + self.per_second[:-1]) / 2
        return np.concatenate(([0.0], np.cumsum(pieces)))

    @property
    def total(self) -> float:
        """Arrivals in all."""
        return float(self.cumulative()[-1])

    @property
    def duration_seconds(self) -> float:
        return float(self.seconds[-1])

    def window(self, from_seconds: float, for_seconds: float) -> "Rate":
        """The part of the rate in [from, from + for], with its beginning at 0. Both ends must lie inside."""
        end = from_seconds + for_seconds
        assert 0 <= from_seconds < end
        assert end <= self.duration_seconds + _SLACK_SECONDS
        inside = (self.seconds > from_seconds) & (self.seconds < end)
        # At a jump the window begins after it and ends before it: searchsorted's sides choose the point on the right side of each.
        seconds = np.concatenate(([from_seconds], self.seconds[inside], [end]))
        rates = np.concatenate(([self._at(from_seconds, "right")], self.per_second[inside], [self._at(end, "left")]))
        return Rate(seconds - from_seconds, rates)

    def expected_until(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Arrivals up to each of the given times inside the rate."""
        cumulative = self.cumulative()
        piece = np.clip(np.searchsorted(self.seconds, seconds, side="right") - 1, 0, len(self.seconds) - 2)
        into = seconds - self.seconds[piece]
        rising = self._slopes()[piece] * into * into / 2
        result: NDArray[np.float64] = cumulative[piece] + self.per_second[piece] * into + rising
        return result

    def inverse(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """When the cumulative reaches each level; levels ascending, in (0, total)."""
        cumulative = self.cumulative()
        # Both are ascending, so it is the few points that are looked up among the many levels, not the other way round.
        ends = np.searchsorted(levels, cumulative[1:-1], side="right")
        piece = np.repeat(np.arange(len(self.seconds) - 1), np.diff(np.concatenate(([0], ends, [len(levels)]))))
        wanted = levels - cumulative[piece]
        low, slope = self.per_second[piece], self._slopes()[piece]
        # The stable root of slope·t²/2 + low·t = wanted: no difference of near-equal numbers, and no special case for slope 0.
        denominator = low + np.sqrt(np.maximum(low * low + 2 * slope * wanted, 0.0))
        into = np.divide(2 * wanted, denominator, out=np.zeros_like(wanted), where=denominator > 0)
        # Rounding may carry the root past its piece by a few ulps.
        result: NDArray[np.float64] = np.minimum(self.seconds[piece] + into, self.seconds[piece + 1])
        return result

    def _slopes(self) -> NDArray[np.float64]:
        steps = np.diff(self.seconds)
        return np.divide(np.diff(self.per_second), steps, out=np.zeros_like(steps), where=steps > 0)

    def _at(self, second: float, side: str) -> float:
        if side == "right":
            piece = int(np.searchsorted(self.seconds, second, side="right")) - 1
        else:
            piece = int(np.searchsorted(self.seconds, second, side="left")) - 1
        piece = min(max(piece, 0), len(self.seconds) - 2)
        return float(self.per_second[piece] + self._slopes()[piece] * (second - self.seconds[piece]))


def rate_of(arrivals: Arrivals, for_seconds: float | None = None) -> Rate:
    """The rate that a loaded scenario's arrivals mean, from second 0, at full size and in people's time.

    `for_seconds` takes the place of the scenario's own. Raises InputError when the curve or the phases end earlier.
    """
    if arrivals.rows is not None:
        whole = Rate(np.array(arrivals.rows.seconds, dtype=np.float64), np.array(arrivals.rows.per_second, dtype=np.float64))
    else:
        assert arrivals.phases, "a scenario with a curve is loaded by gelombang.loading, which takes its rows in"
        whole = rate_of_phases(arrivals.phases)
    left = whole.duration_seconds - arrivals.from_seconds
    length = for_seconds or arrivals.for_seconds or left
    if left <= 0 or length > left + _SLACK_SECONDS:
        raise InputError(
            f"arrivals of {length:g} s from second {arrivals.from_seconds:g} on reach past the end of the rate;"
            f" want at most {whole.duration_seconds:g} s in all"
        )
    rate = whole.window(arrivals.from_seconds, min(length, left))
    if rate.total <= 0:
        raise InputError(f"arrivals are 0 in the {length:g} s from second {arrivals.from_seconds:g} on; want somebody to come")
    return rate


def rate_of_phases(phases: Sequence[Phase]) -> Rate:
    """The phases one after the other."""
    seconds: list[float] = []
    rates: list[float] = []
    now = 0.0
    for phase in phases:
        for share, per_second in _points(phase):
            seconds.append(now + share * phase.for_seconds)
            rates.append(per_second)
        now = seconds[-1]
    return Rate(np.array(seconds), np.array(rates))


def _points(phase: Phase) -> list[tuple[float, float]]:
    start = phase.start_per_second
    end = start if phase.end_per_second is None else phase.end_per_second
    match phase.form:
        case "hold" | "ramp":
            return [(0.0, start), (1.0, end)]
        case "spike":
            return [(0.0, start), (0.5, end), (1.0, start)]
    stairs = phase.stairs or 2
    levels = [start + (end - start) * i / (stairs - 1) for i in range(stairs)]
    return [(share, level) for i, level in enumerate(levels) for share in (i / stairs, (i + 1) / stairs)]


def read_curve(path: Path, shown: str | None = None) -> CurveRows:
    """Read a curve file. Raises InputError when it can't be opened, FileError with every fault and its line otherwise."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"curve {shown or path} is missing; want a CSV file with the header {CURVE_HEADER}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"curve {shown or path} can't be read ({error}); want a CSV file in UTF-8") from None
    faults: list[Fault] = []
    rows = _rows(text, faults)
    faults.sort(key=lambda fault: int(fault.where.removeprefix("line ")))
    if faults:
        left_off = len(faults) - CURVE_FAULTS_LIMIT
        more = [Fault("the rest", f"{left_off} more faults", "none")] if left_off > 0 else []
        raise FileError(shown or str(path), faults[:CURVE_FAULTS_LIMIT] + more)
    return CurveRows(seconds=tuple(r[1] for r in rows), per_second=tuple(r[2] for r in rows))


def _rows(text: str, faults: list[Fault]) -> list[tuple[int, float, float]]:
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1)]
    lines = [(i, line) for i, line in lines if line and not line.startswith("#")]
    if not lines:
        faults.append(Fault("line 1", "empty", f"the header {CURVE_HEADER}"))
        return []
    if lines[0][1] != CURVE_HEADER:
        faults.append(Fault(f"line {lines[0][0]}", repr(lines[0][1][:80]), f"the header {CURVE_HEADER}"))
    if len(lines) - 1 > CURVE_ROWS_LIMIT:
        faults.append(Fault(f"line {lines[CURVE_ROWS_LIMIT + 1][0]}", "a row too many", f"at most {CURVE_ROWS_LIMIT} rows"))
        return []
    rows = [row for number, line in lines[1:] if (row := _row(number, line, faults)) is not None]
    if len(rows) < 2 and not faults:
        faults.append(Fault(f"line {lines[-1][0]}", f"the end after {len(rows)} rows", "two rows or more"))
    _check_times(rows, faults)
    return rows


def _row(number: int, line: str, faults: list[Fault]) -> tuple[int, float, float] | None:
    where = f"line {number}"
    parts = line.split(",")
    if len(parts) != 2:
        faults.append(Fault(where, f"{len(parts)} values ({line[:40]!r})", "two, a time and a rate"))
        return None
    values: list[float] = []
    for part, meaning in zip(parts, ("time", "rate"), strict=True):
        try:
            value = float(part)
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            faults.append(Fault(where, f"{meaning} {part.strip()[:40]!r}", "a number"))
        elif value < 0:
            faults.append(Fault(where, f"{meaning} {part.strip()}", "0 or more"))
        else:
            values.append(value)
    return (number, values[0], values[1]) if len(values) == 2 else None


def _check_times(rows: Sequence[tuple[int, float, float]], faults: list[Fault]) -> None:
    if rows and rows[0][1] != 0:
        faults.append(Fault(f"line {rows[0][0]}", f"first time {rows[0][1]:g}", "0, the opening"))
    steps = [after[1] - before[1] for before, after in pairwise(rows)]
    usual = median([step for step in steps if step > 0] or [0.0])
    for (number, second, _), step in zip(rows[1:], steps, strict=True):
        if step <= 0:
            relation = "repeated" if step == 0 else "before the one above it"
            faults.append(Fault(f"line {number}", f"time {second:g}, {relation}", "times that rise"))
        elif step > GAP_TIMES * usual:
            faults.append(Fault(f"line {number}", f"time {second:g}, after a gap of {step:g} s", f"at most {GAP_TIMES * usual:g} s"))
