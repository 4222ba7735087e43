"""Faults of a Grafana dashboard's JSON, after the rules of Grafana's dashboard-linter, and against the catalogue of metrics.

It reads the JSON as Grafana would and knows nothing of the builder. `tests/unit/test_dashboards_lint.py` spoils a good dashboard in
every way named here and sees each fault found.
"""

import json
import re
from collections.abc import Iterator

import promql_parser as promql

from gelombang.telemetry import CATALOGUE, LABEL_SETS, Kind, Metric

RECORDED = re.compile(r"^[a-z_]+:[a-z0-9_]+:[a-z0-9_]+$")
"""A recording rule's name, level:metric:operations; that each one exists is tested where the rules are."""
STOOD_FOR = {
    "$__rate_interval": "1m",
    "$__range": "15m",
    "$job": "gelombang-server|gelombang-generator",
    "$instance": "127.0.0.1:9400|127.0.0.1:9500",
    "$profile": "april-2020",
}
KNOWN_UNITS = {"s", "bytes", "Bps", "percentunit", "short"}
SCRAPE_LABELS = {"job", "instance"}
ON_TIME_CHANGE = 2
"""When Grafana reads a variable again."""


def substituted(expression: str) -> str:
    """The query with a plausible value for each of Grafana's variables; promql-parser takes no `$`."""
    for variable in sorted(STOOD_FOR, key=len, reverse=True):
        expression = expression.replace(variable, STOOD_FOR[variable])
    return expression


def faults(dashboard: dict) -> list[str]:
    """Everything wrong with it, in reading order."""
    return [*_page_faults(dashboard), *_grid_faults(dashboard["panels"])] + [
        f"{panel['title'] or panel['id']}: {fault}" for panel in drawn(dashboard) for fault in _panel_faults(panel)
    ]


