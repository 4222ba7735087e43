"""An expression as PromQL text.

On a dashboard selectors carry `$job` and `$instance`, windows are Grafana's `$__rate_interval` (four scrapes or more) for lines and
`$__range` (the time shown) for totals. In a rule there is nothing to choose and the window is given.
"""

from dataclasses import dataclass

from gelombang.panels.expression import Answered, Expression, Extreme, How, LowestBefore, Minus, Over, Positive, Read, Rest, Ruled, Times
from gelombang.telemetry import Kind


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression is asked: which series are chosen from, and over which windows."""

    chosen: str = 'job=~"$job", instance=~"$instance"'
    rate_window: str = "$__rate_interval"
    range_window: str = "$__range"
    before: str = "1h:5m"
    """How far back the last good time is looked for, and in which steps."""
    job: str = 'job=~"$job"'
    """What is chosen of a recording rule, whose series have no instance."""


DASHBOARD = Scope()


def promql(expression: Expression, scope: Scope = DASHBOARD) -> str:
    """The text of an expression."""
    match expression:
        case Read():
            return _read(expression, scope)
        case Over(part, whole, absent_is_zero):
            upper, lower = _inner(part, scope), _inner(whole, scope)
            if absent_is_zero:
                upper = f"({upper} or 0 * {lower})"
            return f"{upper} / ({lower} > 0)"
        case Rest(of):
            return f"1 - {_inner(of, scope)}"
        case Minus(left, right):
            return f"{_inner(left, scope)} - {_inner(right, scope)}"
        case Times(of, factor):
            return f"{factor:g} * {_inner(of, scope)}"
        case Positive(of):
            return f"{_inner(of, scope)} > 0"
        case Answered(side):
            return f'min(avg_over_time(up{{job="gelombang-{side}"}}[{scope.rate_window}]))'
        case Extreme(of, is_largest):
            return f"{'max' if is_largest else 'min'}({promql(of, scope)})"
        case LowestBefore(of):
            return f"min_over_time(({promql(of, scope)})[{scope.before}])"
        case Ruled(rule, _, by, top):
            asked = f"{rule}{{{scope.job}}}" if scope.job else rule
            summed = f"sum{_by(by)}({asked})"
            return f"topk(1, {summed})" if top else summed


def _inner(expression: Expression, scope: Scope) -> str:
    text = promql(expression, scope)
    return text if isinstance(expression, Read | Answered | Extreme | LowestBefore | Ruled) else f"({text})"


def _read(read: Read, scope: Scope) -> str:
    name = f"{read.metric.name}_bucket" if read.metric.kind is Kind.HISTOGRAM else read.metric.name
    matchers = ", ".join([*([scope.chosen] if scope.chosen else []), *map(str, read.where)])
    selector = f"{name}{{{matchers}}}" if matchers else name
    match read.how:
        case How.RATE:
            return f"sum{_by(read.by)}(rate({selector}[{scope.rate_window}]))"
        case How.INCREASE:
            return f"sum{_by(read.by)}(increase({selector}[{scope.range_window}]))"
        case How.LEVEL:
            return f"sum{_by(read.by)}({selector})"
        case How.LOWEST:
            return f"sum{_by(read.by)}(min_over_time({selector}[{scope.rate_window}]))"
        case How.QUANTILE:
            return f"histogram_quantile({read.probability:g}, sum{_by(('le', *read.by))}(rate({selector}[{scope.rate_window}])))"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""
