"""The panels of the catalogue at one moment of a run, from its series: what Grafana would show, without it.

Rates, levels and quantiles are over the last `WINDOW_SECONDS` of wall time, totals over the run so far. What a panel asks of a recording
rule the diagnosis knows, which evaluates the same table on the same series.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gelombang.diagnosis.diagnose import Diagnosis
from gelombang.panels.catalogue import PAGES
from gelombang.panels.evaluation import Values, evaluate
from gelombang.panels.expression import Expression, Extreme, How, LowestBefore, Minus, Over, Positive, Read, Rest, Ruled, Times, reads
from gelombang.panels.now_page import EXCESS_RULE, FINDINGS_RULE, TREND_RULE
from gelombang.panels.parts import Form, Panel
from gelombang.series import SeriesTable

WINDOW_SECONDS = 5.0
LINES_LIMIT = 24
"""Of one panel; the largest are kept."""


@dataclass(frozen=True, slots=True)
class LivePanel:
    """A panel; `number` is its place among all panels of the catalogue."""

    number: int
    panel: Panel


@dataclass(frozen=True, slots=True)
class RuleValues:
    """What the series of one recording rule would be now: a number by the values of its labels."""

    labels: tuple[str, ...]
    values: Values


def live_panels() -> tuple[LivePanel, ...]:
    """Every panel, in reading order."""
    everything = [panel for page in PAGES for row in page.rows for panel in row.panels]
    return tuple(LivePanel(number, panel) for number, panel in enumerate(everything))


def rule_values(found: Diagnosis | None) -> Mapping[str, RuleValues]:
    """By rule, as the diagnosis has it; None: there is none yet."""
    if found is None:
        return {}
    change = found.failing_change_ratio
    return {
        TREND_RULE: RuleValues((), {} if change is None else {(): change}),
        EXCESS_RULE: RuleValues(("stage", "code"), found.excess),
        FINDINGS_RULE: RuleValues(
            ("cause", "owner", "knob"), {(finding.cause, finding.owner, finding.knob): 1.0 for finding in found.findings}
        ),
    }


def panel_values(live: LivePanel, table: SeriesTable, at_seconds: float, rules: Mapping[str, RuleValues]) -> dict[str, float]:
    """The panel's lines by their legends, at this moment; empty where there is nothing to tell."""
    found: dict[str, float] = {}
    for query in live.panel.queries:
        by = _labels(query.expression)
        valued = _ruled(query.expression, rules) if isinstance(query.expression, Ruled) else _valued(query.expression, table, at_seconds)
        for key, value in valued.items():
            legend = " · ".join(key) if live.panel.form is Form.TABLE and key else query.legend
            for label, text in zip(by, key, strict=True):
                legend = legend.replace(f"{{{{{label}}}}}", text)
            found[legend] = value
    largest = sorted(found, key=lambda legend: -found[legend])[:LINES_LIMIT]
    return {legend: found[legend] for legend in found if legend in largest}


def _ruled(asked: Ruled, rules: Mapping[str, RuleValues]) -> Values:
    """Summed by what is asked, or of that the largest alone."""
    rule = rules.get(asked.rule)
    if rule is None:
        return {}
    found: Values = {}
    for labels, value in rule.values.items():
        key = tuple(labels[rule.labels.index(label)] for label in asked.by)
        found[key] = found.get(key, 0.0) + value
    largest = max(found, key=lambda key: found[key], default=None) if asked.top else None
    return found if largest is None else {largest: found[largest]}


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
