"""The line before the threads that make photos durable: how many at once is learned, and the line does not stand.

Rules are those of `gelombang.standing_line` and `gelombang.adaptive_limit`; here they meet the photos. The time that the limit
learns from is the server's own: from a place to a photo that is durable, the thread's wait included, the person's line and the database
not. A photo that is refused here was sent in vain, which is why tickets are refused first; it happens when the real disk does not keep up
with what the modelled store let pass. Who leaves the line (the person has left, or was told that it took too long) costs the disk nothing.
"""

from types import TracebackType

from gelombang import telemetry
from gelombang.adaptive_limit import AdaptiveLimit, LimitRule
from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile_uploads import Commits
from gelombang.standing_line import LineRule
from gelombang_server.metrics import Metrics
from gelombang_server.places_line import PlacesLine
from gelombang_server.problem import Problem


class CommitLine:
    """One per process that takes uploads; use from the thread of its running loop."""

    def __init__(self, commits: Commits, threads: int, metrics: Metrics) -> None:
        self._adaptive = AdaptiveLimit(
            LimitRule(
                commits.places_floor,
                threads,
                commits.tolerance_ratio,
                commits.window_photos,
                commits.probe_photos,
                round(commits.probe_every_seconds * MICROSECONDS),
            )
        )
        target_us, interval_us = (round(seconds * MICROSECONDS) for seconds in (commits.target_seconds, commits.interval_seconds))
        self._line = PlacesLine(LineRule(commits.line_limit, target_us, interval_us), self._adaptive.limit, _busy)
        self._metrics = metrics
        self._wait_seconds = metrics.histogram(telemetry.COMMIT_WAIT_SECONDS)
        metrics.at_scrape(self._scrape)

    @property
    def waiting(self) -> int:
        """Photos in line."""
        return self._line.waiting

    @property
    def places_limit(self) -> int:
        """Places there are now."""
        return self._adaptive.limit

    async def enter(self) -> "CommitPlace":
        """A place, after the line. Raises Problem(commits_busy); who is cancelled while waiting leaves the line."""
        asked_us = monotonic_us()
        self._line.allow(self._adaptive.limit)
        await self._line.enter()
        self._wait_seconds.observe((monotonic_us() - asked_us) / MICROSECONDS)
        return CommitPlace(self, self._line.in_place)

    def leave(self, took_us: int | None, at_work: int) -> None:
        """A place is given back; `took_us` is None when the photo is not durable, which says nothing of how long it takes."""
        if took_us is not None:
            self._adaptive.took(monotonic_us(), took_us, at_work)
        self._line.allow(self._adaptive.limit)
        self._line.leave()

    def _scrape(self) -> None:
        gauge, baseline_us = self._metrics.gauge, self._adaptive.baseline_us
        gauge(telemetry.COMMIT_PLACES_LIMIT).set(self._adaptive.limit)
        gauge(telemetry.COMMIT_LINE_STANDS).set(self._line.stands)
        gauge(telemetry.COMMIT_BASELINE_SECONDS).set(baseline_us / MICROSECONDS if baseline_us < float("inf") else 0.0)


class CommitPlace:
    """A place, to be used once: `with place:` around what makes the photo durable."""

    __slots__ = ("_at_work", "_began_us", "_line")

    def __init__(self, line: CommitLine, at_work: int) -> None:
        self._line = line
        self._at_work = at_work
        self._began_us = 0

    def __enter__(self) -> None:
        self._began_us = monotonic_us()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._line.leave(monotonic_us() - self._began_us if kind is None else None, self._at_work)


def _busy() -> Problem:
    return Problem(Code.COMMITS_BUSY, "photos stand in line for the disk; please come back at the told time", stage=Stage.COMMIT)
