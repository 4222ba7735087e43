"""An expression evaluated on the series that a run kept, over one window: what its PromQL gives at the window's end.

Where Prometheus extrapolates a rate to the window's edges, this counts what happened between the last sample before the window and the
last in it; on a steady flow both say the same within one sample in the window's number of samples.
"""

import math

from gelombang.intervals import share_interval
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
from gelombang.series import UP, Series, SeriesTable
from gelombang.telemetry import Kind

Values = dict[tuple[str, ...], float]
"""A number by the values of the labels that are summed by."""

EARLIER_WINDOWS = 12
"""How many windows back, one after the other, the last good time is looked for."""


def evaluate(expression: Expression, table: SeriesTable, from_seconds: float, to_seconds: float) -> Values:
    """The expression's values over the window; empty where there is nothing to tell."""
    assert from_seconds < to_seconds
    match expression:
        case Read():
            return _read(expression, table, from_seconds, to_seconds)
        case Over(part, whole, absent_is_zero):
            upper, lower = (evaluate(side, table, from_seconds, to_seconds) for side in (part, whole))
            keys = lower.keys() if absent_is_zero else upper.keys() & lower.keys()
            return {key: upper.get(key, 0.0) / lower[key] for key in keys if lower[key] > 0}
        case Rest(of):
            return {key: 1.0 - value for key, value in evaluate(of, table, from_seconds, to_seconds).items()}
        case Minus(left, right):
            one, other = (evaluate(side, table, from_seconds, to_seconds) for side in (left, right))
            return {key: one[key] - other[key] for key in one.keys() & other.keys()}
        case Plus(left, right):
            one, other = (evaluate(side, table, from_seconds, to_seconds) for side in (left, right))
            return {key: one.get(key, 0.0) + also for key, also in other.items()}
        case Times(of, factor):
            return {key: factor * value for key, value in evaluate(of, table, from_seconds, to_seconds).items()}
        case Positive(of):
            return {key: value for key, value in evaluate(of, table, from_seconds, to_seconds).items() if value > 0}
        case Answered(side):
            answered = [
                mean
                for series in table.named(UP)
                if series.labels.get("job") == f"gelombang-{side}" and (mean := series.mean(from_seconds, to_seconds)) is not None
            ]
            return {(): min(answered)} if answered else {}
        case Extreme(of, is_largest):
            found = evaluate(of, table, from_seconds, to_seconds).values()
            return {(): (max if is_largest else min)(found)} if found else {}
        case LowestBefore(of):
            return _lowest_before(of, table, from_seconds, to_seconds)
        case Longer(of, windows):
            earliest = max(to_seconds - windows * (to_seconds - from_seconds), table.begins_seconds)
            return evaluate(of, table, min(earliest, from_seconds), to_seconds)
        case ShareBound(part, whole):
            upper, lower = (evaluate(side, table, from_seconds, to_seconds) for side in (part, whole))
            return {key: _share_bound(expression, upper.get(key, 0.0), count) for key, count in lower.items() if count > 0}
        case Ruled():
            return {}


def value(expression: Expression, table: SeriesTable, from_seconds: float, to_seconds: float) -> float | None:
    """The one number of an expression that is summed by nothing; None where there is nothing to tell."""
    return evaluate(expression, table, from_seconds, to_seconds).get(())


def _read(read: Read, table: SeriesTable, from_seconds: float, to_seconds: float) -> Values:
    is_histogram = read.metric.kind is Kind.HISTOGRAM
    chosen = table.named(f"{read.metric.name}_bucket" if is_histogram else read.metric.name)
    by = (*read.by, "le") if is_histogram else read.by
    sums: Values = {}
    for series in chosen:
        if all(matcher.accepts(series.labels.get(matcher.label, "")) for matcher in read.where):
            found = _sample(read.how, series, from_seconds, to_seconds)
            if found is not None:
                key = tuple(series.labels.get(label, "") for label in by)
                sums[key] = sums.get(key, 0.0) + found
    return _quantiles(sums, read.probability) if is_histogram else sums


def _lowest_before(of: Expression, table: SeriesTable, from_seconds: float, to_seconds: float) -> Values:
    width, begins = to_seconds - from_seconds, table.begins_seconds
    found: Values = {}
    for back in range(EARLIER_WINDOWS):
        if from_seconds - back * width < begins:
            break
        for key, value in evaluate(of, table, from_seconds - back * width, to_seconds - back * width).items():
            found[key] = min(found.get(key, math.inf), value)
    return found


def _share_bound(bound: ShareBound, part: float, whole: float) -> float:
    # Two counters are read one after the other, so a part may seem larger than its whole.
    worth = min(part, whole) / bound.design_effect, whole / bound.design_effect
    found = share_interval(*worth, bound.alpha)
    return found.high if bound.is_upper else found.low


def _sample(how: How, series: Series, from_seconds: float, to_seconds: float) -> float | None:
    if how is How.LOWEST:
        return series.lowest(from_seconds, to_seconds)
    if how is How.LEVEL:
        last = series.last(to_seconds)
        return last if series.times[-1] >= from_seconds else None
    growth = series.growth(from_seconds, to_seconds)
    if growth is None or how is How.INCREASE:
        return growth
    return growth / (to_seconds - from_seconds)


def _quantiles(buckets: Values, probability: float) -> Values:
    """As Prometheus's histogram_quantile: linear within the bucket, the last finite bound above it."""
    groups: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for (*key, bound), count in buckets.items():
        groups.setdefault(tuple(key), []).append((math.inf if bound == "+Inf" else float(bound), count))
    return {key: found for key, own in groups.items() if (found := _quantile(sorted(own), probability)) is not None}


def _quantile(cumulative: list[tuple[float, float]], probability: float) -> float | None:
    total = cumulative[-1][1]
    if total <= 0 or len(cumulative) < 2:
        return None
    wanted = probability * total
    lower_bound, lower_count = 0.0, 0.0
    for bound, count in cumulative:
        if count >= wanted:
            if math.isinf(bound):
                return lower_bound
            return lower_bound + (bound - lower_bound) * (wanted - lower_count) / (count - lower_count)
        lower_bound, lower_count = bound, count
    return lower_bound
