"""The shipped alerts on a recorded run, second by second, by Prometheus's own evaluation of the rules (`promtool test rules`).

The recording's series are given to promtool with a value for each scrape, and it is asked at each second which alerts fire; what it finds
against the expectation that none does is the answer. With a clock whose scrapes are further apart than the recording's only every so many
values are given: what a Prometheus with that interval would have had.
"""

import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gelombang.drill_file import StoredRun
from gelombang.errors import HostError
from gelombang_dashboards.alert_rules import alert_rules
from gelombang_dashboards.build import OPENING_HOUR
from gelombang_dashboards.recording_rules import recording_rules
from gelombang_dashboards.rule_clock import RuleClock
from gelombang_dashboards.rule_files import alerts_file, recording_file
from gelombang_dashboards.yaml_text import Yaml, yaml_text

EVALUATED_WITHIN_SECONDS = 100.0
_FIRING = 'ALERTS{alertstate="firing"}'
_RULE_FILES = {"recording.yml": recording_file, "alerts.yml": alerts_file}
_GROUPS = ("gelombang-uploads", "gelombang-alerts")
_METRIC = re.compile(r"(?<![:\w])gelombang_\w+")
_FOUND = re.compile(r"time: ([\dhms]+),\s+exp:.*\n\s+got:(.*)")
_NAMED = re.compile(r'alertname=\\?"(\w+)')
_LENGTH = re.compile(r"(\d+)([hms])")
_SECONDS_OF = {"h": 3_600, "m": 60, "s": 1}


def series_read() -> frozenset[str]:
    """The names of all series that an alert, or a rule that one reads, looks at."""
    rules = [*(rule.expression for rule in recording_rules(OPENING_HOUR)), *(alert.expression for alert in alert_rules(OPENING_HOUR))]
    return frozenset(_METRIC.findall("\n".join(rules)))


def firing(run: StoredRun, promtool: str, folder: Path, clock: RuleClock = OPENING_HOUR) -> dict[str, list[int]]:
    """The seconds of the recording in which each alert fired, by its name; `folder` is for what promtool reads. Raises HostError."""
    for name, text in _RULE_FILES.items():
        (folder / name).write_text(text(clock), encoding="utf-8")
    end = math.floor(run.table().ends_seconds)
    asked: Yaml = [{"expr": _FIRING, "eval_time": f"{second}s", "exp_samples": []} for second in range(end + 1)]
    body: Yaml = {
        "rule_files": list(_RULE_FILES),
        "evaluation_interval": "1s",
        # Otherwise promtool takes them in any order, and an alert reads what was recorded now or a round before.
        "group_eval_order": list(_GROUPS),
        "tests": [{"interval": "1s", "input_series": list(_inputs(run, end, round(clock.scrape_seconds))), "promql_expr_test": asked}],
    }
    path = folder / "replayed.yml"
    path.write_text(yaml_text(body), encoding="utf-8")
    try:
        done = subprocess.run(
            [promtool, "test", "rules", str(path)], capture_output=True, text=True, timeout=EVALUATED_WITHIN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"promtool did not evaluate {run.title} within {EVALUATED_WITHIN_SECONDS:g} s") from None
    said = done.stdout + done.stderr
    found = _seconds_by_alert(said)
    if not found and "SUCCESS" not in said:
        raise HostError(f"promtool can't evaluate {run.title}: {said.strip().splitlines()[-1]}")
    return found


def _inputs(run: StoredRun, end: int, every: int) -> Iterator[dict[str, str]]:
    """As promtool's tests take them; nothing where none was scraped."""
    table = run.table()
    for metric in sorted(series_read()):
        for each in table.named(metric):
            labels = ", ".join(f'{name}="{text}"' for name, text in each.labels.items())
            found = (each.last(float(second)) if second % every == 0 else None for second in range(end + 1))
            yield {"series": f"{metric}{{{labels}}}", "values": " ".join("_" if value is None else f"{value:g}" for value in found)}


def _seconds_by_alert(said: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for moment, got in _FOUND.findall(said):
        second = sum(int(number) * _SECONDS_OF[unit] for number, unit in _LENGTH.findall(moment))
        for name in sorted(set(_NAMED.findall(got))):
            found.setdefault(name, []).append(second)
    return found
