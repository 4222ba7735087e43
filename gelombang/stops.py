"""Stop on harm: the `[[stop]]` rules of a scenario, and the pure judge that says when one has come true.

The judge is fed once a second with what the generators counted and what the target was asked, and answers with the first rule that has
been broken without a break for its `for_seconds`. All times here are wall time and all counts are as sent, because that is what a target
feels. A rule without samples never stops anything: its breach begins again with the next one.

Leaves out where the numbers come from, and how a stop reaches the generators: `gelombang_loadtests.harm_watch`.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gelombang.clock import MICROSECONDS
from gelombang.scale import FixedFloat, Ratio
from gelombang.steps import OutcomeName, StepName

K = TypeVar("K")

HARM_DRAIN_SECONDS = 1.0
"""What open exchanges get after a stop on harm."""
STOPPED_WITHIN_SECONDS = 2.0
"""From the decision to the last thing that any generator process does; the rest is for the word to reach them, and to cut what is open."""
STOP_FILE = "STOP"
"""The kill switch: a file of this name in the run's folder ends the run."""

GOOD = frozenset({"ok", "conflict"})
UNDECIDED = frozenset({"cut", "not_read", "process_died", "open"})
"""Outcomes that say nothing about the target."""

QuestionUrl = Annotated[str, Field(pattern=r"^(https?://|\$\{(env|file):[^{}]+\})\S*$")]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]


class StopSide(StrEnum):
    """Whose numbers a rule looks at."""

    GENERATOR = "generator"
    TARGET = "target"


class StopMeasure(StrEnum):
    """What a rule judges."""

    FAILED_RATIO = "failed_ratio"
    """Share of decided attempts in the last `window_seconds` that did not end ok (conflict counts as ok), harmless ones left out."""
    RESPONSE_SECONDS = "response_seconds"
    """`quantile` of done - due over the last `window_seconds`, in wall time."""
    PEOPLE_WAITING = "people_waiting"
    """People between two attempts now."""
    OUTCOMES = "outcomes"
    """How many attempts of the last `window_seconds` ended with one of `outcome`, harmless ones left out."""
    HEALTH_SECONDS = "health_seconds"
    """How long `url` took to answer; a bad status, or no answer within `timeout_seconds`, counts as more than any limit."""
    PROMQL = "promql"
    """The largest value that `promql` has now at the Prometheus `url`."""
    ALERT = "alert"
    """How many alerts named `alert` fire at the Prometheus `url`."""


_GENERATOR = (StopMeasure.FAILED_RATIO, StopMeasure.RESPONSE_SECONDS, StopMeasure.PEOPLE_WAITING, StopMeasure.OUTCOMES)
_TARGET = (StopMeasure.HEALTH_SECONDS, StopMeasure.PROMQL, StopMeasure.ALERT)


class StopRule(BaseModel):
    """When a run must end before its time. Judged every second, in wall time and on counts as sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)
    name: Annotated[str, Field(min_length=1, max_length=120)]
    side: StopSide
    measure: StopMeasure
    above: Annotated[FixedFloat, Field(ge=0)]
    """More than this is harm."""
    for_seconds: Annotated[FixedFloat, Field(ge=0, le=3_600)] = 0.0
    """Only when it lasts this long without a break."""
    window_seconds: Annotated[FixedFloat, Field(ge=1, le=3_600)] = 10.0
    step: list[StepName] = Field(default_factory=list)
    """Attempts at any of these; empty: all steps."""
    quantile: Annotated[Ratio, Field(gt=0, lt=1)] | None = None
    outcome: list[OutcomeName] = Field(default_factory=list)
    harmless: list[OutcomeName] = Field(default_factory=list)
    """Outcomes that are no harm: `refused` in an overload scenario, whose site is meant to say when to come back."""
    url: QuestionUrl | None = None
    """The health page, or the base of a Prometheus. Like `headers`, it may hold secrets by reference."""
    headers: dict[HeaderName, str] = Field(default_factory=dict, max_length=20)
    """Sent with the question, such as an authorization."""
    promql: str | None = None
    alert: str | None = None
    timeout_seconds: Annotated[FixedFloat, Field(gt=0, le=30)] = 1.0

    @model_validator(mode="after")
    def _complete(self) -> Self:
        right = _GENERATOR if self.side is StopSide.GENERATOR else _TARGET
        if self.measure not in right:
            raise ValueError(f"{self.measure} on the side of the {self.side}; want one of {', '.join(right)}")
        for name, measure in (
            ("quantile", (StopMeasure.RESPONSE_SECONDS,)),
            ("outcome", (StopMeasure.OUTCOMES,)),
            ("promql", (StopMeasure.PROMQL,)),
            ("alert", (StopMeasure.ALERT,)),
            ("url", _TARGET),
        ):
            given = bool(getattr(self, name))
            if given != (self.measure in measure):
                raise ValueError(f"{self.measure} {'with' if given else 'without'} {name}; want one with {' and '.join(measure)} only")
        if self.headers and self.side is not StopSide.TARGET:
            raise ValueError("headers on the side of the generator; want them with a url, which is asked")
        return self


OPERATOR = "the operator"
THIS_MACHINE = "the generator's machine"
"""Who ended a run whose generator could not go on, such as on a full disk."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Who ended a run, and why."""

    stopped_by: str
    reason: str
    at_us: int
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What all generator processes together have counted since zero; `response` only since the last time."""

    waiting: int = 0
    sent_bytes: int = 0
    outcomes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By step, by outcome; totals since zero."""
    response: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """By step, wall µs → attempts, since the last time."""
    canary: Mapping[str, int] = field(default_factory=dict)
    """Outcomes of the first people's attempts; totals since zero."""
    canary_fates: Mapping[str, int] = field(default_factory=dict)
    """What became of those of the first people whose way has ended."""


