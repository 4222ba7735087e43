"""An expression as PromQL text.

On a dashboard selectors carry `$job` and `$instance`, windows are Grafana's `$__rate_interval` (four scrapes or more) for lines and
`$__range` (the time shown) for totals. In a rule there is nothing to choose and the window is given.
"""

from dataclasses import dataclass, replace

from gelombang.intervals import deviations
from gelombang.panels.expression import (
    Answered,
    Expression,
    Extreme,
    How,
    Longer,
    LowestBefore,
    Minus,
    Over,
    Plus,
    Positive,
    Read,
    Rest,
    Ruled,
    ShareBound,
    Times,
)
from gelombang.telemetry import Kind


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression is asked: which series are chosen from, and over which windows."""

    chosen: str = 'job=~"$job", instance=~"$instance"'
    rate_window: str = "$__rate_interval"
    range_window: str = "$__range"
    before: str = "1h:5m"
    """How far back the last good time is looked for, and in which steps."""
    longer: tuple[str, ...] = ()
    """What `Longer` makes of the windows: at place n those of n + 2 windows. A dashboard has none: its window is the reader's choice."""
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
        case Plus(left, right):
            one, other = _inner(left, scope), _inner(right, scope)
            return f"({one} or 0 * {other}) + {other}"
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
        case Longer(of, windows):
            window = scope.longer[windows - 2]
            return promql(of, replace(scope, rate_window=window, range_window=window))
        case ShareBound():
            return _share_bound(expression, scope)
        case Ruled(rule, _, by, top):
            asked = f"{rule}{{{scope.job}}}" if scope.job else rule
            summed = f"sum{_by(by)}({asked})"
            return f"topk(1, {summed})" if top else summed


def _share_bound(bound: ShareBound, scope: Scope) -> str:
    """Wilson's interval with counts worth 1/d, multiplied by d: only k = d z² stays of both."""
    k = bound.design_effect * deviations(bound.alpha) ** 2
    whole = f"({_inner(bound.whole, scope)} > 0)"
    part = f"({_inner(bound.part, scope)} or 0 * {_inner(bound.whole, scope)})"
    reach = f"sqrt({k:.6g} * ({part} * clamp_min({whole} - {part}, 0) / {whole} + {k / 4:.6g}))"
    return f"({part} + {k / 2:.6g} {'+' if bound.is_upper else '-'} {reach}) / ({whole} + {k:.6g})"


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
