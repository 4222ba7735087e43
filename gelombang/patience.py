"""What a person does after an attempt that didn't work: try again, leave for a while, or give up for good.

The rule is that of telephone practice, persistence and intervals: after a failure the person tries again with probability `persist_ratio`
for the first `persist_tries` failures in a row, then `persist_later_ratio`; who does not is away for `away_seconds` and comes back fresh,
or has given up. A told time to return is obeyed to the second, except by the share that leaves. What is not the site's failure (a photo
too large, a link too old, no mail yet) is tried again without a thought of leaving. A persona may retry by a library's fixed delays or
by a back-off with jitter, and may not listen to a told time. Every decision is a counter-based draw.
"""

from dataclasses import dataclass
from enum import Enum

from gelombang.attempt import Outcome
from gelombang.scenario import Patience, Scenario
from gelombang.seeds import Purpose, unit

FAILURES = frozenset(
    {
        Outcome.FAILED,
        Outcome.TIMED_OUT,
        Outcome.RESET,
        Outcome.CONNECT_REFUSED,
        Outcome.PROTOCOL,
        Outcome.TLS_FAILED,
        Outcome.PROXY_REFUSED,
        Outcome.CAPTURE_FAILED,
    },
)
"""Outcomes that use up patience."""


DOUBLINGS_LIMIT = 64
"""Of a back-off: no limit in seconds is further away."""


class Choice(Enum):
    """What the person does next."""

    RETRY = "retry"
    """The same page is still open: the next attempt is due after `Decision.seconds`."""
    AWAY = "away"
    """Left, and comes back after `Decision.seconds`."""
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's decision after one attempt. `seconds` from the end of that attempt, 0 when given up."""

    choice: Choice
    seconds: float
    failures_in_a_row: int
    """Hand this back at the next decision of the same person at the same step; 0 after coming back."""
    smaller_copy: bool
    """Whether the person switches to a smaller copy of the photo now; once switched, always switched."""


def draw_number(step: int, number: int) -> int:
    """The counter of draws that belong to one attempt: step and number side by side, as in its trace id."""
    return step << 24 | number


def after_failure(
    seed: int,
    person: int,
    patience: Patience,
    step: int,
    number: int,
    failures_in_a_row: int,
    outcome: Outcome,
    told_seconds: float | None = None,
    photo: bool = False,
) -> Decision:
    """Decide after attempt `number` (from 1) at `step`, whose journey target is RETRY.

    `patience` is the scaled scenario's, so all seconds are wall seconds. `failures_in_a_row` counts those before this attempt, since the
    person came to this step or came back. `told_seconds` is the time to return that a refusal named.
    """
    assert number >= 1
    n = draw_number(step, number)
    if number >= patience.attempts_limit:
        return Decision(Choice.GAVE_UP, 0.0, failures_in_a_row, smaller_copy=False)
    if outcome is Outcome.REFUSED and told_seconds is not None and patience.obeys_told_time is not False:
        if unit(seed, person, Purpose.LEAVE_WHEN_REFUSED, n) < patience.leave_when_refused_ratio:
            return _leave(seed, person, patience, n, smaller_copy=False)
        return Decision(Choice.RETRY, told_seconds, failures_in_a_row, smaller_copy=False)
    if outcome in FAILURES or outcome is Outcome.REFUSED:
        return _after_site_failure(seed, person, patience, n, failures_in_a_row + 1, photo)
    if outcome is Outcome.NO_MESSAGE:
        return Decision(Choice.RETRY, 0.0, failures_in_a_row, smaller_copy=False)
    delay = _delay(seed, person, patience, n, 1)
    return Decision(Choice.RETRY, delay, failures_in_a_row, smaller_copy=outcome is Outcome.TOO_LARGE)


def opens_second_tabs(scenario: Scenario) -> bool:
    """Whether anybody does."""
    everybody = [scenario.patience] if scenario.persona is None else [persona.patience for persona in scenario.persona]
    return any(patience.second_tab is not None for patience in everybody)


def second_tab_after_seconds(seed: int, person: int, patience: Patience, step: int, number: int) -> float | None:
    """How long after sending try `number` (from 1) the person opens a second tab, where it is not answered by then; None: they wait."""
    if patience.second_tab is None:
        return None
    n = draw_number(step, number)
    if unit(seed, person, Purpose.SECOND_TAB, n) >= patience.second_tab.ratio:
        return None
    return patience.second_tab.after_seconds.quantile(unit(seed, person, Purpose.SECOND_TAB_AFTER, n))


def _after_site_failure(seed: int, person: int, patience: Patience, n: int, failures: int, photo: bool) -> Decision:
    smaller = photo and unit(seed, person, Purpose.SMALLER_COPY, n) < patience.smaller_copy_ratio
    if failures <= len(patience.retry_delays_seconds or ()):
        return Decision(Choice.RETRY, _delay(seed, person, patience, n, failures), failures, smaller)
    persist = patience.persist_ratio if failures <= patience.persist_tries else patience.persist_later_ratio
    if unit(seed, person, Purpose.PERSIST, n) < persist:
        return Decision(Choice.RETRY, _delay(seed, person, patience, n, failures), failures, smaller)
    return _leave(seed, person, patience, n, smaller)


def _delay(seed: int, person: int, patience: Patience, n: int, failures: int) -> float:
    """How long until the next try after so many failures in a row."""
    if patience.retry_delays_seconds and failures <= len(patience.retry_delays_seconds):
        return patience.retry_delays_seconds[failures - 1]
    share = unit(seed, person, Purpose.RETRY_DELAY, n)
    if patience.backoff is None:
        return patience.retry_seconds.quantile(share)
    # The power is bounded by what it is compared with: without that, a long row of failures would overflow.
    longest, first, times = patience.backoff.longest_seconds, patience.backoff.first_seconds, patience.backoff.times
    growth = min(failures - 1, DOUBLINGS_LIMIT)
    return share * min(longest, first * times**growth)


def _leave(seed: int, person: int, patience: Patience, n: int, smaller_copy: bool) -> Decision:
    if unit(seed, person, Purpose.RETURN, n) < patience.return_ratio:
        away = patience.away_seconds.quantile(unit(seed, person, Purpose.AWAY, n))
        return Decision(Choice.AWAY, away, 0, smaller_copy)
    return Decision(Choice.GAVE_UP, 0.0, 0, smaller_copy)
