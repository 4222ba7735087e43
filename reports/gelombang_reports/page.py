"""One HTML file that answers what happened, from the top down: what, can it be believed, how far people got, where uploads failed.

It promises to stand alone: no network (its own content security policy forbids it), no font, no second file. Charts are SVG made here;
where a script may run they become canvases that answer to the pointer. All texts of a record are escaped: a record is data, whoever
made it.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gelombang.errors import HostError, InputError
from gelombang.record import RunRecord, Validity
from gelombang_reports import people, places, provenance, response, story, waste
from gelombang_reports.charts import Chart, Ink
from gelombang_reports.figures import PAGE_FIGURES
from gelombang_reports.svg import draw
from gelombang_reports.texts import ENGLISH, Texts
from gelombang_reports.timeline import PROFILE_COLOURS, Timelines, timelines

RECORDS_LIMIT = len(PROFILE_COLOURS)
SIZE_LIMIT_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its fallback, and its place in the script's data."""

    chart: Chart
    svg: Markup
    index: int


class _Studio:
    """Draws charts and collects them for the script."""

    def __init__(self, description: str) -> None:
        self._description = description
        self.charts: list[Chart] = []

    def draw(self, chart: Chart) -> Drawn:
        self.charts.append(chart)
        return Drawn(chart, draw(chart, f"{self._description} {chart.unit}."), len(self.charts) - 1)


def write_page(records: Sequence[RunRecord], path: Path, texts: Texts = ENGLISH) -> None:
    """Write the page of one run, or of up to four profiles side by side. Raises InputError, or HostError when the disk refuses."""
    page = render_page(records, texts)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise HostError(f"{path} can't be written ({error.strerror}); want a folder that exists and has room") from error


def render_page(records: Sequence[RunRecord], texts: Texts = ENGLISH) -> str:
    """The page as text. Raises InputError for no record, or for more than fit side by side."""
    if not 1 <= len(records) <= RECORDS_LIMIT:
        raise InputError(f"a page shows {len(records)} runs; want 1 to {RECORDS_LIMIT}")
    studio = _Studio(texts.svg_description)
    lines = timelines(records, texts)
    style, scripts = _asset("uPlot.min.css") + _asset("page.css"), (_asset("uPlot.iife.min.js"), _asset("page.js"))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            t=texts,
            fig=PAGE_FIGURES,
            records=records,
            colours=PROFILE_COLOURS,
            validity=_worst(records),
            stand_for=story.stand_for(records, texts, PAGE_FIGURES),
            stops=story.stops(records, texts),
            headline=story.headline(records, texts, PAGE_FIGURES),
            sentences=[story.sentence(record, texts, PAGE_FIGURES) for record in records],
            believed=[provenance.belief(record, texts, PAGE_FIGURES) for record in records],
            funnel=people.funnel(records, texts.arrived),
            fates=[people.fates(record) for record in records],
            places=places.places(records),
            both_ends=places.both_ends(records),
            waste=waste.waste(records, texts, PAGE_FIGURES),
            responses=response.responses(records),
            log_response={step.step: step.response.p99_seconds for step in records[0].steps},
            upload_attempts=[record.uploads.attempts if record.uploads else 0 for record in records],
            scene=provenance.scene(records[0], texts),
            opens_seconds=provenance.opens_seconds(records[0]),
            legend_order=_legend_order,
            drawn=_drawn(lines, studio),
            provenance=[provenance.rows(record, texts, PAGE_FIGURES) for record in records],
            commands=story.commands(records),
            charts=Markup(_json_for_html([asdict(chart) for chart in studio.charts])),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            policy=_policy(style, scripts),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("gelombang_reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _drawn(lines: Timelines, studio: _Studio) -> dict[str, list[Drawn]]:
    """The charts of each section of the page."""
    alone = {"past_photos": lines.past_photos, "waiting": lines.waiting}
    groups = {"uploads": lines.uploads, "bytes": lines.bytes, "offered": lines.offered, "response": lines.response}
    drawn = {name: [studio.draw(chart) for chart in charts] for name, charts in groups.items()}
    return drawn | {name: [studio.draw(chart)] if chart else [] for name, chart in alone.items()}


def _legend_order(chart: Chart) -> list[int]:
    """Lines as they are named: areas from the axis upwards, so that the one at the bottom comes first."""
    order = list(range(len(chart.lines)))
    return order[::-1] if all(line.ink is Ink.AREA for line in chart.lines) else order


def _worst(records: Sequence[RunRecord]) -> Validity:
    order = [Validity.VALID, Validity.SUSPECT, Validity.INVALID]
    return max((record.validity for record in records), key=order.index)


def _policy(style: str, scripts: Sequence[str]) -> str:
    """A content security policy that allows exactly what the page brings along, and no network at all."""
    allowed = " ".join(_digest(script) for script in scripts)
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src {_digest(style)}; script-src {allowed}"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json_for_html(value: object) -> str:
    """JSON that can't end the element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files("gelombang_reports").joinpath("assets", name).read_text(encoding="utf-8").strip()
