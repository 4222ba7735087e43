"""Faults of one PromQL expression: what does not parse, and what the catalogue of metrics does not know.

The parser is promql-parser, which takes no `$`: a plausible value stands for each of Grafana's variables.
"""

import re
from collections.abc import Collection, Iterator

import promql_parser as promql

from gelombang.telemetry import CATALOGUE, Kind, Metric
from gelombang.telemetry_labels import LABEL_SETS

RECORDED = re.compile(r"^[a-z_]+:[a-z0-9_]+:[a-z0-9_]+$")
"""A recording rule's name, level:metric:operations; that each one exists is tested where the rules are."""
SCRAPE_LABELS = frozenset({"job", "instance"})
_STOOD_FOR = {
    "$__rate_interval": "1m",
    "$__range": "15m",
    "$job": "gelombang-server|gelombang-generator",
    "$instance": "127.0.0.1:9400|127.0.0.1:9500",
    "$profile": "april-2020",
}


def syntax_fault(expression: str) -> str | None:
    """Why it is no PromQL; None when it is."""
    try:
        promql.parse(_substituted(expression))
    except ValueError as error:
        return f"not PromQL: {error}"
    return None


def expression_faults(expression: str, legend_labels: Collection[str], instant: bool) -> Iterator[str]:
    """Faults of one query of a dashboard, with Grafana's variables."""
    for function, found in re.findall(r"(\w+)\([^()]*\[([^]]*)\]", expression):
        window = "$__range" if instant and function == "increase" else "$__rate_interval"
        if found != window:
            yield f"the window is {found}; want {window}"
    rules = len(re.findall(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9_]+\{", expression))
    selectors = expression.count("{")
    for needed, wanted in (('job=~"$job"', selectors), ('instance=~"$instance"', selectors - rules)):
        if expression.count(needed) != wanted:
            yield f"a selector lacks {needed}"
    fault = syntax_fault(expression)
    if fault is not None:
        yield fault
        return
    yield from _tree_faults(promql.parse(_substituted(expression)), legend_labels)


def _substituted(expression: str) -> str:
    for variable in sorted(_STOOD_FOR, key=len, reverse=True):
        expression = expression.replace(variable, _STOOD_FOR[variable])
    return expression


def _tree_faults(tree: promql.Expr, legend_labels: Collection[str]) -> Iterator[str]:
    found: list[str] = []
    above: list[promql.Expr] = []
    grouped: set[str] = set()

    def enter(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.extend(_selector_faults(node, [n.func.name for n in above if isinstance(n, promql.Call)]))
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            grouped.update(node.modifier.labels)
            names = _selected(node)
            known = {label for name in names for label in _labels(name)}
            if any(RECORDED.match(name) for name in names):
                known |= set(node.modifier.labels)
            found.extend(f"summed by {label}, which no metric of it has" for label in set(node.modifier.labels) - known)
        above.append(node)

    def leave(_: promql.Expr) -> None:
        above.pop()

    promql.walk(tree, enter, leave)
    found.extend(f"the legend shows {label}, by which is not summed" for label in legend_labels if label not in grouped)
    yield from found


def _selected(node: promql.Expr) -> list[str]:
    names: list[str] = []
    promql.walk(node, lambda n: names.append(n.name or "") if isinstance(n, promql.VectorSelector) else None)
    return names


def _selector_faults(node: promql.VectorSelector, functions: Collection[str]) -> Iterator[str]:
    name: str = node.name or ""
    if RECORDED.match(name):
        return
    metric = _metric(name)
    if metric is None:
        yield f"{name} is not in the catalogue"
        return
    counter = metric.kind is not Kind.GAUGE
    if counter and not {"rate", "increase"} & set(functions):
        yield f"{name} counts up and is read without rate or increase"
    if not counter and {"rate", "increase"} & set(functions):
        yield f"{name} is a gauge and is read through a rate"
    for matcher in node.matchers.matchers:
        if matcher.name not in _labels(name):
            yield f"{name} has no label {matcher.name}"
            continue
        label_set = LABEL_SETS.get((metric.side, matcher.name))
        if label_set is None or not label_set.values:
            continue
        values = matcher.value.split("|") if "Re" in str(matcher.op) else [matcher.value]
        yield from (f"{matcher.name} of {name} is never {value!r}" for value in values if value not in label_set.values)


def _metric(series: str) -> Metric | None:
    for metric in CATALOGUE:
        histogram = metric.kind is Kind.HISTOGRAM
        names = {metric.name + end for end in ("_bucket", "_sum", "_count")} if histogram else {metric.name}
        if series in names:
            return metric
    return None


def _labels(series: str) -> frozenset[str]:
    metric = _metric(series)
    labels: frozenset[str] = frozenset() if metric is None else frozenset(metric.labels)
    return labels | SCRAPE_LABELS | (frozenset({"le"}) if series.endswith("_bucket") else frozenset())
