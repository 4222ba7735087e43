"""Asks the target how it is, once a second for each stop rule of its side: a health page, a PromQL query, a firing alert.

Every question has a bound in time and in bytes, and runs in a thread of its own, so that a target that hangs delays neither the other
questions nor the kill switch. A health page that does not answer in time is a sample (harm); a Prometheus that does not answer is none.
"""

import json
import math
import queue
import threading
from collections.abc import Sequence
from typing import Self
from urllib.parse import urlencode
from urllib.request import OpenerDirector

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.stops import StopMeasure, StopRule, StopSide
from gelombang_loadtests.asking import Questions, opener_of

ASK_EVERY_SECONDS = 1.0
SAMPLES_LIMIT = 1_000

Sample = tuple[StopRule, int, float | None]


class TargetWatch:
    """A thread for each rule of the target's side. Use as a context manager; `taken` gives what has been seen since the last call."""

    def __init__(self, rules: Sequence[StopRule], agent: str, ca_file: str | None) -> None:
        self._samples: queue.Queue[Sample] = queue.Queue(SAMPLES_LIMIT)
        self._stop = threading.Event()
        opener = opener_of(agent, ca_file)
        self._askers = [_Asker(rule, opener, self._samples, self._stop) for rule in rules if rule.side is StopSide.TARGET]

    def __enter__(self) -> Self:
        for asker in self._askers:
            asker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def taken(self, now_us: int) -> list[Sample]:
        """Samples in the order they came, and one for each health page that should have answered by now."""
        found: list[Sample] = []
        while not self._samples.empty():
            found.append(self._samples.get_nowait())
        found.extend((asker.rule, now_us, math.inf) for asker in self._askers if asker.is_overdue(now_us))
        return found


class _Asker(threading.Thread):
    """Asks one question again and again."""

    def __init__(self, rule: StopRule, opener: OpenerDirector, samples: "queue.Queue[Sample]", stop: threading.Event) -> None:
        super().__init__(name=f"stop rule {rule.name}", daemon=True)
        self.rule = rule
        assert rule.url is not None, "a rule of the target's side has one"
        self._questions = Questions(rule, f"stop rule {rule.name}", rule.url, rule.headers, opener)
        self._samples = samples
        self._stopped = stop
        self._asked_us: int | None = None

    def is_overdue(self, now_us: int) -> bool:
        """Whether a health page has been asked and should have answered."""
        asked_us = self._asked_us
        late = asked_us is not None and now_us - asked_us > self.rule.timeout_seconds * MICROSECONDS
        return late and self.rule.measure is StopMeasure.HEALTH_SECONDS

    def run(self) -> None:
        while not self._stopped.is_set():
            began_us = self._asked_us = monotonic_us()
            value = self._ask(began_us)
            self._asked_us = None
            if not self._samples.full():
                self._samples.put_nowait((self.rule, monotonic_us(), value))
            self._stopped.wait(max(0.0, ASK_EVERY_SECONDS - (monotonic_us() - began_us) / MICROSECONDS))

    def _ask(self, began_us: int) -> float | None:
        rule = self.rule
        match rule.measure:
            case StopMeasure.PROMQL:
                return promql_value(self._read(f"/api/v1/query?{urlencode({'query': rule.promql})}"))
            case StopMeasure.ALERT:
                assert rule.alert is not None
                return firing_alerts(self._read("/api/v1/alerts"), rule.alert)
        answered = self._read("") is not None
        took = (monotonic_us() - began_us) / MICROSECONDS
        return took if answered and took <= rule.timeout_seconds else math.inf

    def _read(self, more: str) -> bytes | None:
        """The body of an answer that is no error, None for anything else."""
        body, status = self._questions.answer(more, self.rule.timeout_seconds)
        return body if 200 <= status < 300 else None


def promql_value(body: bytes | None) -> float | None:
    """The largest value of a Prometheus answer to an instant query; None without one (empty, an error, no number)."""
    data = _data(body)
    result = data.get("result")
    many = result if isinstance(result, list) else []
    rows = [many] if data.get("resultType") == "scalar" else [row.get("value") for row in many if isinstance(row, dict)]
    values = [float(row[1]) for row in rows if isinstance(row, list) and len(row) == 2 and _is_number(row[1])]
    return max((value for value in values if not math.isnan(value)), default=None)


def firing_alerts(body: bytes | None, name: str) -> float | None:
    """How many alerts of this name fire, by Prometheus's /api/v1/alerts; None when it did not say."""
    alerts = _data(body).get("alerts")
    if not isinstance(alerts, list):
        return None
    ours = [alert for alert in alerts if isinstance(alert, dict) and (alert.get("labels") or {}).get("alertname") == name]
    return float(sum(alert.get("state") == "firing" for alert in ours))


def _data(body: bytes | None) -> dict[str, object]:
    try:
        answer = json.loads(body or b"{}")
    except ValueError:
        return {}
    data = answer.get("data") if isinstance(answer, dict) and answer.get("status") == "success" else None
    return data if isinstance(data, dict) else {}


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True
