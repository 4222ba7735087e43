"""Asks the target how it is, once a second for each stop rule of its side: a health page, a PromQL query, a firing alert.

Every question has a bound in time and in bytes, and runs in a thread of its own, so that a target that hangs delays neither the other
questions nor the kill switch. A health page that does not answer in time is a sample (harm); a Prometheus that does not answer is none.
Secrets of a rule are looked up here and go nowhere but to the host that its url names: a redirect elsewhere is followed without headers.
"""

import json
import math
import queue
import ssl
import threading
from collections.abc import Sequence
from http.client import HTTPException, HTTPMessage
from typing import IO, Self
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import InputError
from gelombang.secrets import look_up_secrets
from gelombang.stops import StopMeasure, StopRule, StopSide

ASK_EVERY_SECONDS = 1.0
ANSWER_BYTES_LIMIT = 4_000_000
SAMPLES_LIMIT = 1_000
_URL_MARKS = "/?#[]@!$&'()*+,;=:%~"

Sample = tuple[StopRule, int, float | None]


class TargetWatch:
    """A thread for each rule of the target's side. Use as a context manager; `taken` gives what has been seen since the last call."""

    def __init__(self, rules: Sequence[StopRule], agent: str, ca_file: str | None) -> None:
        self._samples: queue.Queue[Sample] = queue.Queue(SAMPLES_LIMIT)
        self._stop = threading.Event()
        context = ssl.create_default_context(cafile=ca_file)
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context), _Redirects)
        opener.addheaders = [("User-Agent", agent)]
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
        secrets = look_up_secrets(rule, f"stop rule {rule.name}")
        # What a secret holds that may stand in no URL is encoded, as in the requests of people.
        self._url = quote(secrets.filled(rule.url or ""), safe=_URL_MARKS)
        self._headers = {name: secrets.filled(text) for name, text in rule.headers.items()}
        if not self._url.startswith(("http://", "https://")):
            raise InputError(f"stop rule {rule.name}: url {rule.url} stands for no http:// or https:// address; want one")
        self._opener = opener
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
                return promql_value(self._read(f"{self._url.rstrip('/')}/api/v1/query?{urlencode({'query': rule.promql})}"))
            case StopMeasure.ALERT:
                assert rule.alert is not None
                return firing_alerts(self._read(f"{self._url.rstrip('/')}/api/v1/alerts"), rule.alert)
        answered = self._read(self._url) is not None
        took = (monotonic_us() - began_us) / MICROSECONDS
        return took if answered and took <= rule.timeout_seconds else math.inf

    def _read(self, url: str) -> bytes | None:
        """The body of an answer that is no error, None for anything else."""
        try:
            with self._opener.open(Request(url, headers=self._headers), timeout=self.rule.timeout_seconds) as answer:
                body: bytes = answer.read(ANSWER_BYTES_LIMIT)
                return body
        except HTTPError as error:
            error.close()
            return None
        except (OSError, ValueError, HTTPException):
            return None


class _Redirects(HTTPRedirectHandler):
    """Leaves a rule's headers behind where a redirect leaves scheme, host or port."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str) -> Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            following.headers.clear()
        return following


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