class StopJudge:
    """Says when a rule has come true. `now_us` never goes back."""

    def __init__(self, rules: Sequence[StopRule]) -> None:
        self._rules = tuple(rules)
        self._judges = [_Judge(rule) for rule in self._rules]

    def take(self, now_us: int, seen: Seen) -> None:
        """One second of the generators."""
        for judge in self._judges:
            if judge.rule.side is StopSide.GENERATOR:
                judge.see(now_us, judge.measured(now_us, seen))

    def observe(self, rule: StopRule, now_us: int, value: float | None) -> None:
        """What the target was asked for one rule; None when there was no sample."""
        self._judges[self._rules.index(rule)].see(now_us, value)

    def verdict(self) -> Stop | None:
        """The rule that was broken for long enough, the first of the scenario's order."""
        return next((judge.stop for judge in self._judges if judge.stop is not None), None)


class _Judge:
    """One rule, its window and its breach."""

    def __init__(self, rule: StopRule) -> None:
        self.rule = rule
        self.stop: Stop | None = None
        self._totals: deque[tuple[int, dict[str, int]]] = deque()
        self._responses: deque[tuple[int, dict[int, int]]] = deque()
        self._broken_since_us: int | None = None

    def measured(self, now_us: int, seen: Seen) -> float | None:
        rule = self.rule
        match rule.measure:
            case StopMeasure.PEOPLE_WAITING:
                return float(seen.waiting)
            case StopMeasure.RESPONSE_SECONDS:
                return self._quantile_seconds(now_us, seen)
        counts = self._in_window(now_us, seen)
        decided = {name: count for name, count in counts.items() if name not in UNDECIDED and name not in rule.harmless}
        if rule.measure is StopMeasure.OUTCOMES:
            return float(sum(decided.get(name, 0) for name in rule.outcome))
        total = sum(decided.values())
        return sum(count for name, count in decided.items() if name not in GOOD) / total if total else None

    def see(self, now_us: int, value: float | None) -> None:
        rule = self.rule
        if value is None or value <= rule.above:
            self._broken_since_us = None
            return
        if self._broken_since_us is None:
            self._broken_since_us = now_us
        if self.stop is None and now_us - self._broken_since_us >= rule.for_seconds * MICROSECONDS:
            lasted = f" for {rule.for_seconds:g} s" if rule.for_seconds else ""
            self.stop = Stop(f"the stop rule “{rule.name}”", f"{_what(rule)} was {_shown(value)}, above {rule.above:g}{lasted}", now_us)

    def _in_window(self, now_us: int, seen: Seen) -> dict[str, int]:
        totals = _summed(seen.outcomes, self.rule.step)
        began_us = now_us - int(self.rule.window_seconds * MICROSECONDS)
        while len(self._totals) > 1 and self._totals[1][0] <= began_us:
            self._totals.popleft()
        before = self._totals[0][1] if self._totals and self._totals[0][0] <= began_us else {}
        self._totals.append((now_us, totals))
        return {name: count - before.get(name, 0) for name, count in totals.items()}

    def _quantile_seconds(self, now_us: int, seen: Seen) -> float | None:
        assert self.rule.quantile is not None
        self._responses.append((now_us, _summed(seen.response, self.rule.step)))
        while self._responses[0][0] <= now_us - int(self.rule.window_seconds * MICROSECONDS):
            self._responses.popleft()
        counts: dict[int, int] = {}
        for _, second in self._responses:
            for value_us, count in second.items():
                counts[value_us] = counts.get(value_us, 0) + count
        values = sorted(counts)
        seen_so_far = 0
        ends = [seen_so_far := seen_so_far + counts[value] for value in values]
        if not ends:
            return None
        # Nearest rank ceil(q × n), as everywhere: the first value whose running count reaches it.
        return values[bisect_left(ends, math.ceil(self.rule.quantile * ends[-1]))] / MICROSECONDS


def rule_words(rule: StopRule) -> str:
    """A rule in one sentence."""
    lasting = f" for {rule.for_seconds:g} s without a break" if rule.for_seconds else ""
    harmless = f"; no harm: {', '.join(rule.harmless)}" if rule.harmless else ""
    return f"{rule.name}: {_what(rule)} above {rule.above:g}{lasting}{harmless}."


def _summed(by_step: Mapping[str, Mapping[K, int]], steps: Sequence[str]) -> dict[K, int]:
    totals: dict[K, int] = {}
    for step, counts in by_step.items():
        if not steps or step in steps:
            for key, count in counts.items():
                totals[key] = totals.get(key, 0) + count
    return totals


def _what(rule: StopRule) -> str:
    where = f" at {', '.join(rule.step)}" if rule.step else ""
    window = f" over {rule.window_seconds:g} s"
    match rule.measure:
        case StopMeasure.FAILED_RATIO:
            return f"the failed share of attempts{where}{window}"
        case StopMeasure.RESPONSE_SECONDS:
            return f"the response{where} at quantile {rule.quantile:g}{window}"
        case StopMeasure.PEOPLE_WAITING:
            return "the number of people waiting"
        case StopMeasure.OUTCOMES:
            return f"the number of attempts{where} that ended {' or '.join(rule.outcome)}{window}"
        case StopMeasure.HEALTH_SECONDS:
            return f"the seconds that {rule.url} took to answer"
        case StopMeasure.PROMQL:
            return f"{rule.promql}"
        case StopMeasure.ALERT:
            return f"the number of firing alerts {rule.alert}"


def _shown(value: float) -> str:
    return "not there in time" if value == float("inf") else f"{value:.4g}"
