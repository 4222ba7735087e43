"""Which rule made an outcome of an answer, in words: the step's own, or the default that `gelombang.journey` has."""

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.journey import RETRY, Journey, fate_of_target, fitting_status_rule
from gelombang.steps import Success
from gelombang.trial.one_person import ANSWER_SECONDS_LIMIT, MESSAGE_SECONDS_LIMIT

_DEFAULTS = {
    Outcome.OK: "2xx is ok",
    Outcome.CONFLICT: "409 is conflict: it was done already",
    Outcome.TOO_LARGE: "413 is too_large",
    Outcome.EXPIRED: "401 and 410 are expired",
    Outcome.REFUSED: "429 and 503 with a time to come back are refused",
    Outcome.FAILED: "5xx, and 408 and 429 without a time to come back, are failed",
    Outcome.INVALID: "3xx and the other 4xx are invalid",
}
_MESSAGES = {
    Outcome.OK: "the message came",
    Outcome.INVALID: "the message came, and is not what the step accepts",
    Outcome.NO_MESSAGE: f"no message within the step's within_seconds (at most {MESSAGE_SECONDS_LIMIT:g} s in a trial)",
    Outcome.NOT_READ: "this person never reads it (read_ratio)",
}


def why_answered(outcome: Outcome, status: int, success: Success | None) -> str:
    """Why a whole answer had this outcome."""
    if not status:
        return "nothing could be sent: the address or protocol that was captured can't be followed"
    rule = fitting_status_rule(status, success) if success is not None else None
    if rule is not None:
        return f'the step\'s rule success.status "{rule}" makes {status} {outcome.name.lower()}'
    return f"status {status}: {_DEFAULTS.get(outcome, 'no rule of the step fits')}"


def why_unanswered(outcome: Outcome, phase: Phase, error: str) -> str:
    """Why there was no whole answer."""
    where = phase.name.lower()
    if outcome is Outcome.TIMED_OUT:
        return f"no whole answer within {ANSWER_SECONDS_LIMIT:g} s; it ended in the phase {where}"
    return f"the exchange broke in the phase {where}: {error or outcome.name.lower()}"


def why_message(outcome: Outcome) -> str:
    """Why a wait for a message ended so."""
    return _MESSAGES.get(outcome, outcome.name.lower())


def where_next(journey: Journey, step: int, outcome: Outcome, rule: str = "") -> str:
    """Where an outcome leads from a step, in words; `rule` is the success rule whose breach made it."""
    target = journey.follow(step, outcome, rule)
    if target == RETRY:
        return "tried again"
    fate = fate_of_target(target)
    if fate is not None:
        return "the end: finished" if fate is Fate.FINISHED else f"the end: fate {fate.name.lower()}"
    return f"step {journey.names[target]}"
