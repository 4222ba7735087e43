"""One HTML file that answers what happened, from the top down: what, can it be believed, how far people got, where uploads failed.

It promises to stand alone: no network (its own content security policy forbids it), no font, no second file. Charts are SVG made here;
where a script may run they become canvases that answer to the pointer. All texts of a record are escaped: a record is data, whoever
made it.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gelombang.errors import HostError, InputError
from gelombang.record import RunRecord, Validity
from gelombang_reports import one_person, page_ends, people, places, provenance, response, story, waste
from gelombang_reports.axis import Axis
from gelombang_reports.charts import Chart, Ink
from gelombang_reports.compare import comparison, differences, labelled
from gelombang_reports.complaints import complaining
from gelombang_reports.detail import Detail
from gelombang_reports.detail_charts import drop_words, ends_charts, machine_charts, response_charts
from gelombang_reports.figures import PAGE_FIGURES, opening_second
from gelombang_reports.marks import chart_marks
from gelombang_reports.strips import heat_strips, quantile_ranges
from gelombang_reports.studio import Studio
from gelombang_reports.texts import ENGLISH, Texts
from gelombang_reports.timeline import PROFILE_COLOURS, timelines
from gelombang_reports.trace_drawing import drawn_traces

RECORDS_LIMIT = len(PROFILE_COLOURS)
SIZE_LIMIT_BYTES = 400_000
JOINED_SHOWN = 8
"""Combinations of both ends that are shown at once, besides those that are unexplained."""


def write_page(records: Sequence[RunRecord], path: Path, texts: Texts = ENGLISH, details: Sequence[Detail] = ()) -> None:
    """Write the page of one run, or of up to four side by side. Raises InputError, or HostError when the disk refuses."""
    page = render_page(records, texts, details)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise HostError(f"{path} can't be written ({error.strerror}); want a folder that exists and has room") from error


def render_page(records: Sequence[RunRecord], texts: Texts = ENGLISH, details: Sequence[Detail] = ()) -> str:
    """The page as text; `details` holds what stood beside each record, or nothing. Raises InputError for no record, or for more than fit
    side by side."""
    if not 1 <= len(records) <= RECORDS_LIMIT:
        raise InputError(f"a page shows {len(records)} runs; want 1 to {RECORDS_LIMIT}")
    assert len(details) in (0, len(records))
    details = details or [Detail()] * len(records)
    shown = labelled(records)
    studio = Studio(texts.svg_description)
    style, scripts = asset("uPlot.min.css") + asset("page.css"), (asset("uPlot.iife.min.js"), asset("page.js"))
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            t=texts,
            fig=PAGE_FIGURES,
            records=shown,
            colours=PROFILE_COLOURS,
            legend_order=_legend_order,
            **_told(shown, details, texts),
            **_tables(shown, details, texts),
            **_drawings(shown, details, studio, texts),
            provenance=[provenance.rows(record, texts, PAGE_FIGURES) for record in records],
            commands=story.commands(records),
            charts=studio.data(),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            policy=policy(style, scripts),
        )
    )


def _told(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts) -> dict[str, object]:
    """What stands first: the sentences, and whether they can be believed."""
    return {
        "validity": _worst(records),
        "stand_for": story.stand_for(records, texts, PAGE_FIGURES),
        "stops": story.stops(records, texts),
        "headline": story.headline(records, texts, PAGE_FIGURES),
        "sentences": [story.sentence(record, texts, PAGE_FIGURES) for record in records],
        "tiles": [story.tiles(record, texts, PAGE_FIGURES) for record in records],
        "believed": [provenance.belief(record, texts, PAGE_FIGURES) for record in records],
        "scene": provenance.scene(records[0], texts),
        "opens_seconds": opening_second(records[0].opens_at),
        "whole": [detail.whole for detail in details],
    }


def _tables(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts) -> dict[str, object]:
    """What is counted."""
    several, joined = len(records) > 1, places.both_ends(records)
    differing, same = differences(records, details, texts, PAGE_FIGURES) if several else ([], [])
    return {
        "funnel": people.funnel(records, texts.arrived),
        "fates": [people.fates(record) for record in records],
        "both_ends": joined,
        "joined_shown": max(JOINED_SHOWN, sum(not row.explained for row in joined)),
        "page_ends": page_ends.page_ends(records, texts),
        "walks": one_person.walks(records, details, texts, PAGE_FIGURES),
        "waste": waste.waste(records, texts, PAGE_FIGURES),
        "log_response": {step.step: step.response.p99_seconds for step in records[0].steps},
        "upload_attempts": [record.uploads.attempts if record.uploads else 0 for record in records],
        "differing": differing,
        "same": same,
        "compared": comparison(records, details, texts, PAGE_FIGURES),
    }


def _drawings(records: Sequence[RunRecord], details: Sequence[Detail], studio: Studio, texts: Texts) -> dict[str, object]:
    """What is drawn."""
    axis = Axis(records, [chart_marks(detail.marks, texts, PAGE_FIGURES) for detail in details])
    found = places.places(records)
    rows = response.responses(records, [detail.spread for detail in details])
    ranges, range_labels = quantile_ranges(rows)
    lines, machine = timelines(axis, records, texts), machine_charts(axis, records, details, texts)
    bands, complaints = response_charts(axis, records, details, texts), complaining(axis, records, texts, PAGE_FIGURES)
    groups: dict[str, Sequence[Chart]] = {
        "uploads": lines.uploads,
        "bytes": lines.bytes,
        "offered": lines.offered,
        "response": bands or lines.response,
        "past_photos": [lines.past_photos] if lines.past_photos else [],
        "waiting": [lines.waiting] if lines.waiting else [],
        "cpu": machine.cpu,
        "memory": machine.memory,
        "drops": machine.drops,
        "complaints": complaints.charts if complaints else [],
        "complaints_failed": complaints.failed if complaints else [],
    }
    return {
        "places": found,
        "complaints": complaints,
        "with_bands": bool(bands),
        "strips": heat_strips(axis, records, found, texts, PAGE_FIGURES),
        "strip_span": {"begin": axis.begin, "end": axis.end},
        "strip_ticks": [(tick.label, 100 * tick.at / axis.x_max) for tick in axis.ticks],
        "responses": rows,
        "ranges": ranges,
        "range_labels": range_labels,
        "drawn": {name: [studio.draw(chart) for chart in charts] for name, charts in groups.items()},
        "drawn_ends": [[studio.draw(chart) for chart in own] for own in ends_charts(axis, records, details, texts)],
        "drop_words": drop_words(records, texts, PAGE_FIGURES),
        "traces": [drawn_traces(record, detail.traces, texts, PAGE_FIGURES) for record, detail in zip(records, details, strict=True)],
    }


@cache
def environment() -> Environment:
    """Where the templates are, with every text escaped."""
    return Environment(
        loader=PackageLoader("gelombang_reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _legend_order(chart: Chart) -> list[int]:
    """Lines as they are named: areas from the axis upwards, so that the one at the bottom comes first."""
    order = list(range(len(chart.lines)))
    return order[::-1] if all(line.ink is Ink.AREA for line in chart.lines) else order


def _worst(records: Sequence[RunRecord]) -> Validity:
    order = [Validity.VALID, Validity.SUSPECT, Validity.INVALID]
    return max((record.validity for record in records), key=order.index)


def policy(style: str, scripts: Sequence[str], connect: str = "") -> str:
    """A content security policy that allows exactly what the page brings along, and no network but `connect`."""
    allowed = " ".join(_digest(script) for script in scripts)
    own = f"style-src {_digest(style)}; script-src {allowed}" + (f"; connect-src {connect}" if connect else "")
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; {own}"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def asset(name: str) -> str:
    """A file that the page brings along."""
    return files("gelombang_reports").joinpath("assets", name).read_text(encoding="utf-8").strip()
