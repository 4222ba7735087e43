"""Grafana's dashboard-linter has seventeen rules; each is broken here on a good dashboard, and its breach is found.

The two rules for Loki's language have nothing to look at here: no panel asks Loki, which is what is tested for them.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gelombang_dashboards.lint import faults
from tests.support.drawn_panels import drawn

FOLDER = Path(__file__).parents[2] / "dashboards" / "grafana"
GOOD = json.loads((FOLDER / "where-uploads-fail.json").read_text(encoding="utf-8"))
CHOSEN = 'job=~"$job", instance=~"$instance"'
Spoil = Callable[[dict], None]


def variable(name: str, **changes: object) -> Spoil:
    return lambda d: next(each for each in d["templating"]["list"] if each["name"] == name).update(changes)


def panel(**changes: object) -> Spoil:
    return lambda d: drawn(d)[1].update(changes)


def query(expression: str) -> Spoil:
    return lambda d: drawn(d)[1]["targets"][0].update(expr=expression)


def without(name: str) -> Spoil:
    def spoil(dashboard: dict) -> None:
        dashboard["templating"]["list"] = [each for each in dashboard["templating"]["list"] if each["name"] != name]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        pytest.param(variable("datasource", query="loki"), "not a choice of Prometheus", id="template-datasource-rule"),
        pytest.param(variable("job", type="custom"), "job is not asked", id="template-job-rule"),
        pytest.param(variable("job", multi=False), "job cannot be several", id="template-job-rule: several"),
        pytest.param(without("job"), "no variable job", id="template-job-rule: missing"),
        pytest.param(variable("instance", datasource=None), "instance asks another", id="template-instance-rule"),
        pytest.param(without("instance"), "no variable instance", id="template-instance-rule: missing"),
        pytest.param(variable("job", query={"query": "label_values(up{, job)"}), "job is not PromQL", id="template-label-promql-rule"),
        pytest.param(variable("job", query={"query": "up"}), "not the values of a label", id="template-label-promql-rule: no label"),
        pytest.param(variable("instance", refresh=1), "when the time range changes", id="template-on-time-change-reload-rule"),
        pytest.param(panel(datasource={"type": "prometheus", "uid": "mine"}), "not the variable", id="panel-datasource-rule"),
        pytest.param(panel(title=""), "no title", id="panel-title-description-rule: title"),
        pytest.param(panel(description=""), "no description", id="panel-title-description-rule: description"),
        pytest.param(lambda d: drawn(d)[1]["fieldConfig"]["defaults"].pop("unit"), "unit ''", id="panel-units-rule"),
        pytest.param(panel(targets=[]), "letters are missing", id="panel-no-targets-rule"),
        pytest.param(query(f"sum(gelombang_server_store_turns{{{CHOSEN}}}"), "not PromQL", id="target-promql-rule"),
        pytest.param(
            query(f"sum(rate(gelombang_server_people_steps_total{{{CHOSEN}}}[1m]))"), "$__rate_interval", id="target-rate-interval-rule"
        ),
        pytest.param(query('sum(gelombang_server_store_turns{instance=~"$instance"})'), 'lacks job=~"$job"', id="target-job-rule"),
        pytest.param(query('sum(gelombang_server_store_turns{job=~"$job"})'), "lacks instance=~", id="target-instance-rule"),
        pytest.param(query(f"sum(gelombang_server_people_steps_total{{{CHOSEN}}})"), "without rate", id="target-counter-agg-rule"),
        pytest.param(lambda d: d.update(editable=True), "editable", id="uneditable-dashboard-rule"),
    ],
)
def test_a_breach_of_the_rule_is_found(spoil: Spoil, fault: str) -> None:
    dashboard = copy.deepcopy(GOOD)
    assert faults(dashboard) == []
    spoil(dashboard)
    found = faults(dashboard)
    assert any(fault in line for line in found), found


@pytest.mark.parametrize("rule", ["target-logql-rule", "target-logql-auto-rule"])
def test_a_rule_for_loki_has_nothing_to_look_at(rule: str) -> None:
    for path in sorted(FOLDER.glob("*.json")):
        for drawing in drawn(json.loads(path.read_text(encoding="utf-8"))):
            assert {target["datasource"]["type"] for target in drawing["targets"]} == {"prometheus"}, (rule, drawing["title"])
