"""Watches a run for harm, and says when it must end: stop rules, the canary, what the target's block allows, and the kill switch.

Everything is decided at one place, in the process of the command or of Locust's master, from what all generator processes have counted and
from what the target answers; the judging itself is `gelombang.stops`. The caller carries a stop to the generators.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from gelombang.canary import harmless_outcomes, judge_canary, judge_first_people
from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.stops import STOP_FILE, Seen, Stop, StopJudge, StopRule
from gelombang.target import TargetBlock
from gelombang_loadtests.target_watch import TargetWatch

KILL_SWITCH = "the kill switch"
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
    """Use as a context manager around a run; `judge` what comes of the generators, and `look` several times a second."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._judge = StopJudge(watched.rules)
        self._target = TargetWatch(watched.rules, watched.agent, watched.ca_file)
        self._harmless = harmless_outcomes(watched.rules)
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

    def judge(self, seen: Seen) -> None:
        """What all generator processes have counted, once more of it is known."""
        now_us = monotonic_us()
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
        files = [self._watched.folder / STOP_FILE, *([self._watched.stop_file] if self._watched.stop_file is not None else [])]
        return next((Stop(KILL_SWITCH, thrown, now_us) for path in files if (thrown := kill_switch(path)) is not None), None)

    def _window(self, now_us: int) -> Stop | None:
        if self._closes_us is None or now_us < self._closes_us:
            return None
        assert self._watched.block is not None
        return Stop("the window of time", f"it closed at {self._watched.block.window.until}", now_us)


def kill_switch(path: Path) -> str | None:
    """Why a run ends, when this file is there."""
    return f"{path.name} is there{_said(path)}" if path.exists() else None


def _said(path: Path) -> str:
    """What whoever made the file wrote into it, on one line."""
    try:
        with path.open("rb") as file:
            text = file.read(REASON_BYTES_LIMIT).decode(errors="replace")
    except OSError:
        return ""
    words = "".join(c if c.isprintable() else " " for c in text).strip()
    return f": {words}" if words else ""
