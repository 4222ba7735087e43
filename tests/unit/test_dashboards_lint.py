"""The committed dashboard has no fault, and every fault the lint knows is one that it finds."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gelombang.telemetry import CATALOGUE
from gelombang_dashboards.lint import faults
from tests.support.drawn_panels import drawn

FOLDER = Path(__file__).parents[2] / "dashboards" / "grafana"
DASHBOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
GOOD = DASHBOARDS["where-uploads-fail"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_committed_dashboard_has_no_fault(name: str) -> None:
    assert faults(DASHBOARDS[name]) == []


def test_the_pages_are_the_ones_that_alerts_and_bookmarks_point_to() -> None:
    assert {page["uid"]: page["title"] for page in DASHBOARDS.values()} == {
        "gelombang-now": "Now",
        "gelombang-people": "The people",
        "gelombang-uploads": "Where uploads fail",
        "gelombang-machine": "The machine",
        "gelombang-instrument": "The instrument",
    }


def test_every_page_leads_to_the_others_and_shows_alerts_phases_and_faults_on_its_time_axis() -> None:
    for page in DASHBOARDS.values():
        [link] = page["links"]
        assert (link["type"], link["tags"], link["keepTime"]) == ("dashboards", ["gelombang"], True)
        assert "gelombang" in page["tags"]
        assert [mark["name"] for mark in page["annotations"]["list"]] == ["Alerts", "Phases", "Faults"]


def test_now_shows_nine_numbered_values_first() -> None:
    titles = [panel["title"] for panel in drawn(DASHBOARDS["now"])]
    assert [title[:2] for title in titles[:9]] == [f"{n}." for n in range(1, 10)]


def test_the_first_panel_of_the_people_is_the_funnel_in_the_order_of_the_registration() -> None:
    first = drawn(DASHBOARDS["the-people"])[0]
    asked = [target["expr"].split('step="')[1].split('"')[0] for target in first["targets"]]
    assert asked == ["account", "email-link", "data", "otp", "nik", "ktp", "selfie", "test", "join"]


def test_ktp_and_selfie_are_drawn_apart() -> None:
    for photo, title in (("ktp", "KTP photo"), ("selfie", "Selfie")):
        [panel] = [panel for panel in drawn(GOOD) if panel["title"] == f"{title}: attempts by stage and outcome"]
        assert f'photo="{photo}"' in panel["targets"][0]["expr"]


def test_too_large_photos_and_people_told_to_come_back_are_not_in_the_failed_share() -> None:
    [panel] = [panel for panel in drawn(GOOD) if panel["title"] == "Failed share of uploads"]
    failed = panel["targets"][0]
    assert failed["legendFormat"] == "failed"
    assert failed["expr"].count('code!~"photo_too_large|uploads_busy"') == failed["expr"].count("gelombang_server_upload_attempts_total")


def test_panels_of_the_generator_say_so_when_no_generator_runs() -> None:
    for page in DASHBOARDS.values():
        for panel in drawn(page):
            of_generator = all("gelombang_generator_" in target["expr"] for target in panel["targets"])
            assert panel["fieldConfig"]["defaults"]["noValue"].startswith("no client data") == of_generator, panel["title"]


def test_every_metric_is_drawn_somewhere() -> None:
    """Metrics that nobody looks at are a cost; what the generator's side has only because a machine is one set of metrics is named here."""
    text = json.dumps(list(DASHBOARDS.values()))
    assert {metric.name for metric in CATALOGUE if metric.name not in text} == {
        "gelombang_generator_machine_dirty_bytes",
        "gelombang_generator_machine_writeback_bytes",
        "gelombang_generator_machine_listen_drops_total",
        "gelombang_generator_machine_listen_overflows_total",
    }


def _set_expression(expression: str) -> Callable[[dict], None]:
    def spoil(dashboard: dict) -> None:
        drawn(dashboard)[1]["targets"][0]["expr"] = expression

    return spoil


def _panel(**changes: object) -> Callable[[dict], None]:
    return lambda dashboard: drawn(dashboard)[1].update(changes)


def _target(**changes: object) -> Callable[[dict], None]:
    return lambda dashboard: drawn(dashboard)[1]["targets"][0].update(changes)


CHOSEN = 'job=~"$job", instance=~"$instance"'


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda d: d.update(editable=True), "editable"),
        (lambda d: d.update(schemaVersion=36), "older than 41"),
        (lambda d: drawn(d)[1].update(id=drawn(d)[0]["id"]), "same id"),
        (_panel(title="KTP photo: attempts by stage and outcome"), "same title"),
        (lambda d: d["templating"]["list"].pop(2), "no variable profile"),
        (lambda d: d["templating"]["list"].append({"name": "spare", "label": "Spare", "type": "textbox"}), "spare is not used"),
        (lambda d: d["templating"]["list"][1].update(label=""), "job has no label"),
        (lambda d: drawn(d)[1]["gridPos"].update(x=7), "overlaps KTP photo"),
        (lambda d: drawn(d)[1]["gridPos"].update(w=25), "outside of the grid"),
        (_panel(title=""), "no title"),
        (_panel(description="Uploads."), "no description"),
        (lambda d: drawn(d)[1]["fieldConfig"]["defaults"].update(unit="furlongs"), "unit 'furlongs'"),
        (_panel(datasource={"type": "prometheus", "uid": "mine"}), "not the variable"),
        (_panel(targets=[]), "letters are missing"),
        (_panel(links=[]), "no link to the runbook"),
        (_target(datasource=None), "another data source"),
        (_target(legendFormat=""), "no legend"),
        (_target(legendFormat="{{route}}"), "the legend shows route"),
        (_target(interval=""), "scrape interval"),
        (_set_expression(f"sum(rate(gelombang_server_people_steps_total{{{CHOSEN}}}[5m]))"), "want $__rate_interval"),
        (_set_expression("sum(gelombang_server_store_turns)  + sum(gelombang_server_store_turns{})"), "a selector lacks"),
        (_set_expression(f"sum(gelombang_server_store_turns{{{CHOSEN}}}"), "not PromQL"),
        (_set_expression(f"sum(gelombang_server_turns{{{CHOSEN}}})"), "not in the catalogue"),
        (_set_expression(f"sum(gelombang_server_people_steps_total{{{CHOSEN}}})"), "without rate"),
        (_set_expression(f"sum(rate(gelombang_server_store_turns{{{CHOSEN}}}[$__rate_interval]))"), "is a gauge"),
        (_set_expression(f'sum(gelombang_server_store_turns{{{CHOSEN}, route="a"}})'), "no label route"),
        (_set_expression(f'sum(gelombang_server_messages_waiting{{{CHOSEN}, kind="pigeon"}})'), "never 'pigeon'"),
        (_set_expression(f'sum(gelombang_server_messages_waiting{{{CHOSEN}, kind=~"otp|pigeon"}})'), "never 'pigeon'"),
        (_set_expression(f"sum by (kind) (gelombang_server_store_turns{{{CHOSEN}}})"), "summed by kind"),
    ],
)
def test_the_lint_finds_what_is_wrong(spoil: Callable[[dict], None], fault: str) -> None:
    dashboard = copy.deepcopy(GOOD)
    spoil(dashboard)
    found = faults(dashboard)
    assert any(fault in line for line in found), found
