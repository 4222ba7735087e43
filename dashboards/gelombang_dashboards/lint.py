"""Faults of a Grafana dashboard's JSON, after the rules of Grafana's dashboard-linter, and against the catalogue of metrics.

It reads the JSON as Grafana would and knows nothing of the builder, so it finds what the builder does wrong. Which of the linter's rules
apply, and which are read otherwise and why, stands in `docs/dashboards.md`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.panels.parts import GRID_COLUMNS
from gelombang_dashboards.expression_lint import SCRAPE_LABELS, expression_faults, syntax_fault

VARIABLES_WANTED = ("datasource", "job", "instance", "profile", "interval", "runbook")
SCHEMA_VERSION_LEAST = 41
DESCRIPTION_CHARACTERS_LEAST = 40
ON_TIME_CHANGE = 2
"""When Grafana reads a variable again."""
_UNITS = frozenset({"s", "bytes", "Bps", "percentunit", "short"})


class _Part(BaseModel):
    """So much of Grafana's schema as the rules read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class DataSource(_Part):
    type: str = ""
    uid: str = ""


class VariableQuery(_Part):
    query: str


class Variable(_Part):
    name: str
    type: str
    label: str = ""
    query: VariableQuery | str | None = None
    datasource: DataSource | None = None
    multi: bool = False
    include_all: bool = Field(False, alias="includeAll")
    refresh: int = 0


class Grid(_Part):
    x: int
    y: int
    w: int
    h: int


class Link(_Part):
    url: str = ""


class Target(_Part):
    letter: str = Field(alias="refId")
    expression: str = Field(alias="expr")
    legend: str = Field("", alias="legendFormat")
    interval: str = ""
    instant: bool = False
    datasource: DataSource | None = None


class Defaults(_Part):
    unit: str = ""


class FieldConfig(_Part):
    defaults: Defaults


class Panel(_Part):
    number: int = Field(alias="id")
    type: str
    title: str = ""
    description: str = ""
    grid: Grid = Field(alias="gridPos")
    datasource: DataSource | None = None
    links: list[Link] = Field(default_factory=list)
    targets: list[Target] = Field(default_factory=list)
    field_config: FieldConfig = Field(FieldConfig(defaults=Defaults()), alias="fieldConfig")


class Templating(_Part):
    variables: list[Variable] = Field(alias="list")


class Dashboard(_Part):
    editable: bool = True
    schema_version: int = Field(alias="schemaVersion")
    templating: Templating
    panels: list[Panel]

    def drawn(self) -> list[Panel]:
        """The panels that draw something: all but the rows."""
        return [panel for panel in self.panels if panel.type != "row"]


_PROMETHEUS = DataSource(type="prometheus", uid="${datasource}")


def faults(dashboard: Mapping[str, object]) -> list[str]:
    """Everything wrong with it, in reading order."""
    try:
        read = Dashboard.model_validate(dashboard)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return [f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}; want a dashboard as Grafana writes it"]
    found = [*_page_faults(read), *_variables_faults(read, dashboard), *_grid_faults(read.panels)]
    return found + [f"{panel.title or panel.number}: {fault}" for panel in read.drawn() for fault in _panel_faults(panel)]


def queries(dashboard: Mapping[str, object]) -> int:
    """How many queries its panels ask."""
    return sum(len(panel.targets) for panel in Dashboard.model_validate(dashboard).drawn())


def _page_faults(dashboard: Dashboard) -> Iterator[str]:
    if dashboard.editable:
        yield "the page is editable"
    if dashboard.schema_version < SCHEMA_VERSION_LEAST:
        yield f"the schema is older than {SCHEMA_VERSION_LEAST}"
    if _has_double([panel.number for panel in dashboard.panels]):
        yield "two panels have the same id"
    if _has_double([panel.title for panel in dashboard.panels]):
        yield "two panels have the same title"


def _has_double(values: Sequence[object]) -> bool:
    return len(values) != len(set(values))


def _variables_faults(dashboard: Dashboard, raw: Mapping[str, object]) -> Iterator[str]:
    variables = {variable.name: variable for variable in dashboard.templating.variables}
    yield from (f"there is no variable {name}" for name in VARIABLES_WANTED if name not in variables)
    for name, variable in variables.items():
        others = [other.model_dump_json() for other in variables.values() if other is not variable]
        text = "".join([json.dumps(raw["panels"]), *others])
        if not re.search(rf"\${name}\b|\${{{name}}}", text):
            yield f"the variable {name} is not used"
        if not variable.label:
            yield f"the variable {name} has no label"
        yield from (f"the variable {name} {fault}" for fault in _variable_faults(variable))


def _variable_faults(variable: Variable) -> Iterator[str]:
    if variable.name == "datasource" and (variable.type, variable.query) != ("datasource", "prometheus"):
        yield "is not a choice of Prometheus data sources"
    if variable.name in SCRAPE_LABELS and variable.type != "query":
        yield "is not asked of the data source"
    if variable.type != "query":
        return
    if variable.datasource != _PROMETHEUS:
        yield "asks another data source than the variable"
    if not (variable.multi and variable.include_all):
        yield "cannot be several or all"
    if variable.refresh != ON_TIME_CHANGE:
        yield "is not read again when the time range changes"
    asked = variable.query.query if isinstance(variable.query, VariableQuery) else variable.query or ""
    values = re.fullmatch(r"label_values\((?:(.+), )?(\w+)\)", asked)
    if values is None:
        yield "is not the values of a label"
    elif (fault := syntax_fault(values[1] or "up")) is not None:
        yield f"is {fault}"


def _grid_faults(panels: Sequence[Panel]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        grid = panel.grid
        if grid.x < 0 or grid.x + grid.w > GRID_COLUMNS or grid.w < 1 or grid.h < 1:
            yield f"{panel.title}: outside of the grid"
        cells = {(x, y) for x in range(grid.x, grid.x + grid.w) for y in range(grid.y, grid.y + grid.h)}
        for other in sorted({taken[cell] for cell in cells & taken.keys()}):
            yield f"{panel.title}: overlaps {other}"
        taken |= dict.fromkeys(cells, panel.title)


def _panel_faults(panel: Panel) -> Iterator[str]:
    if not panel.title:
        yield "no title"
    if len(panel.description) < DESCRIPTION_CHARACTERS_LEAST:
        yield "no description that says what it means and what to do"
    unit = panel.field_config.defaults.unit
    if unit not in _UNITS and not re.fullmatch(r"suffix: [a-z/]+", unit):
        yield f"unit {unit!r} is not known"
    if panel.datasource != _PROMETHEUS:
        yield "the data source is not the variable"
    if not any(link.url.startswith("${runbook}/") for link in panel.links):
        yield "no link to the runbook"
    letters = [target.letter for target in panel.targets]
    if not letters or _has_double(letters):
        yield "query letters are missing or double"
    for target in panel.targets:
        if target.datasource != panel.datasource:
            yield "a query asks another data source than its panel"
        if not target.legend:
            yield "a query has no legend"
        if target.interval != "$interval":
            yield "a query does not say its scrape interval"
        legend_labels = re.findall(r"{{\s*(\w+)\s*}}", target.legend)
        yield from expression_faults(target.expression, legend_labels, target.instant)
