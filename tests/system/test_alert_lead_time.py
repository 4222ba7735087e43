"""An alert comes before fewer people finish: a recorded run, second by second, through Prometheus's own evaluation of the rules.

The recording is of a real run whose registry was capped at a known moment. People who stand in its line wait for one page, and everybody
behind them still walks through the photos: how many finish falls only when those have gone. Until then somebody can act.
"""

import math
import subprocess
from pathlib import Path

import pytest

from gelombang import telemetry
from gelombang.drill_file import StoredRun, read_drill
from gelombang.panels.parts import Runbook
from gelombang_dashboards.yaml_text import Yaml, yaml_text
from tests.support.debian_tools import program

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
RULES = ROOT / "dashboards" / "prometheus"
RUN = read_drill(ROOT / "tests" / "data" / "drill" / "registry-capped-weak.json.gz")
READ = (telemetry.REGISTRY_WAITING, telemetry.REGISTRY_LIMIT_PER_SECOND, telemetry.PEOPLE_STEPS)
FIRING = f'ALERTS{{alertname="{Runbook.REGISTRY_SATURATED.alert}", alertstate="firing"}}'
FINISH = 'sum(increase(gelombang_server_people_steps_total{{step="join"}}[10s]{}))'
LEAD_SECONDS = 5
"""Wall time; five minutes of the people's."""


def inputs_of(run: StoredRun) -> Yaml:
    """Its series as promtool's tests take them, a value a second; nothing where none was scraped yet."""
    table = run.table()
    seconds = range(math.floor(table.ends_seconds) + 1)
    series: list[Yaml] = []
    for metric in READ:
        for each in table.named(metric.name):
            labels = ", ".join(f'{name}="{text}"' for name, text in each.labels.items())
            values = ["_" if (value := each.last(float(second))) is None else f"{value:g}" for second in seconds]
            series.append({"series": f"{metric.name}{{{labels}}}", "values": " ".join(values)})
    return series


def holds(folder: Path, expression: str, at_seconds: int) -> bool:
    asked: Yaml = {"expr": f"count({expression})", "eval_time": f"{at_seconds}s", "exp_samples": [{"labels": "{}", "value": 1}]}
    body: Yaml = {
        "rule_files": [str(RULES / "recording.yml"), str(RULES / "alerts.yml")],
        "evaluation_interval": "1s",
        "tests": [{"interval": "1s", "input_series": inputs_of(RUN), "promql_expr_test": [asked]}],
    }
    (folder / "test.yml").write_text(yaml_text(body))
    run = subprocess.run([program("promtool"), "test", "rules", folder / "test.yml"], capture_output=True, timeout=100, check=False)
    assert run.returncode == 0 or b"got: nil" in run.stdout + run.stderr, run.stdout + run.stderr
    return run.returncode == 0


def first(folder: Path, expression: str, from_seconds: int) -> int:
    """The first second of the recording, from one on, at which it holds."""
    return next(second for second in range(from_seconds, math.floor(RUN.table().ends_seconds)) if holds(folder, expression, second))


def test_a_capped_registry_is_told_five_minutes_of_the_peoples_time_before_fewer_of_them_finish(tmp_path: Path) -> None:
    assert RUN.fault_seconds is not None
    capped = math.ceil(RUN.fault_seconds)
    assert not holds(tmp_path, FIRING, capped)
    fires = first(tmp_path, FIRING, capped)
    fewer = first(tmp_path, f"{FINISH.format('')} < 0.6 * {FINISH.format(f' @ {capped}')}", capped)
    assert fires + LEAD_SECONDS <= fewer, (fires, fewer)
