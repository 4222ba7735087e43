"""A single attempt as a drawing: the person's end above, the server's below, on one axis from the moment it was due."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markupsafe import Markup

from gelombang.record import RunRecord
from gelombang_reports.charts import value_ticks
from gelombang_reports.figures import Figures, clock_text
from gelombang_reports.texts import Texts
from gelombang_reports.traces import Span, Trace

WIDTH = 560
LEFT = 8
ROW = 18
LABEL_LEAST = 44
"""Pixels that a span must be wide to bear its name."""


@dataclass(frozen=True, slots=True)
class DrawnTrace:
    """One attempt with its drawing, and the same in words."""

    svg: Markup
    heading: str
    when: str
    took: str
    saw: str
    client: str
    server: str
    meaning: str
    trace_id: str
    acknowledged: bool


def drawn_traces(record: RunRecord, traces: Sequence[Trace], texts: Texts, figures: Figures) -> tuple[DrawnTrace, ...]:
    """The attempts of one run, all on the same scale, so that their lengths can be compared."""
    longest = max((trace.spans_seconds for trace in traces), default=0.0)
    return tuple(
        DrawnTrace(
            svg=_draw(trace, longest, texts),
            heading=texts.trace_heading.format(title=trace.title, number=trace.number, person=figures.count(trace.person)),
            when=clock_text(record.opens_at, trace.due_seconds, with_seconds=True),
            took=figures.seconds(trace.response_seconds),
            saw=" / ".join((trace.person_saw, trace.server_saw or texts.server_unseen)),
            client=_words(trace.client, texts, figures),
            server=_words(trace.server, texts, figures) or texts.server_unseen,
            meaning=trace.meaning,
            trace_id=trace.trace_id,
            acknowledged=trace.acknowledged,
        )
        for trace in traces
    )


def _words(spans: Sequence[Span], texts: Texts, figures: Figures) -> str:
    return ", ".join(f"{texts.span_words[span.name]} {figures.seconds(span.seconds)}" for span in spans)


def _draw(trace: Trace, longest: float, texts: Texts) -> Markup:
    height = 2 * ROW + 24
    root = ET.Element("svg", {"class": "trace", "viewBox": f"0 0 {WIDTH} {height}", "aria-hidden": "true"})
    top, ticks = value_ticks(longest)

    def x_of(seconds: float) -> float:
        return LEFT + seconds / top * (WIDTH - 2 * LEFT)

    ET.SubElement(root, "path", {"class": "grid", "d": "".join(f"M{x_of(tick.at):.0f} 0V{2 * ROW + 6}" for tick in ticks)})
    labels = ET.SubElement(root, "g", {"class": "tick", "text-anchor": "middle"})
    for tick in ticks:
        first = {"text-anchor": "start"} if tick.at == 0 else {}
        place = {"x": f"{x_of(tick.at):.0f}", "y": str(height - 4), **first}
        ET.SubElement(labels, "text", place).text = f"{tick.label}\u202fs"
    for row, spans in enumerate((trace.client, trace.server)):
        for span in spans:
            _span(root, span, x_of(span.begins_seconds), x_of(span.begins_seconds + span.seconds), row * (ROW + 4), texts)
    x = f"{x_of(trace.response_seconds):.1f}"
    ET.SubElement(root, "path", {"class": "done", "d": f"M{x} 0V{2 * ROW + 6}"})
    return Markup(ET.tostring(root, encoding="unicode"))


def _span(root: ET.Element, span: Span, begins: float, ends: float, y: int, texts: Texts) -> None:
    size = {"x": f"{begins:.1f}", "y": str(y), "width": f"{max(ends - begins, 0.8):.1f}", "height": str(ROW)}
    ET.SubElement(root, "rect", {"class": f"span-{span.name}", **size})
    name = texts.span_words[span.name]
    if ends - begins > max(LABEL_LEAST, 7 * len(name)):
        ET.SubElement(root, "text", {"class": "span-name", "x": f"{begins + 5:.1f}", "y": str(y + 13)}).text = name
