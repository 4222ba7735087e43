"""The committed dashboards and rules, as `gelombang dashboards build` writes them and `check` wants them."""

from collections.abc import Iterator
from pathlib import Path

from gelombang.panels.catalogue import PAGES
from gelombang_dashboards import rule_files
from gelombang_dashboards.alert_histories import histories_file
from gelombang_dashboards.grafana_json import dashboard_json
from gelombang_dashboards.rule_clock import RuleClock

OPENING_HOUR = RuleClock(speed=60.0)
"""The clock of the committed rules: a rehearsal of the opening hour, scraped each second."""


def committed_files() -> Iterator[tuple[Path, str]]:
    """Each file below `dashboards/`, with its text."""
    for page in PAGES:
        yield Path("grafana") / f"{page.file}.json", dashboard_json(page)
    yield Path("prometheus") / "recording.yml", rule_files.recording_file(OPENING_HOUR)
    yield Path("prometheus") / "findings.yml", rule_files.findings_file(OPENING_HOUR)
    yield Path("prometheus") / "alerts.yml", rule_files.alerts_file(OPENING_HOUR)
    yield Path("prometheus") / "rules_test.yml", histories_file(OPENING_HOUR)
    yield Path("prometheus") / "prometheusrule.yaml", rule_files.operator_file(OPENING_HOUR)
    yield Path("grafana") / "provisioning" / "alerting" / "gelombang.yaml", rule_files.grafana_file(OPENING_HOUR)