def drawn(dashboard: dict) -> list[dict]:
    """The panels that draw something: all but the rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def _page_faults(dashboard: dict) -> Iterator[str]:
    if dashboard["editable"] is not False:
        yield "the page is editable"
    if dashboard["schemaVersion"] < 41:
        yield "the schema is older than 41"
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        yield "two panels have the same id"
    titles = [panel["title"] for panel in dashboard["panels"]]
    if len(titles) != len(set(titles)):
        yield "two panels have the same title"
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    for name in ("datasource", "job", "instance", "profile", "interval", "runbook"):
        if name not in variables:
            yield f"there is no variable {name}"
    for name, variable in variables.items():
        others = [v for other, v in variables.items() if other != name]
        text = json.dumps([dashboard["panels"], others])
        if not re.search(rf"\${name}\b|\${{{name}}}", text):
            yield f"the variable {name} is not used"
        if not variable.get("label"):
            yield f"the variable {name} has no label"
        yield from (f"the variable {name} {fault}" for fault in _variable_faults(variable))


def _variable_faults(variable: dict) -> Iterator[str]:
    if variable["name"] == "datasource" and (variable["type"], variable["query"]) != ("datasource", "prometheus"):
        yield "is not a choice of Prometheus data sources"
    if variable["name"] in SCRAPE_LABELS and variable["type"] != "query":
        yield "is not asked of the data source"
    if variable["type"] != "query":
        return
    if variable["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
        yield "asks another data source than the variable"
    if not (variable["multi"] and variable["includeAll"]):
        yield "cannot be several or all"
    if variable["refresh"] != ON_TIME_CHANGE:
        yield "is not read again when the time range changes"
    asked = re.fullmatch(r"label_values\((?:(.+), )?(\w+)\)", variable["query"]["query"])
    if asked is None:
        yield "is not the values of a label"
        return
    try:
        promql.parse(substituted(asked[1] or "up"))
    except ValueError as error:
        yield f"is not PromQL: {error}"


def _grid_faults(panels: list[dict]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        grid = panel["gridPos"]
        if grid["x"] < 0 or grid["x"] + grid["w"] > 24 or grid["w"] < 1 or grid["h"] < 1:
            yield f"{panel['title']}: outside of the grid"
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        for other in sorted({taken[cell] for cell in cells & taken.keys()}):
            yield f"{panel['title']}: overlaps {other}"
        taken |= dict.fromkeys(cells, panel["title"])


def _panel_faults(panel: dict) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]
    if not panel["title"]:
        yield "no title"
    if len(panel.get("description", "")) < 40:
        yield "no description that says what it means and what to do"
    unit = defaults.get("unit", "")
    if unit not in KNOWN_UNITS and not re.fullmatch(r"suffix: [a-z/]+", unit):
        yield f"unit {unit!r} is not known"
    if panel["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
        yield "the data source is not the variable"
    if not any(link.get("url", "").startswith("${runbook}/") for link in panel.get("links", [])):
        yield "no link to the runbook"
    refs = [target["refId"] for target in panel["targets"]]
    if not refs or len(refs) != len(set(refs)):
        yield "query letters are missing or double"
    for target in panel["targets"]:
        if target["datasource"] != panel["datasource"]:
            yield "a query asks another data source than its panel"
        if not target["legendFormat"]:
            yield "a query has no legend"
        if target["interval"] != "$interval":
            yield "a query does not say its scrape interval"
        legend_labels = re.findall(r"{{\s*(\w+)\s*}}", target["legendFormat"])
        yield from expression_faults(target["expr"], legend_labels, instant=target["instant"])


def expression_faults(expression: str, legend_labels: list[str], instant: bool) -> Iterator[str]:
    """Faults of one PromQL expression with Grafana's variables."""
    for function, found in re.findall(r"(\w+)\([^()]*\[([^]]*)\]", expression):
        window = "$__range" if instant and function == "increase" else "$__rate_interval"
        if found != window:
            yield f"the window is {found}; want {window}"
    rules = len(re.findall(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9_]+\{", expression))
    for needed, wanted in (('job=~"$job"', expression.count("{")), ('instance=~"$instance"', expression.count("{") - rules)):
        if expression.count(needed) != wanted:
            yield f"a selector lacks {needed}"
    try:
        tree = promql.parse(substituted(expression))
    except ValueError as error:
        yield f"not PromQL: {error}"
        return
    yield from _tree_faults(tree, legend_labels)


def _tree_faults(tree: promql.Expr, legend_labels: list[str]) -> Iterator[str]:
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


def _selector_faults(node: promql.VectorSelector, functions: list[str]) -> Iterator[str]:
    metric = _metric(node.name or "")
    if RECORDED.match(node.name or ""):
        return
    if metric is None:
        yield f"{node.name} is not in the catalogue"
        return
    counter = metric.kind is not Kind.GAUGE
    if counter and not {"rate", "increase"} & set(functions):
        yield f"{node.name} counts up and is read without rate or increase"
    if not counter and {"rate", "increase"} & set(functions):
        yield f"{node.name} is a gauge and is read through a rate"
    for matcher in node.matchers.matchers:
        if matcher.name not in _labels(node.name or ""):
            yield f"{node.name} has no label {matcher.name}"
            continue
        label_set = LABEL_SETS.get((metric.side, matcher.name))
        if label_set is None or not label_set.values:
            continue
        values = matcher.value.split("|") if "Re" in str(matcher.op) else [matcher.value]
        for value in values:
            if value not in label_set.values:
                yield f"{matcher.name} of {node.name} is never {value!r}"


def _metric(series: str) -> Metric | None:
    for metric in CATALOGUE:
        histogram = metric.kind is Kind.HISTOGRAM
        names = {metric.name + end for end in ("_bucket", "_sum", "_count")} if histogram else {metric.name}
        if series in names:
            return metric
    return None


def _labels(series: str) -> set[str]:
    metric = _metric(series)
    labels = set() if metric is None else set(metric.labels)
    return labels | SCRAPE_LABELS | ({"le"} if series.endswith("_bucket") else set())
