"""The same facts in a terminal: at most `LINES_LIMIT` lines for two profiles, in 80 columns.

Where there is no terminal (a build log, a pipe) the text is plain and no line is cut: nobody can make such a window wider afterwards.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gelombang.record import RunRecord, Validity
from gelombang_reports import people, places, story
from gelombang_reports.compare import labelled
from gelombang_reports.figures import TEXT_FIGURES, Figures
from gelombang_reports.provenance import belief
from gelombang_reports.texts import ENGLISH, Texts
from gelombang_reports.waste import waste

LINES_LIMIT = 45
PLACES_SHOWN = 6
OBJECTIVES_SHOWN = 10

_STYLES = {Validity.VALID: "green", Validity.SUSPECT: "bold yellow", Validity.INVALID: "bold red"}


def console_summary(records: Sequence[RunRecord], console: Console, page: Path | None = None, texts: Texts = ENGLISH) -> None:
    """Print what happened. With `page`, the last line says where the page is."""
    records = labelled(records)
    for stopped in story.stops(records, texts):
        console.print(_text(stopped, "bold red"), soft_wrap=True)
    for first in story.stand_for(records, texts, TEXT_FIGURES):
        _line(console, _text(first))
    for record in records:
        _line(console, _believed(record, texts), cut=True)
    _line(console, _text(story.headline(records, texts, TEXT_FIGURES), "bold"))
    console.print(_facts(records, texts, TEXT_FIGURES))
    for line in _objectives(records, texts):
        _line(console, line, cut=True)
    if page is not None:
        console.print(Text(texts.page_at.format(path=page)), soft_wrap=True)


def _line(console: Console, text: Text, *, cut: bool = False) -> None:
    """A line; on a terminal it is wrapped there, or cut."""
    if console.is_terminal:
        console.print(text, no_wrap=cut, overflow="ellipsis" if cut else None)
    else:
        console.print(text, soft_wrap=True)


def _believed(record: RunRecord, texts: Texts) -> Text:
    found = belief(record, texts, TEXT_FIGURES)
    text = Text.assemble((record.validity.value, _STYLES[record.validity]), _plain(f" {record.profile}: "))
    if record.validity is not Validity.VALID:
        doubts = (doubt for doubt in record.doubts if doubt.severity is not Validity.VALID)
        text.append(_plain("; ".join(f"{doubt.name}: {doubt.evidence}" for doubt in doubts)))
    else:
        text.append(texts.console_belief.format(lateness=found.lateness, offered=found.offered, unexplained=found.unexplained))
    return text


def _facts(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> Table:
    """Funnel, worst places and waste, one column per profile."""
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for record in records:
        table.add_column(_text(record.profile), justify="right", no_wrap=True)

    def title(words: str) -> None:
        table.add_row(Text(words, style="bold"), *[""] * len(records))

    title(texts.funnel)
    for rung in people.funnel(records, texts.arrived):
        table.add_row(_text(f"  {rung.title}"), *[_lane(lane, figures) for lane in rung.lanes])
    found = places.places(records)
    title(texts.uploads if found else texts.no_uploads)
    totals = [record.uploads.attempts if record.uploads else 0 for record in records]
    for place in found[:PLACES_SHOWN]:
        name = texts.acknowledged if place.acknowledged else place.name
        cells = [_part(n, total, figures) for n, total in zip(place.attempts, totals, strict=True)]
        table.add_row(_text(f"  {name}", "green" if place.acknowledged else ""), *cells)
    rest = [sum(place.attempts[i] for place in found[PLACES_SHOWN:]) for i in range(len(records))]
    if any(rest):
        words = texts.more_places.format(count=len(found) - PLACES_SHOWN)
        table.add_row(Text(f"  {words}"), *[_part(n, total, figures) for n, total in zip(rest, totals, strict=True)])
    if found:
        title(texts.waste)
        for measure in (m for m in waste(records, texts, figures) if not any(m.notes) or m.title == texts.unheard):
            cells = [Text(v, style="bold red" if alarm else "") for v, alarm in zip(measure.values, measure.alarms, strict=True)]
            table.add_row(Text(f"  {measure.title}"), *cells)
    return table


def _objectives(records: Sequence[RunRecord], texts: Texts) -> list[Text]:
    """One line each; objectives that were not met stand first, so that a cut never hides them."""
    lines: list[tuple[int, Text]] = []
    for record in records:
        if record.validity is Validity.INVALID:
            lines.append((0, _text(f"{record.profile}: {texts.no_verdict}", "bold red")))
            continue
        for o in record.objectives:
            words, style = {True: (texts.passed, "green"), False: (texts.failed, "bold red"), None: (texts.not_judged, "yellow")}[o.passed]
            text = Text.assemble(
                (f"{words:<10} ", style), _plain(f"{record.profile}: {texts.found_first.format(found=o.found, wanted=o.wanted)}: {o.name}")
            )
            lines.append(({False: 0, None: 1, True: 2}[o.passed], text))
    ordered = [text for _, text in sorted(lines, key=lambda pair: pair[0])]
    if len(ordered) > OBJECTIVES_SHOWN:
        more = Text(texts.more_objectives.format(count=len(ordered) - OBJECTIVES_SHOWN + 1))
        ordered = [*ordered[: OBJECTIVES_SHOWN - 1], more]
    return ordered


def _text(words: str, style: str = "") -> Text:
    return Text(_plain(words), style=style)


def _plain(words: str) -> str:
    """One line without control characters: a record's text must not steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in words)


def _lane(lane: people.Lane | None, figures: Figures) -> Text:
    if lane is None:
        return Text("–")
    share = figures.share(lane.people, lane.previous) if lane.previous else ""
    return Text(f"{figures.count(lane.people)} {share:>8}")


def _part(number: int, total: int, figures: Figures) -> Text:
    return Text(f"{figures.count(number)} {figures.share(number, total) if number else '':>8}")
