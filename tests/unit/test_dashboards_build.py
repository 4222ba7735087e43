"""What is committed is what the code writes."""

import json
from pathlib import Path

from gelombang_dashboards.build import WHERE_UPLOADS_FAIL
from gelombang_dashboards.grafana_json import dashboard_json
from gelombang_dashboards.metrics_page import page

ROOT = Path(__file__).parents[2]


def test_the_committed_dashboard_is_what_the_code_writes() -> None:
    committed = (ROOT / "dashboards" / "grafana" / "where-uploads-fail.json").read_text(encoding="utf-8")
    assert committed == dashboard_json(WHERE_UPLOADS_FAIL), "stale: run python -m gelombang_dashboards.build"


def test_the_committed_page_of_metrics_is_what_the_catalogue_says() -> None:
    committed = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert committed == page(), "stale: run python -m gelombang_dashboards.metrics_page"


def test_a_profile_chosen_narrows_the_instances() -> None:
    """`All` must stand for the values listed, so no catch-all value may be set."""
    variables = {v["name"]: v for v in json.loads(dashboard_json(WHERE_UPLOADS_FAIL))["templating"]["list"]}
    assert 'profile=~"$profile"' in variables["instance"]["query"]["query"]
    assert variables["instance"]["includeAll"]
    assert "allValue" not in variables["instance"]


def test_grafana_finds_the_data_source_and_the_folder_that_provisioning_names() -> None:
    folder = ROOT / "dashboards" / "grafana" / "provisioning"
    source = (folder / "datasources" / "gelombang.yaml").read_text(encoding="utf-8")
    provider = (folder / "dashboards" / "gelombang.yaml").read_text(encoding="utf-8")
    assert "    type: prometheus\n" in source
    assert "      timeInterval: 1s\n" in source, "what prometheus.yml scrapes at"
    assert "scrape_interval: 1s\n" in (ROOT / "dashboards" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    assert "      path: $GELOMBANG_DASHBOARDS\n" in provider
    assert "\t" not in source + provider
