"""PromQL written from the catalogue of metrics: an expression can only name a metric and labels that exist.

One idea: every function takes a `Metric`, checks what is asked of it, and gives text. Counters are always read through a rate or an
increase. Selectors carry the dashboard's `$job` and `$instance`, windows are Grafana's `$__rate_interval` (four scrapes or more) for
lines and `$__range` (the time shown) for totals.
"""

import re

from gelombang.telemetry import Kind, Metric

RATE_WINDOW = "$__rate_interval"
RANGE_WINDOW = "$__range"
_CHOSEN = 'job=~"$job", instance=~"$instance"'


def _selector(metric: Metric, name: str, where: tuple[str, ...]) -> str:
    for matcher in where:
        label = re.split("[=!]", matcher)[0]
        assert label in metric.labels, f"{metric.name} has no label {label}; it has {metric.labels}"
    return f"{name}{{{', '.join((_CHOSEN, *where))}}}"


def _by(metric: Metric, by: tuple[str, ...], more: tuple[str, ...] = ()) -> str:
    known = (*metric.labels, "job", "instance")
    assert set(by) <= set(known), f"{metric.name} can be summed by {known}, not by {by}"
    names = (*more, *by)
    return f" by ({', '.join(names)}) " if names else ""


def per_second(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> str:
    """How fast a counter grows, summed over processes."""
    assert metric.kind is Kind.COUNTER, f"{metric.name} is a {metric.kind}; want a counter"
    return f"sum{_by(metric, by)}(rate({_selector(metric, metric.name, where)}[{RATE_WINDOW}]))"


def counted(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> str:
    """By how much a counter grew over the time shown, summed over processes."""
    assert metric.kind is Kind.COUNTER, f"{metric.name} is a {metric.kind}; want a counter"
    return f"sum{_by(metric, by)}(increase({_selector(metric, metric.name, where)}[{RANGE_WINDOW}]))"


def now(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> str:
    """A gauge, summed over processes."""
    assert metric.kind is Kind.GAUGE, f"{metric.name} is a {metric.kind}; want a gauge"
    return f"sum{_by(metric, by)}({_selector(metric, metric.name, where)})"


def quantile(q: float, metric: Metric, *where: str, by: tuple[str, ...] = ()) -> str:
    """A quantile of a histogram, from the summed buckets of all processes: percentiles are never averaged."""
    assert metric.kind is Kind.HISTOGRAM, f"{metric.name} is a {metric.kind}; want a histogram"
    assert 0 < q < 1
    buckets = _selector(metric, f"{metric.name}_bucket", where)
    return f"histogram_quantile({q}, sum{_by(metric, by, more=('le',))}(rate({buckets}[{RATE_WINDOW}])))"


def share(part: str, whole: str) -> str:
    """`part` of `whole`, 0 to 1; 0 where no series of `part` exists yet, and no value while `whole` stands still."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"
