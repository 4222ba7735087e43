"""A journey: the steps of a scenario compiled into a table, step × outcome → what comes next.

The table is plain integers, so that the live engine and a simulator walk the same one: `next[step, outcome]` is a step's index, RETRY, or
a fate. Where a step's `on` says nothing, these hold:

    ok              the next step; after the last one, the person has finished
    conflict        request and photo: the next step, because it was done already (a lost answer, told again)
    refused failed timed_out connect_refused reset protocol tls_failed proxy_refused capture_failed too_large expired no_message
                    retry: the person decides when, or leaves (`gelombang.patience`)
    invalid         fate rejected
    not_read        fate unreachable

Steps that no outcome leads to, targets that don't exist and placeholders that nobody fills are faults (`gelombang.journey_check`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate, Outcome
from gelombang.scenario import Scenario
from gelombang.steps import RequestStep, Step, Success, outcome_of

RETRY = -1
"""In the table: the same step again."""
_FATES_BELOW = -10

_RETRIED = (
    Outcome.REFUSED,
    Outcome.FAILED,
    Outcome.TOO_LARGE,
    Outcome.EXPIRED,
    Outcome.TIMED_OUT,
    Outcome.CONNECT_REFUSED,
    Outcome.RESET,
    Outcome.PROTOCOL,
    Outcome.NO_MESSAGE,
    Outcome.TLS_FAILED,
    Outcome.PROXY_REFUSED,
    Outcome.CAPTURE_FAILED,
)


def target_of_fate(fate: Fate) -> int:
    """How a fate stands in the table: -(10 + fate)."""
    return _FATES_BELOW - fate


def fate_of_target(target: int) -> Fate | None:
    """The fate that a table entry means; None when it is a step or RETRY."""
    return Fate(_FATES_BELOW - target) if target <= _FATES_BELOW else None


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """What people walk. `next` has one row per step and one column per Outcome."""

    steps: tuple[Step, ...]
    names: tuple[str, ...]
    next: NDArray[np.int16]
    broken: tuple[Mapping[str, int], ...]
    """For each step, where the breach of a success rule leads, by the rule's name; rules that don't say are not in it."""

    def index(self, name: str) -> int:
        """The index of a step. Raises ValueError when there is none of that name."""
        return self.names.index(name)

    def title(self, step: int) -> str:
        """What pages call a step."""
        return self.steps[step].title or self.names[step]

    def follow(self, step: int, outcome: Outcome, rule: str = "") -> int:
        """A step's index, RETRY, or a fate (`fate_of_target`). `rule`: the success rule whose breach made this outcome."""
        if rule in self.broken[step]:
            return self.broken[step][rule]
        return int(self.next[step, outcome])

    @property
    def milestones(self) -> tuple[int, ...]:
        """The steps that the funnel shows."""
        return tuple(i for i, step in enumerate(self.steps) if step.milestone)


def compile_journey(scenario: Scenario) -> Journey:
    """The journey of a scenario without faults, at any scale: the table holds no times."""
    names = tuple(step.step for step in scenario.journey)
    table = np.full((len(names), len(Outcome)), target_of_fate(Fate.CUT), dtype=np.int16)
    for i, step in enumerate(scenario.journey):
        following = default_next(i, len(names))
        table[i] = _defaults(following)
        for outcome, target in step.on.items():
            table[i, outcome_of(outcome)] = resolved_target(target, names, following)
    broken = tuple(_broken(step, names, default_next(i, len(names))) for i, step in enumerate(scenario.journey))
    return Journey(steps=tuple(scenario.journey), names=names, next=table, broken=broken)


def _broken(step: Step, names: Sequence[str], following: int) -> dict[str, int]:
    rules = step.success.rules if isinstance(step, RequestStep) else {}
    return {name: resolved_target(rule.leads_to, names, following) for name, rule in rules.items() if rule.leads_to is not None}


def default_next(step: int, steps: int) -> int:
    """Where `next` leads from a step: the one below it, or fate finished."""
    return step + 1 if step + 1 < steps else target_of_fate(Fate.FINISHED)


def resolved_target(target: str, names: Sequence[str], following: int) -> int:
    """A scenario's target (`next`, `retry`, `step:NAME`, `fate:NAME`) as an entry of the table. Raises ValueError for an unknown step."""
    kind, _, name = target.partition(":")
    match kind:
        case "next":
            return following
        case "retry":
            return RETRY
        case "fate":
            return target_of_fate(Fate[name.upper()])
    assert kind == "step", target
    return names.index(name)


def _defaults(following: int) -> list[int]:
    row = [target_of_fate(Fate.CUT)] * len(Outcome)
    for outcome in _RETRIED:
        row[outcome] = RETRY
    row[Outcome.OK] = row[Outcome.CONFLICT] = following
    row[Outcome.INVALID] = target_of_fate(Fate.REJECTED)
    row[Outcome.NOT_READ] = target_of_fate(Fate.UNREACHABLE)
    return row


def outcome_of_answer(status: int, code: str | None, success: Success | None = None, told_to_return: bool = False) -> Outcome:
    """What an HTTP answer means for the person.

    `code` is the problem document's code, `told_to_return` whether the answer named a time to come back. The step's own rules win, the
    most exact pattern first. 429 and 408 without a time are the site's failure, not the person's: nobody is rejected for them. 3xx is
    invalid, because no redirect is followed and a scenario that expects one says so in `success.status`.
    """
    if success is not None and success.status:
        ruled = _ruled(status, success)
        if ruled is not None:
            return ruled
    match status:
        case _ if 200 <= status < 300:
            return Outcome.OK
        case 409:
            return Outcome.INVALID if code == "step_not_open" else Outcome.CONFLICT
        case 413:
            return Outcome.TOO_LARGE
        case 401 | 410:
            return Outcome.EXPIRED
        case 429 | 503 if told_to_return:
            return Outcome.REFUSED
        case 408 | 429:
            return Outcome.FAILED
        case _ if status >= 500:
            return Outcome.FAILED
    return Outcome.INVALID


def fitting_status_rule(status: int, success: Success) -> str | None:
    """The most exact pattern of a step's own rules that fits a status; None when none does."""
    digits = str(status)
    fitting = [p for p in success.status if len(digits) == 3 and all(a in ("x", b) for a, b in zip(p, digits, strict=True))]
    return min(fitting, key=lambda p: p.count("x")) if fitting else None


def _ruled(status: int, success: Success) -> Outcome | None:
    rule = fitting_status_rule(status, success)
    return outcome_of(success.status[rule]) if rule is not None else None
