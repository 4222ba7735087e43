"""Small drawings that stand in a table's cells: when a place was hit (a heat strip), and how sure a quantile is (a range on one axis).

A heat strip has one rectangle per column of the page's time axis; its darkness is the square root of the attempts there over the largest
count anywhere on the page, in `LEVELS` steps, so that a place with few attempts can still be seen beside one with many.
"""

from collections.abc import Callable, Sequence
from math import ceil, log10, sqrt
from xml.etree import ElementTree as ET

from markupsafe import Markup

from gelombang.intervals import Interval
from gelombang.record import RunRecord
from gelombang_reports.axis import Axis
from gelombang_reports.charts import log_ticks
from gelombang_reports.figures import Figures, clock_text
from gelombang_reports.places import Place, window_key
from gelombang_reports.response import ResponseRow, ResponseStep
from gelombang_reports.texts import Texts

LEVELS = 5
RANGE_WIDTH = 200
RANGE_HEIGHT = 22
LABELS_LIMIT = 5
"""That stand beside each other above a range without touching."""


def heat_strips(axis: Axis, records: Sequence[RunRecord], places: Sequence[Place], texts: Texts, figures: Figures) -> list[list[Markup]]:
    """One strip per place and record; an empty one where nothing ended there."""
    counts = [[axis.merge(r, r.windows.upload_where.get(window_key(place), []), sum) for r in records] for place in places]
    failed = [own for place, row in zip(places, counts, strict=True) if not place.acknowledged for own in row]
    darkest = max((n for own in failed for n in own if n), default=0.0)
    most = max((n for row in counts for own in row for n in own if n), default=0.0)
    strips: list[list[Markup]] = []
    for place, row in zip(places, counts, strict=True):
        top = most if place.acknowledged else darkest
        strips.append([_strip(axis, record, own, top, place.colour, texts, figures) for record, own in zip(records, row, strict=True)])
    return strips


def _strip(
    axis: Axis, record: RunRecord, counts: Sequence[float | None], top: float, colour: str, texts: Texts, figures: Figures
) -> Markup:
    filled = [(i, n) for i, n in enumerate(counts) if n]
    if not filled or top <= 0:
        return Markup("")
    root = ET.Element("svg", {"class": f"strip {colour}", "viewBox": f"0 0 {axis.columns} 1", "preserveAspectRatio": "none", "role": "img"})
    most, number = max((n, -i) for i, n in filled)
    at = clock_text(record.opens_at, -number * axis.column_seconds)
    ET.SubElement(root, "title").text = texts.strip.format(attempts=figures.count(most), clock=at)
    paths: dict[int, list[str]] = {}
    for i, n in filled:
        level = max(ceil(sqrt(n / top) * LEVELS), 1)
        paths.setdefault(level, []).append(f"M{i} 0h1v1h-1z")
    for level, pieces in sorted(paths.items()):
        ET.SubElement(root, "path", {"class": f"heat{level}", "d": "".join(pieces)})
    return Markup(ET.tostring(root, encoding="unicode"))


def quantile_ranges(steps: Sequence[ResponseStep]) -> tuple[list[list[Markup]], list[tuple[str, float]]]:
    """Each row's p50, p90 and p99 with their intervals, on one logarithmic axis; and the axis's labels with their places in percent."""
    seconds = [v.seconds for step in steps for row in step.rows for v in row.values if v.seconds is not None and v.seconds > 0]
    if not seconds:
        return [[Markup("") for _ in step.rows] for step in steps], []
    low, high, ticks = log_ticks(min(seconds), max(seconds))

    def x_of(value: float) -> float:
        share = (log10(min(max(value, low), high)) - log10(low)) / (log10(high) - log10(low))
        return 4 + share * (RANGE_WIDTH - 8)

    labelled = ticks[:: -ceil(len(ticks) / LABELS_LIMIT)][::-1]
    labels = [(f"{tick.label}\u202fs", 100 * x_of(tick.at) / RANGE_WIDTH) for tick in labelled]
    return [[_range(row, x_of, [x_of(tick.at) for tick in ticks]) for row in step.rows] for step in steps], labels


def _range(row: ResponseRow, x_of: Callable[[float], float], grid: Sequence[float]) -> Markup:
    middle = RANGE_HEIGHT / 2
    root = ET.Element("svg", {"class": "range", "viewBox": f"0 0 {RANGE_WIDTH} {RANGE_HEIGHT}", "aria-hidden": "true"})
    ET.SubElement(root, "path", {"class": "grid", "d": "".join(f"M{x:.0f} 0v{RANGE_HEIGHT}" for x in grid)})
    known = [v for v in row.values if v.seconds is not None]
    enough = [v for v in known if v.enough and v.seconds is not None]
    if len(enough) > 1:
        ends = [x_of(v.seconds or 0.0) for v in (enough[0], enough[-1])]
        ET.SubElement(root, "path", {"class": "reach", "d": f"M{ends[0]:.1f} {middle:g}H{ends[1]:.1f}"})
    for v in known:
        x = x_of(v.seconds or 0.0)
        if v.enough:
            if v.interval is not None:
                _bar(root, v.interval, x_of, middle)
            ET.SubElement(root, "circle", {"class": "dot", "cx": f"{x:.1f}", "cy": f"{middle:g}", "r": "3"})
        else:
            ET.SubElement(root, "circle", {"class": "hollow", "cx": f"{x:.1f}", "cy": f"{middle:g}", "r": "2.5"})
    return Markup(ET.tostring(root, encoding="unicode"))


def _bar(root: ET.Element, interval: Interval, x_of: Callable[[float], float], middle: float) -> None:
    low, high = x_of(interval.low), x_of(interval.high)
    size = {"x": f"{low:.1f}", "y": f"{middle - 5:g}", "width": f"{max(high - low, 1):.1f}", "height": "10", "rx": "2"}
    ET.SubElement(root, "rect", {"class": "sure", **size})
