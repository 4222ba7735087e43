"""A page in Locust's web UI: people live, the funnel, offered against achieved, lateness, uploads by stage.

It hangs on Locust's documented extension points: a Flask blueprint beside Locust's own, under its login where there is one, and a tab with
a table in its page. The page stands alone (its policy lets it load nothing and ask only where it came from) and asks once a second for what
is new. What it keeps does not grow with the run: when the moments become too many, every second one goes.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import gevent
import orjson
from flask import Blueprint, Response, request

from gelombang.clock import MICROSECONDS
from gelombang.histogram import Histogram
from gelombang_loadtests.standing import Standing, Totals, by_outcome

PAGE = "/gelombang/"
MOMENTS_LIMIT = 600
MOMENT_SECONDS = 1.0
TAB = "gelombang"
RUNNING, STOPPING, ENDED = "running", "stopping", "ended"
_GOOD = ("ok", "conflict")
_COLUMNS = (("step", "Step"), ("passed", "People past it"), ("attempts", "Attempts"), ("failed", "Not ok"))


@dataclass(frozen=True, slots=True)
class WorkerShown:
    """One generator process of a run over several."""

    process: int
    host: str
    state: str
    started: int
    late_p99_us: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show of a run at one moment."""

    run_id: str
    title: str
    target: str
    state: str
    """In words: `running`, `2 of 3 workers have come`, `stopped by the canary: …`."""
    planned: int
    speed: float
    """How many times as fast as the people's clock the run goes."""
    standing: Standing
    workers: tuple[WorkerShown, ...] = ()


class Moments:
    """The last moments of one run, one row of numbers each; the first number counts them and never falls."""

    def __init__(self) -> None:
        self.run_id = ""
        self._rows: list[tuple[float | None, ...]] = []
        self._told = 0
        self._late = Histogram()

    def add(self, shown: Shown) -> None:
        """A moment; nothing before the run's zero, or when no time has passed."""
        now = shown.standing
        if shown.run_id != self.run_id:
            self.run_id, self._rows, self._told, self._late = shown.run_id, [], 0, Histogram()
        seconds = now.t_us / MICROSECONDS
        if seconds <= 0 or (self._rows and seconds == self._rows[-1][1]):
            return
        late = now.late
        newest = late.since(self._late).quantile_us(0.99)
        self._late = late
        self._told += 1
        finished = now.fates.get("finished", 0)
        self._rows.append((self._told, round(seconds, 2), now.offered, now.started, now.in_flight, now.waiting, finished, newest))
        if len(self._rows) > MOMENTS_LIMIT:
            self._rows = self._rows[::2]

    def after(self, number: int) -> list[tuple[float | None, ...]]:
        """The rows that somebody who has had row `number` has not."""
        return [row for row in self._rows if row[0] is not None and row[0] > number]


