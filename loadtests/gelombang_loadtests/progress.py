"""What the process says on standard output while it runs: one JSON line per event, for the command that started it.

`ready` when people could start, `progress` once per wall second, `done` at the end. Nothing else may be printed there.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import orjson

from gelombang.attempt import Fate, Outcome
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.honesty import Counts

PROGRESS_EVERY_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Ready:
    """The site answered, photos and plan are made; the run can be given its zero."""

    process: int
    people: int
    metrics_url: str
    setup: dict[str, str] = field(default_factory=dict)
    """What the setup steps captured, for the run's other processes; whoever reads it keeps it out of files."""
    event: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is; counts are of this process, since the run began."""

    process: int
    people_seconds: float
    offered: int
    started: int
    in_flight: int
    waiting: int
    finished: int
    passed: dict[str, int]
    uploads: dict[str, int]
    lateness_p99_us: int
    sent_bytes: int
    outcomes: dict[str, dict[str, int]]
    """Ended attempts by step and outcome."""
    response: dict[str, dict[str, int]]
    """Decided attempts since the last line, by step and response in wall µs; only where a stop rule asks for it."""
    canary: dict[str, int]
    """Outcomes of the attempts of the run's first people."""
    canary_fates: dict[str, int]
    """What became of those of them whose way has ended."""
    event: Literal["progress"] = "progress"


@dataclass(frozen=True, slots=True)
class Done:
    """The files are whole. `fates` add up to `planned`."""

    process: int
    planned: int
    fates: dict[str, int]
    attempts: int
    cut: bool
    """Somebody stopped the run before its end."""
    failure: str
    """A defect of the generator: the run is void. Empty without one."""
    halted: str
    """Why this machine could not go on, in one sentence: arrivals ended, and what was written is whole. Empty without a reason."""
    phone_failures: int
    lateness_p99_us: int
    lateness_max_us: int
    event: Literal["done"] = "done"


Say = Callable[[Ready | Progress | Done], None]
"""Whoever wants to hear it."""


def say(event: Ready | Progress | Done) -> None:
    """Print one event. A reader that has gone away is no reason to end a run."""
    try:
        sys.stdout.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE).decode())
        sys.stdout.flush()
    except BrokenPipeError:
        pass


def uploads_so_far(counts: GeneratorCounts, photo_steps: tuple[int, ...]) -> dict[str, int]:
    """Photo attempts that ended: ok, too_large, and failed, which is everything else."""
    totals = dict.fromkeys(("ok", "failed", "too_large"), 0)
    for step in photo_steps:
        for outcome, count in counts.outcomes(step).items():
            name = outcome.name.lower() if outcome in (Outcome.OK, Outcome.TOO_LARGE) else "failed"
            totals[name] += count
    return totals


def named_fates(fates: dict[Fate, int]) -> dict[str, int]:
    """Fates by name, without OPEN."""
    return {fate.name.lower(): count for fate, count in fates.items() if fate is not Fate.OPEN}


def made_progress(
    process: int, people_seconds: float, now: Counts, finished: int, counts: GeneratorCounts, photos: tuple[int, ...]
) -> Progress:
    """The progress line of this moment."""
    return Progress(
        process=process,
        people_seconds=round(people_seconds, 1),
        offered=now.offered,
        started=now.started,
        in_flight=now.in_flight,
        waiting=now.waiting,
        finished=finished,
        passed=dict(zip(counts.steps, counts.passed, strict=True)),
        uploads=uploads_so_far(counts, photos),
        lateness_p99_us=round(counts.lateness.quantile_us(0.99) or 0),
        sent_bytes=counts.sent_bytes,
        outcomes={
            name: {outcome.name.lower(): n for outcome, n in found.items()}
            for step, name in enumerate(counts.steps)
            if (found := counts.outcomes(step))
        },
        response=counts.taken_response(),
        canary={Outcome(i).name.lower(): n for i, n in enumerate(counts.canary) if n},
        canary_fates=named_fates(counts.canary_fates),
    )


def made_done(process: int, engine: Engine, counts: GeneratorCounts, phone_failures: int) -> Done:
    """What a process says when each of its people has a fate."""
    lateness = counts.lateness
    return Done(
        process=process,
        planned=engine.planned,
        fates=named_fates(engine.fates),
        attempts=counts.attempts_ended,
        cut=engine.stopped and engine.failure is None,
        failure="" if engine.failure is None else f"{type(engine.failure).__name__}: {engine.failure}",
        halted="" if engine.halted is None else str(engine.halted),
        phone_failures=phone_failures,
        lateness_p99_us=round(lateness.quantile_us(0.99) or 0),
        lateness_max_us=lateness.max_us,
    )
