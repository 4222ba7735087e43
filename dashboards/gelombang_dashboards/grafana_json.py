"""Grafana's dashboard JSON (schema version 41, Grafana 12; Grafana 11 takes it too) from a page of the panel catalogue.

The same page gives the same text, byte for byte: ids count up in reading order, the grid is filled left to right, nothing asks a
clock. Every query goes to the data source chosen on the page, and `$interval` tells Grafana how often is scraped, so that
`$__rate_interval` spans at least four scrapes. Written by hand rather than with Grafana's SDK, whose plain installation resolves to
the schema of Grafana 10.1.
"""

import json

from gelombang.panels.parts import GRID_COLUMNS, Form, Page, Paint, Panel, Query, Runbook
from gelombang.panels.promql import promql
from gelombang.telemetry import GENERATOR_INFO, SERVER_INFO, Side

Json = dict[str, object]

SCHEMA_VERSION = 41
RUNBOOK_ADDRESS = "docs/runbook"
"""As in this repository; whoever serves the pages puts their address there."""
_PROMETHEUS: Json = {"type": "prometheus", "uid": "${datasource}"}
_INFO = f'__name__=~"{SERVER_INFO.name}|{GENERATOR_INFO.name}"'
_ALERTS = "|".join(page.alert for page in Runbook)
_PAGES_LINK: Json = {
    "type": "dashboards",
    "title": "gelombang",
    "tags": ["gelombang"],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
}
"""From each page to all of them, with the same time and choices."""
_MARKS = (("Phases", "phase", "blue"), ("Faults", "fault", "orange"))
"""Marks that `gelombang dashboards push --run` sets: name, tag, colour."""
_NOTHING = {Side.SERVER: "no data", Side.GENERATOR: "no client data: no generator runs"}


def dashboard_json(page: Page) -> str:
    """The file that Grafana imports, with a newline at its end."""
    return json.dumps(_page(page), indent=2, ensure_ascii=False) + "\n"


def _page(page: Page) -> Json:
    return {
        "uid": page.uid,
        "id": None,
        "title": page.title,
        "description": page.description,
        "tags": list(page.tags),
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-15m", "to": "now"},
        "refresh": "5s",
        "timepicker": {"refresh_intervals": ["1s", "5s", "15s", "1m", "5m"]},
        "templating": {"list": _variables()},
        "annotations": {"list": [_alert_annotation(), *(_mark(*mark) for mark in _MARKS)]},
        "links": [_PAGES_LINK],
        "panels": _panels(page),
    }


def _variables() -> list[Json]:
    steps = ("1s", "5s", "15s", "30s", "1m")
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "options": [],
            "refresh": 1,
            "regex": "",
            "multi": False,
            "includeAll": False,
            "hide": 0,
        },
        _labels_variable("job", "Job", _INFO),
        _labels_variable("profile", "Profile", f'{_INFO}, job=~"$job"'),
        _labels_variable("instance", "Instance", f'{_INFO}, job=~"$job", profile=~"$profile"'),
        {
            "name": "interval",
            "label": "Scrape interval",
            "description": "How often Prometheus asks; rates look back over four of these or more.",
            "type": "interval",
            "query": ",".join(steps),
            "current": {"selected": True, "text": steps[0], "value": steps[0]},
            "options": [{"selected": step == steps[0], "text": step, "value": step} for step in steps],
            "auto": False,
            "refresh": 2,
            "hide": 0,
        },
        {
            "name": "runbook",
            "label": "Runbook",
            "description": "Where the pages of docs/runbook are served; the panels' links begin with it.",
            "type": "textbox",
            "query": RUNBOOK_ADDRESS,
            "current": {"selected": True, "text": RUNBOOK_ADDRESS, "value": RUNBOOK_ADDRESS},
            "options": [{"selected": True, "text": RUNBOOK_ADDRESS, "value": RUNBOOK_ADDRESS}],
            "hide": 0,
        },
    ]


