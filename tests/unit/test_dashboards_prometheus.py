"""The Prometheus files: what is committed, and the configuration written for a run."""

import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from gelombang.errors import InputError
from gelombang.panels.catalogue import PAGES, panels
from gelombang.panels.expression import Ruled
from gelombang.panels.parts import Runbook
from gelombang.telemetry import CATALOGUE, Kind, Side
from gelombang_dashboards.alert_histories import HISTORIES
from gelombang_dashboards.alert_rules import alert_rules
from gelombang_dashboards.build import OPENING_HOUR
from gelombang_dashboards.prometheus import Target, prometheus_config
from gelombang_dashboards.recording_rules import finding_rules, recording_rules
from gelombang_dashboards.rule_clock import RuleClock
from gelombang_dashboards.rule_files import alerts_file, findings_file, grafana_rule, recording_file
from tests.support.debian_tools import program

FOLDER = Path(__file__).parents[2] / "dashboards" / "prometheus"
SERVER = Target(Side.SERVER, "127.0.0.1:9400", {"profile": "april-2020"})
GENERATOR = Target(Side.GENERATOR, "[::1]:9500")


def promtool(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("promtool"), *arguments], cwd=FOLDER, input=stdin, capture_output=True, timeout=20, check=False)


def said(run: subprocess.CompletedProcess[bytes]) -> str:
    return (run.stdout + run.stderr).decode()


def test_promtool_accepts_the_rules() -> None:
    run = promtool("check", "rules", "--lint-fatal", "recording.yml", "findings.yml", "alerts.yml")
    assert run.returncode == 0, said(run)


def test_promtool_accepts_the_template_as_it_stands() -> None:
    run = promtool("check", "config", "prometheus.yml")
    assert run.returncode == 0, said(run)


def test_rules_name_only_metrics_of_the_catalogue_and_what_they_record() -> None:
    text = "\n".join((FOLDER / name).read_text() for name in ("recording.yml", "findings.yml", "alerts.yml"))
    recorded = set(re.findall(r'- record: "([^"]+)"', text))
    known = {metric.name + end for metric in CATALOGUE for end in (("_bucket",) if metric.kind is Kind.HISTOGRAM else ("",))}
    used = set(re.findall(r"(?:[a-z_]+:)?gelombang_(?:server|generator|findings)\w*(?::\w+)?", text))
    assert len(used) > 10
    assert used - recorded - known == set()
    assert all(re.fullmatch(r"[a-z_]+:gelombang_[a-z_]+:[a-z0-9_]+", name) for name in recorded), "level:metric:operations"


def test_what_pages_read_of_rules_is_recorded() -> None:
    recorded = set(re.findall(r'- record: "([^"]+)"', (FOLDER / "recording.yml").read_text() + (FOLDER / "findings.yml").read_text()))
    read = {
        query.expression.rule for page in PAGES for panel in panels(page) for query in panel.queries if isinstance(query.expression, Ruled)
    }
    assert len(read) == 3
    assert read <= recorded


def test_every_alert_says_what_it_means_what_to_look_at_and_what_to_turn_and_leads_to_now() -> None:
    for alert in alert_rules(OPENING_HOUR):
        said = alert.annotations()
        assert set(said) == {"summary", "description", "look_at", "turn", "dashboard", "runbook_url"}
        assert said["dashboard"] == "/d/gelombang-now"
        assert alert.severity in ("page", "ticket")


def test_every_alert_has_a_history_that_must_fire_it_and_one_that_must_not() -> None:
    for page in Runbook:
        fires = {bool(history.summary) for history in HISTORIES if history.alert is page}
        assert fires == {True, False}, page


