"""Newcomers are asked to come back while this process is behind: sign-ups, and first photos at the ticket.

The rule is `gelombang.pressure`; here it is told how late the loop wakes a timer, and asked by handlers before they do anything dear. A
refusal costs a tenth of what it saves. Who is inside (a second photo, any other step) comes before.
"""

from aiohttp import web

from gelombang import telemetry
from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS
from gelombang.pressure import Pressure, PressureRule
from gelombang.profile import Newcomers
from gelombang.seeds import Purpose, unit
from gelombang_server.metrics import LAG_SAMPLE_SECONDS, Metrics
from gelombang_server.problem import Problem

LOOKS_LEAST = 10
TARGET_LEAST_US = 100_000
"""However fast the people's clock is, an interval has so many looks, and nobody is refused for less delay (wall time): a machine that has
other work to do makes every process come late now and then."""


class NewcomersDoor:
    """One per process; without a rule everybody is let in."""

    def __init__(self, newcomers: Newcomers | None, seed: int, metrics: Metrics) -> None:
        self._pressure: Pressure | None = None
        if newcomers is None:
            return
        interval_us = max(newcomers.interval_us, round(LOOKS_LEAST * LAG_SAMPLE_SECONDS * MICROSECONDS))
        self._pressure = pressure = Pressure(PressureRule(max(newcomers.target_us, TARGET_LEAST_US), interval_us))
        self._return_seconds = newcomers.return_seconds
        self._seed = seed
        self._refused = 0
        metrics.lag_listeners.append(pressure.looked)
        share = metrics.gauge(telemetry.NEWCOMERS_SHARE)
        metrics.at_scrape(lambda: share.set(pressure.share))

    def require_room(self, is_inside: bool = False) -> None:
        """Raise Problem(too_many_requests_in_progress), with a jittered time to come back, when this one is not let in."""
        if self._pressure is None or self._pressure.lets_in(is_inside):
            return
        told_seconds = self._return_seconds.quantile(unit(self._seed, 0, Purpose.NEWCOMER_JITTER, self._refused))
        self._refused += 1
        detail = "too many people come at once; please come back at the told time"
        raise Problem(Code.TOO_MANY_REQUESTS_IN_PROGRESS, detail, retry_after_seconds=told_seconds, stage=Stage.ADMISSION)


NEWCOMERS = web.AppKey("newcomers", NewcomersDoor)
