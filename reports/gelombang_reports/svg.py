"""Charts as SVG: what prints, and what shows where no script runs. Colours come from the page's style sheet by class."""

from collections.abc import Callable, Iterator
from itertools import groupby
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

    _axes(root, chart, x_of, y_of, (left, width - right, top, height - bottom))
    for line in chart.lines:
        _line(root, chart, line, x_of, y_of)
    return Markup(ET.tostring(root, encoding="unicode"))


def _axes(root: ET.Element, chart: Chart, x_of: _Place, y_of: _Place, box: tuple[int, int, int, int]) -> None:
    left, right, _top, bottom = box
    for tick in chart.y_ticks:
        y = f"{y_of(tick.at):.1f}"
        ET.SubElement(root, "line", {"class": "grid", "x1": str(left), "x2": str(right), "y1": y, "y2": y})
        label = ET.SubElement(root, "text", {"class": "tick", "x": str(left - 5), "y": y, "dy": "0.35em", "text-anchor": "end"})
        label.text = tick.label
    shown = chart.x_ticks[:: 2 if chart.small and len(chart.x_ticks) > 4 else 1]
    for tick in shown:
        x = x_of(tick.at)
        ET.SubElement(root, "line", {"class": "axis", "x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": str(bottom), "y2": str(bottom + 4)})
        anchor = "end" if x > right - 14 else "middle"
        label = ET.SubElement(root, "text", {"class": "tick", "x": f"{x:.1f}", "y": str(bottom + 17), "text-anchor": anchor})
        label.text = tick.label
    ET.SubElement(root, "line", {"class": "axis", "x1": str(left), "x2": str(right), "y1": str(bottom), "y2": str(bottom)})


def _line(root: ET.Element, chart: Chart, line: Line, x_of: _Place, y_of: _Place) -> None:
    for run in _runs(chart, line, x_of, y_of):
        if len(run) == 1 and line.ink is not Ink.AREA:
            (x, y) = run[0]
            ET.SubElement(root, "circle", {"class": f"dot {line.ink} {line.colour}", "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "1.8"})
            continue
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run)
        if line.ink is Ink.AREA:
            floor = f"{y_of(chart.y_min):.1f}"
            path += f"L{run[-1][0]:.1f} {floor}L{run[0][0]:.1f} {floor}Z"
        ET.SubElement(root, "path", {"class": f"{line.ink} {line.colour}", "d": path})


def _runs(chart: Chart, line: Line, x_of: _Place, y_of: _Place) -> Iterator[list[tuple[float, float]]]:
    """Unbroken runs of points: a None ends one."""
    pairs = zip(chart.x, line.values, strict=True)
    for present, run in groupby(pairs, key=lambda pair: pair[1] is not None):
        if present:
            yield [(x_of(at), y_of(value)) for at, value in run if value is not None]