def test_every_alert_has_its_page_in_the_runbook_and_every_page_its_alert() -> None:
    runbook = FOLDER.parents[1] / "docs" / "runbook"
    assert {alert.page for alert in alert_rules(OPENING_HOUR)} == set(Runbook)
    assert {path.stem for path in runbook.glob("*.md")} == {page.value for page in Runbook} | {"README"}
    for page in Runbook:
        text = (runbook / f"{page}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {page.alert}\n")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["What people feel", "How to confirm", "What to turn", "What not to do"], page
        assert f"({page}.md)" in (runbook / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("clock", [RuleClock(1.0, 15.0, is_rehearsal=False), RuleClock(20.0, 5.0, is_drill=True), RuleClock(600.0, 0.25)])
def test_rules_of_another_clock_are_accepted_too(tmp_path: Path, clock: RuleClock) -> None:
    (tmp_path / "recording.yml").write_text(recording_file(clock))
    (tmp_path / "findings.yml").write_text(findings_file(clock))
    (tmp_path / "alerts.yml").write_text(alerts_file(clock))
    run = promtool("check", "rules", "--lint-fatal", *(tmp_path / f"{name}.yml" for name in ("recording", "findings", "alerts")))
    assert run.returncode == 0, said(run)


def test_windows_shrink_with_the_clock_and_never_below_four_scrapes() -> None:
    assert (RuleClock(1.0).window(3_600), RuleClock(60.0).window(3_600), RuleClock(60.0).window(300)) == ("1h", "1m", "5s")
    assert RuleClock(600.0).window(300) == "4s"
    assert RuleClock(60.0, 15.0).window(300) == "1m"


def test_a_rehearsal_is_labelled_and_the_real_day_is_not() -> None:
    real, drill = RuleClock(1.0, is_rehearsal=False), RuleClock(60.0, is_drill=True)
    assert {alert.labels(real)["rehearsal"] for alert in alert_rules(real)} == {"false"}
    assert {(alert.labels(drill)["rehearsal"], alert.labels(drill)["drill"]) for alert in alert_rules(drill)} == {("true", "true")}


@pytest.mark.parametrize(("speed", "scrape"), [(0.5, 1.0), (1e6, 1.0), (60.0, 0.0)])
def test_a_clock_that_nothing_can_keep_is_refused(speed: float, scrape: float) -> None:
    with pytest.raises(InputError, match="want"):
        RuleClock(speed, scrape)


def test_the_operators_object_holds_the_same_rules(tmp_path: Path) -> None:
    text = (FOLDER / "prometheusrule.yaml").read_text()
    assert 'kind: "PrometheusRule"\n' in text
    groups = text[text.index("  groups:\n") :]
    (tmp_path / "rules.yml").write_text("\n".join(line[2:] for line in groups.splitlines()) + "\n")
    run = promtool("check", "rules", "--lint-fatal", tmp_path / "rules.yml")
    assert run.returncode == 0, said(run)
    assert f"{len(recording_rules(OPENING_HOUR)) + len(finding_rules(OPENING_HOUR)) + len(Runbook)} rules found" in said(run)


def test_grafanas_own_rules_ask_the_provisioned_data_source_and_fire_on_what_the_expression_leaves() -> None:
    for alert in alert_rules(OPENING_HOUR):
        rule = grafana_rule(alert, OPENING_HOUR)
        query, fires = rule["data"]  # type: ignore[misc]
        assert query["datasourceUid"] == "gelombang-prometheus"  # type: ignore[index, call-overload]
        assert query["model"]["expr"] == alert.expression  # type: ignore[index, call-overload]
        assert (rule["condition"], fires["refId"]) == ("B", "B")  # type: ignore[index, call-overload]
        assert len(str(rule["uid"])) <= 40
        assert "$value " not in str(rule["annotations"])
    text = (FOLDER.parent / "grafana" / "provisioning" / "alerting" / "gelombang.yaml").read_text()
    assert text.count("- uid: ") == len(Runbook)


def test_a_rehearsal_reaches_nobody_unless_it_is_a_drill() -> None:
    """By its text: the first route that matches is taken."""
    text = (FOLDER / "alertmanager.yml").read_text()
    drill, rehearsal = text.index('drill = "true"'), text.index('rehearsal = "true"\']')
    assert drill < rehearsal
    assert "receiver: nobody" in text[rehearsal:]
    assert "- name: nobody\n" in text


def test_promtool_finds_nothing_to_say_about_the_names_of_the_metrics() -> None:
    disable_created_metrics()
    registry = CollectorRegistry()
    for metric in CATALOGUE:
        if metric.kind is Kind.COUNTER:
            made: Counter | Gauge | Histogram = Counter(metric.name, metric.help, metric.labels, registry=registry)
        elif metric.kind is Kind.GAUGE:
            made = Gauge(metric.name, metric.help, metric.labels, registry=registry)
        else:
            made = Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
        if metric.labels:
            made.labels(*("x" for _ in metric.labels))
    run = promtool("check", "metrics", stdin=generate_latest(registry))
    assert (run.returncode, said(run)) == (0, "")


@pytest.mark.parametrize("targets", [[], [SERVER], [GENERATOR], [SERVER, GENERATOR, Target(Side.SERVER, "127.0.0.1:9401")]])
def test_a_written_configuration_is_valid_wherever_it_stands(tmp_path: Path, targets: list[Target]) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(prometheus_config(targets))
    run = promtool("check", "config", path)
    assert run.returncode == 0, said(run)
    assert "3 rule files found" in said(run)


def test_a_written_configuration_holds_each_target_in_its_job() -> None:
    server_part, generator_part = prometheus_config([SERVER, GENERATOR], scrape_seconds=0.25).split("job_name: gelombang-generator")
    assert '      - targets: ["127.0.0.1:9400"]\n        labels: {"profile": "april-2020"}' in server_part
    assert '      - targets: ["[::1]:9500"]' in generator_part
    assert "scrape_interval: 250ms\n" in server_part
    assert "scrape_timeout: 250ms\n" in server_part


def test_a_target_may_have_a_name_of_its_own_for_its_series() -> None:
    text = prometheus_config([Target(Side.SERVER, "127.0.0.1:9400", {"team": "a"}, instance="server-0")])
    assert '        labels: {"team": "a", "instance": "server-0"}' in text


def test_a_past_run_is_opened_without_rules(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(prometheus_config([], rules=False))
    run = promtool("check", "config", path)
    assert run.returncode == 0, said(run)
    assert "rule files found" not in said(run)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9400", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:0", "a b:1", '"]\n:1', "host:80/metrics"]
)
def test_an_address_that_is_not_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="want host:port"):
        Target(Side.SERVER, address)


@pytest.mark.parametrize("name", ["job", "instance", "Profile", "a-b", ""])
def test_a_label_that_is_not_a_plain_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="want lower case"):
        Target(Side.SERVER, "127.0.0.1:1", {name: "x"})


def test_a_scrape_interval_that_nothing_can_keep_is_refused() -> None:
    with pytest.raises(InputError, match=r"want 0.1 or more"):
        prometheus_config([SERVER], scrape_seconds=0.0)


def test_a_label_value_cannot_break_out_of_its_place(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(prometheus_config([Target(Side.SERVER, "127.0.0.1:1", {"team": 'a"}\n  - job_name: "b'})]))
    run = promtool("check", "config", path)
    assert run.returncode == 0, said(run)
    assert path.read_text().count("\n  - job_name:") == 2


@pytest.mark.parametrize(
    ("ci", "raised"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)], ids=["fails in CI", "is skipped elsewhere"]
)
def test_a_missing_program_is_never_passed_over_in_silence(monkeypatch: pytest.MonkeyPatch, ci: str, raised: type[Exception]) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(raised, match="is not installed"):
        program("promtool-that-nobody-has")
