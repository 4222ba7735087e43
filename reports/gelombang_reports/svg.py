"""Charts as SVG: what prints, and what shows where no script runs. Colours come from the page's style sheet by class."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from math import log10
from xml.etree import ElementTree as ET

from markupsafe import Markup

from gelombang_reports.charts import Chart, Ink, Line

_Place = Callable[[float], float]


def draw(chart: Chart, description: str) -> Markup:
    """One chart as an `<svg>` element that scales to the width it is given."""
    width, height = (280, 170) if chart.small else (560, 250)
    left, right, top, bottom = 12 + 7 * max(len(tick.label) for tick in chart.y_ticks), 8, 10, 24
    root = ET.Element("svg", {"viewBox": f"0 0 {width} {height}", "role": "img", "class": "small" if chart.small else "large"})
    ET.SubElement(root, "title").text = f"{chart.title}. {description}"

    def x_of(at: float) -> float:
        return left + at / chart.x_max * (width - left - right)

    def y_of(value: float) -> float:
        share = (value - chart.y_min) / (chart.y_max - chart.y_min)
        if chart.log:
            bounded = min(max(value, chart.y_min), chart.y_max)
            share = (log10(bounded) - log10(chart.y_min)) / (log10(chart.y_max) - log10(chart.y_min))
        return height - bottom - share * (height - top - bottom)

    box = (left, width - right, top, height - bottom)
    _axes(root, chart, x_of, y_of, box)
    _marks(root, chart, x_of, box)
    _shade(root, chart, x_of, y_of)
    for line in chart.lines:
        _line(root, chart, line, x_of, y_of)
    return Markup(ET.tostring(root, encoding="unicode"))


def _axes(root: ET.Element, chart: Chart, x_of: _Place, y_of: _Place, box: tuple[int, int, int, int]) -> None:
    left, right, _top, bottom = box
    places = [_short(y_of(tick.at)) for tick in chart.y_ticks]
    ET.SubElement(root, "path", {"class": "grid", "d": "".join(f"M{left} {y}H{right}" for y in places)})
    labels = ET.SubElement(root, "g", {"class": "tick", "text-anchor": "end"})
    for tick, y in zip(chart.y_ticks, places, strict=True):
        ET.SubElement(labels, "text", {"x": str(left - 5), "y": y, "dy": "4"}).text = tick.label
    shown = chart.x_ticks[:: 2 if chart.small and len(chart.x_ticks) > 4 else 1]
    ticks = "".join(f"M{_short(x_of(tick.at))} {bottom}v4" for tick in shown)
    ET.SubElement(root, "path", {"class": "axis", "d": f"M{left} {bottom}H{right}{ticks}"})
    labels = ET.SubElement(root, "g", {"class": "tick", "text-anchor": "middle"})
    for tick in shown:
        x = x_of(tick.at)
        last = {"text-anchor": "end"} if x > right - 14 else {}
        ET.SubElement(labels, "text", {"x": _short(x), "y": str(bottom + 17), **last}).text = tick.label


def _marks(root: ET.Element, chart: Chart, x_of: _Place, box: tuple[int, int, int, int]) -> None:
    _left, right, top, bottom = box
    for mark in chart.marks:
        x = x_of(mark.at)
        if mark.until is not None:
            end = min(x_of(mark.until), float(right))
            size = {"x": f"{x:.1f}", "width": f"{max(end - x, 1):.1f}", "y": str(top), "height": str(bottom - top)}
            ET.SubElement(root, "rect", {"class": "stretch", **size})
        else:
            ET.SubElement(root, "line", {"class": "moment-line", "x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": str(top), "y2": str(bottom)})
        if not chart.small:
            turned = x > right - 90
            place = {"x": f"{x - 4 if turned else x + 4:.1f}", "y": str(top + 9), "text-anchor": "end" if turned else "start"}
            ET.SubElement(root, "text", {"class": "tick", **place}).text = mark.label


def _shade(root: ET.Element, chart: Chart, x_of: _Place, y_of: _Place) -> None:
    """The gap between two lines, where both have a value."""
    if chart.shade is None:
        return
    upper, lower = (chart.lines[i].values for i in chart.shade)
    points = [
        (x_of(at), y_of(a), y_of(b)) if a is not None and b is not None else None for at, a, b in zip(chart.x, upper, lower, strict=True)
    ]
    for there, run in groupby(points, key=lambda point: point is not None):
        stretch = [point for point in run if point is not None]
        if there and len(stretch) > 1:
            edge = [(x, a) for x, a, _ in stretch] + [(x, b) for x, _, b in reversed(stretch)]
            ET.SubElement(root, "path", {"class": "gap", "d": _path(edge) + "Z"})


def _line(root: ET.Element, chart: Chart, line: Line, x_of: _Place, y_of: _Place) -> None:
    for run in _runs(chart, line, x_of, y_of):
        if len(run) == 1 and line.ink is not Ink.AREA:
            (x, y) = run[0]
            ET.SubElement(root, "circle", {"class": f"dot {line.ink} {line.colour}", "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "1.8"})
            continue
        path = _path(run)
        if line.ink is Ink.AREA:
            path += f"V{_short(y_of(chart.y_min))}H{_short(run[0][0])}Z"
        ET.SubElement(root, "path", {"class": f"{line.ink} {line.colour}", "d": path})


def _runs(chart: Chart, line: Line, x_of: _Place, y_of: _Place) -> Iterator[list[tuple[float, float]]]:
    """Unbroken runs of points: a None ends one."""
    pairs = zip(chart.x, line.values, strict=True)
    for present, run in groupby(pairs, key=lambda pair: pair[1] is not None):
        if present:
            yield [(x_of(at), y_of(value)) for at, value in run if value is not None]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A line as its first point and steps from there, in tenths: half as long as points would be, and no error adds up."""
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    steps = [(_tenths(x - before_x), _tenths(y - before_y)) for (before_x, before_y), (x, y) in pairwise(tenths)]
    text = "".join(part if part.startswith("-") else f" {part}" for step in steps for part in step)
    start = f"M{_tenths(tenths[0][0])} {_tenths(tenths[0][1])}"
    return f"{start}l{text.lstrip()}" if steps else start


def _tenths(value: int) -> str:
    return _short(value / 10)


def _short(value: float) -> str:
    """One decimal at most, and none where it is 0."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"
