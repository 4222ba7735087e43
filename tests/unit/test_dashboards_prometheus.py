"""The Prometheus files: what is committed, and the configuration written for a run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from gelombang.errors import InputError
from gelombang.telemetry import CATALOGUE, Kind, Side
from gelombang_dashboards.prometheus import Target, prometheus_config
from tests.support.debian_tools import program

FOLDER = Path(__file__).parents[2] / "dashboards" / "prometheus"
SERVER = Target(Side.SERVER, "127.0.0.1:9400", {"profile": "april-2020"})
GENERATOR = Target(Side.GENERATOR, "[::1]:9500")


def promtool(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("promtool"), *arguments], cwd=FOLDER, input=stdin, capture_output=True, timeout=20, check=False)


def said(run: subprocess.CompletedProcess[bytes]) -> str:
    return (run.stdout + run.stderr).decode()


def test_promtool_accepts_the_rules() -> None:
    run = promtool("check", "rules", "--lint-fatal", "recording.yml", "alerts.yml")
    assert run.returncode == 0, said(run)


def test_promtool_accepts_the_template_as_it_stands() -> None:
    run = promtool("check", "config", "prometheus.yml")
    assert run.returncode == 0, said(run)


def test_the_rules_record_and_fire_as_their_tests_say() -> None:
    run = promtool("test", "rules", "rules_test.yml")
    assert run.returncode == 0, said(run)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ratio_rate1m > 0.5", "ratio_rate1m > 0.95"),
        ("ratio_rate1m > 0.5", "ratio_rate1m > 0.3"),
        ("rate1m >= 1\n", "rate1m >= 0.1\n"),
        ("for: 1m", "for: 5m"),
        ("for: 1m", "for: 0s"),
    ],
)
def test_a_loosened_or_tightened_alert_does_not_pass_its_tests(tmp_path: Path, right: str, wrong: str) -> None:
    for name in ("recording.yml", "alerts.yml", "rules_test.yml"):
        shutil.copy(FOLDER / name, tmp_path)
    text = (tmp_path / "alerts.yml").read_text()
    assert text.count(right) == 1
    (tmp_path / "alerts.yml").write_text(text.replace(right, wrong))
    assert promtool("test", "rules", tmp_path / "rules_test.yml").returncode != 0


def test_rules_name_only_metrics_of_the_catalogue_and_what_they_record() -> None:
    text = "\n".join((FOLDER / name).read_text() for name in ("recording.yml", "alerts.yml"))
    recorded = set(re.findall(r"- record: (\S+)", text))
    known = {metric.name + end for metric in CATALOGUE for end in (("_bucket",) if metric.kind is Kind.HISTOGRAM else ("",))}
    used = set(re.findall(r"(?:[a-z_]+:)?gelombang_(?:server|generator)_\w+(?::\w+)?", text))
    assert len(used) > 10
    assert used - recorded - known == set()
    assert all(re.fullmatch(r"[a-z_]+:gelombang_[a-z_]+:[a-z0-9_]+", name) for name in recorded), "level:metric:operations"


def test_the_alert_says_what_it_means_what_to_look_at_and_what_to_turn() -> None:
    text = (FOLDER / "alerts.yml").read_text()
    for name in ("summary", "description", "look_at", "turn", "dashboard: /d/gelombang-uploads"):
        assert f"          {name}" in text


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
    assert "2 rule files found" in said(run)


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