def _labels_variable(label: str, title: str, matchers: str) -> Json:
    """Values of one label of the info metrics; "All" stands for the values listed, so a profile chosen narrows the instances."""
    expression = f"label_values({{{matchers}}}, {label})"
    return {
        "name": label,
        "label": title,
        "type": "query",
        "datasource": _PROMETHEUS,
        "definition": expression,
        "query": {"query": expression, "refId": f"variable-{label}"},
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
        "regex": "",
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "hide": 0,
    }


def _alert_annotation() -> Json:
    """Marks on the time axis while an alert of ours fires."""
    return {
        "name": "Alerts",
        "datasource": _PROMETHEUS,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": f'ALERTS{{alertname=~"{_ALERTS}", alertstate="firing"}}',
        "step": "5s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{job}}",
    }


def _mark(name: str, tag: str, colour: str) -> Json:
    """Marks of one kind out of Grafana's own store."""
    return {
        "name": name,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "target": {"type": "tags", "tags": ["gelombang", tag], "matchAny": False, "limit": 100},
    }


def _panels(page: Page) -> list[Json]:
    written: list[Json] = []
    top = 0
    for row in page.rows:
        grid = {"x": 0, "y": top, "w": GRID_COLUMNS, "h": 1}
        written.append({"id": len(written) + 1, "type": "row", "title": row.title, "collapsed": False, "gridPos": grid, "panels": []})
        top += 1
        left, line_height = 0, 0
        for panel in row.panels:
            if left + panel.columns > GRID_COLUMNS:
                top, left, line_height = top + line_height, 0, 0
            grid = {"x": left, "y": top, "w": panel.columns, "h": panel.height}
            written.append(_panel(panel, len(written) + 1, grid))
            left += panel.columns
            line_height = max(line_height, panel.height)
        top += line_height
    return written


def _panel(panel: Panel, number: int, grid: dict[str, int]) -> Json:
    defaults: Json = {"unit": panel.unit.value, "noValue": _NOTHING[panel.side], "color": {"mode": "palette-classic"}}
    if panel.lowest is not None:
        defaults["min"] = panel.lowest
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.highest is not None:
        defaults["max"] = panel.highest
    if panel.form is Form.LINES:
        defaults["custom"] = _line_style(panel)
    written: Json = {
        "id": number,
        "type": panel.form.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": _PROMETHEUS,
        "gridPos": grid,
        "interval": "$interval",
        "links": [{"title": "Runbook", "url": f"${{runbook}}/{panel.runbook}.md", "targetBlank": True}],
        "targets": [_target(query, chr(ord("A") + place), panel.form) for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": [_override(paint) for paint in panel.paints]},
        "options": _options(panel.form),
    }
    if panel.form is Form.TABLE:
        written["transformations"] = [
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": panel.queries[0].legend}}}
        ]
    return written


def _target(query: Query, ref: str, form: Form) -> Json:
    return {
        "refId": ref,
        "datasource": _PROMETHEUS,
        "expr": promql(query.expression),
        "legendFormat": query.legend,
        "interval": "$interval",
        "instant": query.instant,
        "range": not query.instant,
        "format": "table" if form is Form.TABLE else "time_series",
        "editorMode": "code",
    }


def _line_style(panel: Panel) -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 70 if panel.stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }


def _options(form: Form) -> Json:
    if form is Form.LINES:
        return {
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if form is Form.BARS:
        return {
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "color",
            "showUnfilled": True,
            "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        }
    if form is Form.NUMBERS:
        return {
            "colorMode": "none",
            "graphMode": "none",
            "justifyMode": "auto",
            "textMode": "value_and_name",
            "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        }
    return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}


def _override(paint: Paint) -> Json:
    mode = "shades" if paint.shades else "fixed"
    properties: list[Json] = [{"id": "color", "value": {"mode": mode, "fixedColor": paint.colour.value}}]
    if paint.dashed:
        properties.append({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}})
        properties.append({"id": "custom.fillOpacity", "value": 0})
    return {"matcher": {"id": "byRegexp", "options": f"/{paint.series_regex}/"}, "properties": properties}
