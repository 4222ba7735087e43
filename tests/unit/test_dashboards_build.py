"""What is committed is what the code writes."""

import json
from pathlib import Path

import pytest

from gelombang.panels.catalogue import PAGES
from gelombang.panels.parts import Page
from gelombang_dashboards.build import committed_files
from gelombang_dashboards.grafana_json import dashboard_json
from gelombang_dashboards.metrics_page import page
from gelombang_dashboards.prometheus import RULE_FILES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "text"), list(committed_files()), ids=lambda value: value.name if isinstance(value, Path) else "text")
def test_a_committed_file_is_what_the_code_writes(name: Path, text: str) -> None:
    committed = (ROOT / "dashboards" / name).read_text(encoding="utf-8")
    assert committed == text, "stale: run gelombang dashboards build"


def test_no_dashboard_is_committed_that_the_code_does_not_write() -> None:
    assert {path.stem for path in (ROOT / "dashboards" / "grafana").glob("*.json")} == {page.file for page in PAGES}


def test_the_committed_page_of_metrics_is_what_the_catalogue_says() -> None:
    committed = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert committed == page(), "stale: run python -m gelombang_dashboards.metrics_page"


@pytest.mark.parametrize("written", PAGES, ids=lambda page: page.file)
def test_a_profile_chosen_narrows_the_instances(written: Page) -> None:
    """`All` must stand for the values listed, so no catch-all value may be set."""
    variables = {v["name"]: v for v in json.loads(dashboard_json(written))["templating"]["list"]}
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


def test_what_a_compose_mounts_is_there_and_its_prometheus_reads_every_rule_file() -> None:
    deploy = ROOT / "deploy"
    text = (deploy / "compose.yaml").read_text(encoding="utf-8")
    mounted = [line.split("- ")[1].split(":")[0] for line in text.splitlines() if line.strip().startswith("- .")]
    assert len(mounted) == 6
    assert all((deploy / path).exists() for path in mounted), mounted
    rules = [line.strip() for line in (deploy / "prometheus.yml").read_text(encoding="utf-8").splitlines() if line.startswith("  - ")]
    assert [f"- {name}" for name in RULE_FILES] == rules[:3]
    assert "\t" not in text