class PeoplePage:
    """Hangs the page into a Locust process with a web UI; `look` says how the run stands, or None where none is on."""

    def __init__(self, web_ui: Any, look: Callable[[], Shown | None]) -> None:
        self._look = look
        self._shown: Shown | None = None
        self._moments = Moments()
        options = web_ui.environment.parsed_options
        pages = Blueprint("gelombang", __name__, url_prefix=options.web_base_path or None)
        pages.add_url_rule(PAGE, "page", web_ui.auth_required_if_enabled(self._page))
        pages.add_url_rule(f"{PAGE}now", "now", web_ui.auth_required_if_enabled(self._now))
        web_ui.app.register_blueprint(pages)
        web_ui.app.after_request(self._extended)
        web_ui.template_args |= {
            "extended_tabs": [{"title": "People", "key": TAB}],
            "extended_tables": [{"key": TAB, "structure": [{"key": key, "title": title} for key, title in _COLUMNS]}],
            "extended_csv_files": [{"href": f".{PAGE}", "title": "People, live: the page of gelombang"}],
        }
        gevent.spawn(self._follow)

    def _follow(self) -> None:
        while True:
            self.take()
            gevent.sleep(MOMENT_SECONDS)

    def take(self) -> None:
        """Look now; whoever ends a run does it once more."""
        shown = self._look()
        if shown is not None:
            self._shown = shown
            self._moments.add(shown)
        elif self._shown is not None:
            self._shown = replace(self._shown, state=ENDED)

    def _page(self) -> Response:
        html, policy = _document()
        return Response(html, content_type="text/html; charset=utf-8", headers={"content-security-policy": policy})

    def _now(self) -> Response:
        after, run_id = request.args.get("after", "0"), request.args.get("run", "")
        if not (after.isascii() and after.isdigit()):
            return Response(f"after is {after[:40]!r}; want the number of the last moment, or 0\n", 400, content_type="text/plain")
        known = int(after) if run_id == self._moments.run_id else 0
        body = {} if self._shown is None else {**told(self._shown), "moments": self._moments.after(known)}
        return Response(orjson.dumps(body), content_type="application/json", headers={"cache-control": "no-store"})

    def _extended(self, answer: Response) -> Response:
        """The funnel for the tab in Locust's page, which reads it from Locust's own statistics."""
        if request.endpoint == "locust.request_stats" and self._shown is not None and isinstance(answer.json, dict):
            rows = [
                {"step": step, "passed": passed, "attempts": attempts, "failed": failed}
                for step, passed, attempts, failed in funnel(self._shown.standing)
            ]
            answer.set_data(orjson.dumps({**answer.json, "extended_stats": [{"key": TAB, "data": rows}]}))
        return answer


def told(shown: Shown) -> dict[str, object]:
    """Everything of a moment that is no history."""
    now, late = shown.standing, shown.standing.late
    return {
        "run": shown.run_id,
        "title": shown.title,
        "target": shown.target,
        "state": shown.state,
        "planned": shown.planned,
        "speed": shown.speed,
        "seconds": now.t_us / MICROSECONDS,
        "offered": now.offered,
        "started": now.started,
        "in_flight": now.in_flight,
        "waiting": now.waiting,
        "sent_bytes": now.sent_bytes,
        "fates": now.fates,
        "late_p99_us": late.quantile_us(0.99),
        "late_max_us": late.max_us if late.samples else None,
        "funnel": funnel(now),
        "what": "uploads" if now.photos else "requests",
        "stages": stages(now),
        "workers": [[each.process, each.host, each.state, each.started, each.late_p99_us] for each in shown.workers],
    }


def funnel(standing: Standing) -> list[tuple[str, int, int, int]]:
    """(step, people who passed it, attempts that ended at it, those that were not ok) in the journey's order."""
    ended = by_outcome(standing)
    return [(step, passed, sum(ended.get(step, {}).values()), _failed(ended.get(step, {}))) for step, passed in standing.passed.items()]


def stages(standing: Standing) -> dict[str, Totals]:
    """Where uploads ended: by phase, by outcome; without a step that sends a photo, where all requests did."""
    steps = standing.photos or tuple(standing.ended)
    found: dict[str, Totals] = {}
    for step in steps:
        for phase, outcomes in standing.ended.get(step, {}).items():
            totals = found.setdefault(phase, {})
            for outcome, count in outcomes.items():
                totals[outcome] = totals.get(outcome, 0) + count
    return found


def _failed(outcomes: Mapping[str, int]) -> int:
    return sum(count for name, count in outcomes.items() if name not in _GOOD)


@cache
def _document() -> tuple[str, str]:
    """The page, and the policy that goes with it."""
    style, script = _asset("people.css"), _asset("people.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; connect-src 'self'; base-uri 'none'"
    return _asset("people.html").replace("/*style*/", style).replace("/*script*/", script), policy


def _asset(name: str) -> str:
    return (files("gelombang_loadtests") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
