"""Watches a run for harm, and says when it must end: stop rules, the canary, what the target's block allows, and the kill switch.

Everything is decided here, in the command's process, from the progress of all generator processes and from what the target answers; the
judging itself is `gelombang.stops`. The caller carries a stop to the generators.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.stops import STOP_FILE, Seen, Stop, StopJudge, StopRule, harmless_outcomes, judge_canary, judge_first_people
from gelombang.target import TargetBlock
from gelombang_cli.child import Event
from gelombang_cli.target_watch import TargetWatch

REASON_BYTES_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """What a run is watched for."""

    folder: Path
    rules: Sequence[StopRule]
    block: TargetBlock | None = None
    has_canary: bool = False
    stop_file: Path | None = None
    """A kill switch at another place, beside the one in the run's folder."""
    agent: str = "gelombang"
    ca_file: str | None = None


class HarmWatch:
    """Use as a context manager around a run; `take` every event of the generators, and `look` several times a second."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._judge = StopJudge(watched.rules)
        self._target = TargetWatch(watched.rules, watched.agent, watched.ca_file)
        self._harmless = harmless_outcomes(watched.rules)
        self._last: dict[int, Event] = {}
        self._stop: Stop | None = None
        self._stack = ExitStack()
        self._closes_us: int | None = None
        if watched.block is not None:
            left = datetime.fromisoformat(watched.block.window.until).timestamp() - utc_now().timestamp()
            self._closes_us = monotonic_us() + int(left * MICROSECONDS)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._target)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, event: Event) -> None:
        """One event of one generator process."""
        if event.get("event") != "progress":
            return
        self._last[int(event.get("process", 0))] = event
        now_us = monotonic_us()
        seen = merged(list(self._last.values()), event)
        self._judge.take(now_us, seen)
        if self._watched.has_canary and self._stop is None:
            self._stop = judge_canary(seen.canary, self._harmless, now_us) or judge_first_people(seen.canary_fates, self._harmless, now_us)
        block = self._watched.block
        if block is not None and seen.sent_bytes > block.max_bytes and self._stop is None:
            self._stop = Stop(
                "the limit of bytes", f"{seen.sent_bytes:,} bytes were sent; [target] max_bytes is {block.max_bytes:,}", now_us
            )

    def look(self) -> Stop | None:
        """The reason why the run must end now, the first that was found."""
        now_us = monotonic_us()
        for rule, at_us, value in self._target.taken(now_us):
            self._judge.observe(rule, at_us, value)
        self._stop = self._stop or self._kill_switch(now_us) or self._judge.verdict() or self._window(now_us)
        return self._stop

    def _kill_switch(self, now_us: int) -> Stop | None:
        for path in (self._watched.folder / STOP_FILE, self._watched.stop_file):
            if path is not None and path.exists():
                return Stop("the kill switch", f"{path.name} is there{_said(path)}", now_us)
        return None

    def _window(self, now_us: int) -> Stop | None:
        if self._closes_us is None or now_us < self._closes_us:
            return None
        assert self._watched.block is not None
        return Stop("the window of time", f"it closed at {self._watched.block.window.until}", now_us)


def merged(last: Sequence[Event], newest: Event) -> Seen:
    """What all processes have counted, from the last progress of each; responses are those of the newest alone."""
    outcomes: dict[str, dict[str, int]] = {}
    canary: dict[str, int] = {}
    canary_fates: dict[str, int] = {}
    for event in last:
        for step, counts in event.get("outcomes", {}).items():
            _add(outcomes.setdefault(step, {}), counts)
        _add(canary, event.get("canary", {}))
        _add(canary_fates, event.get("canary_fates", {}))
    return Seen(
        waiting=sum(int(event.get("waiting", 0)) for event in last),
        sent_bytes=sum(int(event.get("sent_bytes", 0)) for event in last),
        outcomes=outcomes,
        response={step: {int(us): n for us, n in counts.items()} for step, counts in newest.get("response", {}).items()},
        canary=canary,
        canary_fates=canary_fates,
    )


def _add(totals: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count


def _said(path: Path) -> str:
    """What whoever made the file wrote into it, on one line."""
    try:
        with path.open("rb") as file:
            text = file.read(REASON_BYTES_LIMIT).decode(errors="replace")
    except OSError:
        return ""
    words = "".join(c if c.isprintable() else " " for c in text).strip()
    return f": {words}" if words else ""
