"""The rules as files: for Prometheus, for the Prometheus operator (a PrometheusRule object), and for Grafana's own alerting.

All three say the same, from the same lists. Grafana evaluates alerts alone: its file needs the recording rules in the data source.
"""

from collections.abc import Sequence

from gelombang_dashboards.alert_rules import Alert, alert_rules
from gelombang_dashboards.recording_rules import Recorded, finding_rules, recording_rules
from gelombang_dashboards.rule_clock import RuleClock, duration
from gelombang_dashboards.yaml_text import Yaml, yaml_text

DATA_SOURCE_UID = "gelombang-prometheus"
GRAFANA_FOLDER = "gelombang"
_GRAFANA_INTERVAL_SECONDS = 10
"""Grafana evaluates in multiples of ten seconds."""
FINDINGS_SLOWER = 2.0
"""Findings are evaluated so much less often than the rest."""
_NO_DATA = "OK"
"""An expression without a result is an alert that does not fire."""


def recording_file(clock: RuleClock) -> str:
    """`recording.yml`."""
    return yaml_text({"groups": [_recording_group("gelombang-uploads", recording_rules(clock), clock)]}, _head("Recording rules", clock))


def findings_file(clock: RuleClock) -> str:
    """`findings.yml`."""
    return yaml_text({"groups": [_findings_group(clock)]}, _head("What the diagnosis finds", clock))


def alerts_file(clock: RuleClock) -> str:
    """`alerts.yml`."""
    return yaml_text({"groups": _alert_groups(clock)}, _head("Alerts", clock))


def operator_file(clock: RuleClock) -> str:
    """A PrometheusRule for the Prometheus operator."""
    body: Yaml = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "gelombang", "labels": {"app.kubernetes.io/part-of": "gelombang"}},
        "spec": {
            "groups": [
                _recording_group("gelombang-uploads", recording_rules(clock), clock),
                _findings_group(clock),
                *_alert_groups(clock),
            ]
        },
    }
    return yaml_text(body, _head("Recording rules and alerts", clock))


def grafana_file(clock: RuleClock) -> str:
    """Grafana's file provisioning of alert rules."""
    group: Yaml = {
        "orgId": 1,
        "name": "gelombang-alerts",
        "folder": GRAFANA_FOLDER,
        "interval": duration(_GRAFANA_INTERVAL_SECONDS),
        "rules": [grafana_rule(alert, clock) for alert in alert_rules(clock)],
    }
    return yaml_text({"apiVersion": 1, "groups": [group]}, _head("Alert rules that Grafana evaluates", clock))


def grafana_rule(alert: Alert, clock: RuleClock) -> dict[str, Yaml]:
    """One alert rule as Grafana's provisioning has it: the query, and a threshold that it is anything at all."""
    look_back = {"from": 600, "to": 0}
    query: Yaml = {
        "refId": "A",
        "datasourceUid": DATA_SOURCE_UID,
        "relativeTimeRange": look_back,
        "model": {"refId": "A", "expr": alert.expression, "instant": True, "range": False, "editorMode": "code"},
    }
    fires: Yaml = {
        "refId": "B",
        "datasourceUid": "__expr__",
        "relativeTimeRange": look_back,
        "model": {"refId": "B", "type": "math", "expression": "is_number($A)", "datasource": {"type": "__expr__", "uid": "__expr__"}},
    }
    annotations = {**alert.annotations(), "__dashboardUid__": "gelombang-now", "__panelId__": "2"}
    return {
        "uid": f"gelombang-{alert.page}"[:40],
        "title": alert.page.alert,
        "condition": "B",
        "data": [query, fires],
        "for": alert.lasting,
        "noDataState": _NO_DATA,
        "execErrState": "Error",
        "labels": alert.labels(clock),
        "annotations": {key: value.replace("$value", "$values.A.Value") for key, value in annotations.items()},
        "isPaused": False,
    }


def _head(what: str, clock: RuleClock) -> str:
    for_whom = "a rehearsal" if clock.is_rehearsal else "the real day"
    return (
        f"{what} for {for_whom} at {clock.speed:g} times the speed of life, scraped every {clock.scrape_seconds:g} s.\n"
        "Windows in names are of the people's time. `gelombang dashboards rules` writes this for another clock."
    )


def _findings_group(clock: RuleClock) -> Yaml:
    return _recording_group("gelombang-findings", finding_rules(clock), clock, FINDINGS_SLOWER)


def _recording_group(name: str, recorded: Sequence[Recorded], clock: RuleClock, slower: float = 1.0) -> Yaml:
    rules: list[Yaml] = []
    for rule in recorded:
        written: dict[str, Yaml] = {"record": rule.name, "expr": rule.expression}
        if rule.labels:
            written["labels"] = dict(rule.labels)
        rules.append(written)
    return {"name": name, "interval": duration(slower * clock.interval_seconds), "rules": rules}


def _alert_groups(clock: RuleClock) -> list[Yaml]:
    rules: list[Yaml] = [
        {
            "alert": alert.page.alert,
            "expr": alert.expression,
            "for": alert.lasting,
            "labels": dict(alert.labels(clock)),
            "annotations": dict(alert.annotations()),
        }
        for alert in alert_rules(clock)
    ]
    return [{"name": "gelombang-alerts", "interval": clock.interval, "rules": rules}]
