"""Charts of one page: each drawn once as SVG, and once as data for the script, which draws it again on a canvas.

Charts share few time axes, so the data names each axis once; a line whose own values are those that are drawn does not repeat them.
"""

import json
from dataclasses import asdict, dataclass

from markupsafe import Markup

from gelombang_reports.charts import Chart, Tick
from gelombang_reports.svg import draw


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its fallback, and its place in the script's data."""

    chart: Chart
    svg: Markup
    index: int


class Studio:
    """Draws charts and collects them for the script."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._axes: dict[tuple[tuple[float, ...], float, tuple[Tick, ...]], int] = {}
        self._charts: list[dict[str, object]] = []

    def draw(self, chart: Chart) -> Drawn:
        axis = self._axes.setdefault((chart.x, chart.x_max, chart.x_ticks), len(self._axes))
        data = asdict(chart)
        for shared in ("x", "x_max", "x_ticks"):
            del data[shared]
        values = tuple(line.values for line in chart.lines)
        self._charts.append(data | {"axis": axis, "raw": None if chart.raw == values else chart.raw})
        return Drawn(chart, draw(chart, f"{self._description} {chart.unit}."), len(self._charts) - 1)

    def data(self) -> Markup:
        """JSON of all charts drawn so far, that can't end the element it stands in."""
        axes = [{"x": x, "x_max": x_max, "x_ticks": [asdict(tick) for tick in ticks]} for x, x_max, ticks in self._axes]
        text = json.dumps({"axes": axes, "charts": self._charts}, separators=(",", ":"), allow_nan=False)
        return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
