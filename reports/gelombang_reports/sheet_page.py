"""A sheet (`gelombang.sheet`) as one HTML file that stands alone: no network, no script, no second file, every text escaped."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from markupsafe import Markup

from gelombang.errors import HostError
from gelombang.sheet import Plot, Sheet, Table
from gelombang_reports.charts import Chart, Ink, Line, value_ticks
from gelombang_reports.page import asset, environment
from gelombang_reports.svg import draw
from gelombang_reports.timeline import PROFILE_COLOURS


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write the page. Raises HostError when the disk refuses."""
    try:
        path.write_text(render_sheet(sheet), encoding="utf-8")
    except OSError as error:
        raise HostError(f"{path} can't be written ({error.strerror}); want a folder that exists and has room") from error


def render_sheet(sheet: Sheet) -> str:
    """The page as text."""
    style = asset("page.css")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        environment()
        .get_template("sheet.html.j2")
        .render(
            s=sheet,
            wordy=is_wordy,
            plots=[None if section.plot is None else draw(chart_of(section.plot), section.plot.y_unit) for section in sheet.sections],
            colours=PROFILE_COLOURS,
            style=Markup(style),
            policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'sha256-{digest}'",
        )
    )


WORDY_LETTERS = 40


def is_wordy(table: Table) -> bool:
    """Whether a table holds sentences, which are read from the left, and not numbers, which stand under each other."""
    return any(len(cell) > WORDY_LETTERS for row in table.rows for cell in row[1:])


def chart_of(plot: Plot) -> Chart:
    """A plot on the chart that pages draw: all curves share the sorted x of all, with gaps where a curve has no point."""
    x = tuple(sorted({at for curve in plot.curves for at, _ in curve.points}))
    x_max, x_ticks = value_ticks(max(x, default=1.0))
    y_max, y_ticks = value_ticks(max((y for curve in plot.curves for _, y in curve.points), default=1.0))
    lines = []
    for i, curve in enumerate(plot.curves):
        values = _between(x, curve.points)
        lines.append(Line(curve.name, PROFILE_COLOURS[i % len(PROFILE_COLOURS)], values, Ink.DOTTED if curve.is_reference else Ink.LINE))
    return Chart(plot.title, plot.y_unit, x, x_max, x_ticks, 0.0, y_max, y_ticks, tuple(lines), tuple(line.values for line in lines))


def _between(x: tuple[float, ...], points: tuple[tuple[float, float], ...]) -> tuple[float | None, ...]:
    """A value for each x from the first to the last point, on the straight line between neighbours."""
    values: list[float | None] = []
    for at in x:
        before = [point for point in points if point[0] <= at]
        after = [point for point in points if point[0] >= at]
        if not before or not after:
            values.append(None)
            continue
        (x0, y0), (x1, y1) = before[-1], after[0]
        values.append(y0 if x1 == x0 else y0 + (y1 - y0) * (at - x0) / (x1 - x0))
    return tuple(values)
