"""The panels of the catalogue at one moment of a run, from its series: what Grafana would show, without it.

Rates, levels and quantiles are over the last `WINDOW_SECONDS` of wall time, totals over the run so far. A panel that asks only recording
rules has nothing here: rules are Prometheus's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gelombang.panels.catalogue import PAGES
from gelombang.panels.evaluation import Values, evaluate
from gelombang.panels.expression import Expression, Extreme, How, LowestBefore, Minus, Over, Positive, Read, Rest, Ruled, Times, reads
from gelombang.panels.parts import Form, Panel, Query
from gelombang.series import SeriesTable

WINDOW_SECONDS = 5.0
LINES_LIMIT = 24
"""Of one panel; the largest are kept."""


@dataclass(frozen=True, slots=True)
class LivePanel:
    """A panel that the run's own series can answer; `number` is its place among all panels of the catalogue."""

    number: int
    panel: Panel
    queries: tuple[Query, ...]


def live_panels() -> tuple[LivePanel, ...]:
    """Every panel with at least one query that needs no rule, in reading order."""
    everything = [panel for page in PAGES for row in page.rows for panel in row.panels]
    found = [LivePanel(number, panel, tuple(q for q in panel.queries if reads(q.expression))) for number, panel in enumerate(everything)]
    return tuple(each for each in found if each.queries)


def panel_values(live: LivePanel, table: SeriesTable, at_seconds: float) -> dict[str, float]:
    """The panel's lines by their legends, at this moment; empty where there is nothing to tell."""
    found: dict[str, float] = {}
    for query in live.queries:
        by = _labels(query.expression)
        for key, value in _valued(query.expression, table, at_seconds).items():
            legend = " · ".join(key) if live.panel.form is Form.TABLE and key else query.legend
            for label, text in zip(by, key, strict=True):
                legend = legend.replace(f"{{{{{label}}}}}", text)
            found[legend] = value
    largest = sorted(found, key=lambda legend: -found[legend])[:LINES_LIMIT]
    return {legend: found[legend] for legend in found if legend in largest}


def _valued(expression: Expression, table: SeriesTable, at_seconds: float) -> Values:
    whole = {read.how is How.INCREASE for read in reads(expression)}
    if whole == {True, False} and isinstance(expression, Over):
        upper, lower = (_valued(side, table, at_seconds) for side in (expression.part, expression.whole))
        return {key: upper[key] / lower[key] for key in upper.keys() & lower.keys() if lower[key] > 0}
    begins = table.begins_seconds if True in whole else at_seconds - WINDOW_SECONDS
    return evaluate(expression, table, begins, at_seconds) if begins < at_seconds else {}


def _labels(expression: Expression) -> tuple[str, ...]:
    """What the keys of its values are made of."""
    return next(_by(expression), ())


def _by(expression: Expression) -> Iterator[tuple[str, ...]]:
    match expression:
        case Read() | Ruled():
            yield expression.by
        case Extreme():
            yield ()
        case Over(part, _):
            yield from _by(part)
        case Minus(left, _):
            yield from _by(left)
        case Rest(of) | Times(of) | Positive(of) | LowestBefore(of):
            yield from _by(of)
