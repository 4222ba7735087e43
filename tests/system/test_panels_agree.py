"""The same comparison with a real Prometheus: a panel's PromQL on a recorded run, beside what the run's record says."""

from pathlib import Path

import pytest

from gelombang.panels.promql import Scope, promql
from gelombang_cli.past_run import back_fill, shipped_rules, span_of
from gelombang_cli.prometheus import Prometheus
from gelombang_dashboards.prometheus import prometheus_config
from tests.support.asking_prometheus import AskedPrometheus
from tests.support.debian_tools import program
from tests.support.recorded_run import OF_SHARES, SHARE_TOLERANCE, TOLERANCE_RATIO, compared, over_the_whole_run, recorded_run

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


def test_promql_and_record_agree_on_a_recorded_run(tmp_path: Path) -> None:
    program("prometheus")
    record, series = recorded_run(tmp_path)
    back_fill(series, tmp_path, shipped_rules()[:1])
    wall_seconds = len(record.windows.offered) * record.windows.window_seconds / record.scale.speed
    window = f"{round(wall_seconds * 1_000)}ms"
    scope = Scope(chosen="", rate_window=window, range_window=window, job="")
    at_seconds = series.zero_at_seconds + wall_seconds
    assert at_seconds <= span_of(series).to_seconds + 2
    wrong = []
    with Prometheus(tmp_path, prometheus_config([], rules=False)) as running:
        asked = AskedPrometheus(running.url)
        for panel, expression, legend in compared():
            if legend in ("offered", "started", "received", "kept", "arriving", "finishing", "failed", "failing"):
                answer = asked.get("/api/v1/query", query=promql(expression, scope), time=f"{at_seconds:.3f}")["result"]
                found = float(answer[0]["value"][1])
                told = over_the_whole_run(record, panel, "failed" if panel.title in OF_SHARES else legend)
                limit = SHARE_TOLERANCE if panel.title in OF_SHARES else TOLERANCE_RATIO * told
                if abs(found - told) > limit:
                    wrong.append((panel.title, legend, found, told))
    assert wrong == []
