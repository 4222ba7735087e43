"""The committed dashboard has no fault, and every fault the lint knows is one that it finds."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gelombang.telemetry import CATALOGUE
from tests.support.dashboard_lint import drawn, faults

FILE = Path(__file__).parents[2] / "dashboards" / "grafana" / "where-uploads-fail.json"
GOOD = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_committed_dashboard_has_no_fault() -> None:
    assert faults(GOOD) == []


def test_the_page_is_the_one_that_alerts_and_bookmarks_point_to() -> None:
    assert GOOD["uid"] == "gelombang-uploads"
    assert GOOD["title"] == "Where uploads fail"


def test_the_first_panel_is_the_funnel_of_people_in_the_order_of_the_registration() -> None:
    first = drawn(GOOD)[0]
    asked = [target["expr"].split('step="')[1].split('"')[0] for target in first["targets"]]
    assert asked == ["account", "email-link", "data", "otp", "nik", "ktp", "selfie", "test", "join"]


def test_too_large_photos_and_people_told_to_come_back_are_not_in_the_failed_share() -> None:
    [panel] = [panel for panel in drawn(GOOD) if panel["title"] == "Failed share of uploads"]
    failed = panel["targets"][0]
    assert failed["legendFormat"] == "failed"
    assert failed["expr"].count('code!~"photo_too_large|uploads_busy"') == failed["expr"].count("gelombang_server_upload_attempts_total")


def test_panels_of_the_generator_say_so_when_no_generator_runs() -> None:
    for panel in drawn(GOOD):
        of_generator = "gelombang_generator_" in json.dumps(panel["targets"])
        assert panel["fieldConfig"]["defaults"]["noValue"].startswith("no client data") == of_generator, panel["title"]


def test_what_the_server_and_generator_measure_is_drawn_somewhere() -> None:
    """Metrics that nobody looks at are a cost; the few that only the report and a shell need are named here."""
    text = json.dumps(GOOD)
    undrawn = {metric.name for metric in CATALOGUE if metric.name not in text}
    assert undrawn == {
        "gelombang_generator_response_seconds",
        "gelombang_generator_people_passed_total",
        "gelombang_generator_people_fates_total",
        "gelombang_generator_sent_bytes_total",
        "gelombang_server_upload_places_used",
        "gelombang_server_upload_places_limit",
        "gelombang_server_shed_total",
        "gelombang_server_requests_in_progress",
        "gelombang_server_requests_limit",
        "gelombang_server_store_waiting_limit",
        "gelombang_server_registry_waiting_limit",
        "gelombang_server_registry_limit_per_second",
        "gelombang_server_database_queue_limit",
        "gelombang_server_database_lock_seconds",
        "gelombang_server_database_commit_seconds",
        "gelombang_server_hash_queue_limit",
        "gelombang_server_hash_threads_busy",
        "gelombang_server_hash_threads_limit",
        "gelombang_server_commit_queue",
        "gelombang_server_commit_threads_busy",
        "gelombang_server_commit_threads_limit",
        "gelombang_server_sync_seconds",
        "gelombang_server_disk_free_bytes",
        "gelombang_server_accept_queue",
        "gelombang_server_accept_queue_limit",
        "gelombang_server_descriptors_limit",
        "gelombang_server_speed_ratio",
        "gelombang_server_sample_ratio",
        "gelombang_server_machine_cores",
        "gelombang_server_machine_cpu_seconds_total",
        "gelombang_server_machine_stalled_seconds_total",
        "gelombang_server_machine_memory_bytes",
        "gelombang_server_machine_memory_available_bytes",
        "gelombang_server_machine_dirty_bytes",
        "gelombang_server_machine_writeback_bytes",
        "gelombang_server_machine_tcp_retransmits_total",
        "gelombang_server_machine_listen_overflows_total",
        "gelombang_server_machine_listen_drops_total",
        "gelombang_generator_upload_attempts_total",
        "gelombang_generator_upload_phase_seconds",
        "gelombang_generator_photos_acknowledged_total",
        "gelombang_generator_people_planned",
        "gelombang_generator_people_in_flight_limit",
        "gelombang_generator_resident_bytes",
        "gelombang_generator_open_descriptors",
        "gelombang_generator_descriptors_limit",
        "gelombang_generator_loop_lag_seconds",
        "gelombang_generator_validity",
        "gelombang_generator_doubt",
        "gelombang_generator_speed_ratio",
        "gelombang_generator_sample_ratio",
        "gelombang_generator_machine_cores",
        "gelombang_generator_machine_cpu_seconds_total",
        "gelombang_generator_machine_stalled_seconds_total",
        "gelombang_generator_machine_memory_bytes",
        "gelombang_generator_machine_memory_available_bytes",
        "gelombang_generator_machine_dirty_bytes",
        "gelombang_generator_machine_writeback_bytes",
        "gelombang_generator_machine_tcp_retransmits_total",
        "gelombang_generator_machine_listen_overflows_total",
        "gelombang_generator_machine_listen_drops_total",
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
        (lambda d: d.update(schemaVersion=36), "older than 39"),
        (lambda d: drawn(d)[1].update(id=drawn(d)[0]["id"]), "same id"),
        (_panel(title="People past each step"), "same title"),
        (lambda d: d["templating"]["list"].pop(2), "no variable profile"),
        (lambda d: d["templating"]["list"].append({"name": "spare", "label": "Spare"}), "spare is not used"),
        (lambda d: d["templating"]["list"][1].update(label=""), "job has no label"),
        (lambda d: drawn(d)[1]["gridPos"].update(x=9), "overlaps People past each step"),
        (lambda d: drawn(d)[1]["gridPos"].update(w=25), "outside of the grid"),
        (_panel(title=""), "no title"),
        (_panel(description="Uploads."), "no description"),
        (lambda d: drawn(d)[1]["fieldConfig"]["defaults"].update(unit="furlongs"), "unit 'furlongs'"),
        (_panel(datasource={"type": "prometheus", "uid": "mine"}), "not the variable"),
        (_panel(targets=[]), "letters are missing"),
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
