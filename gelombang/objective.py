"""Objectives: each expectation of a scenario judged on the record, with what was found and what was wanted in words.

Everything is in the people's time and at full size: a sample's people per second are divided by the sample. A stretch of time means the
windows whose middle lies in it. `for_seconds` fails only on a breach without a break that lasts as long; `within_seconds` wants one window
that holds and ends by then; windows without samples neither break nor hold anything. No samples at all is a failure. What a run could not
show (it was too short, another profile was not run, the store can't be looked into) is not judged, and says why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gelombang.clock import MICROSECONDS
from gelombang.objective_form import Measure, Objective
from gelombang.objective_words import FORMS, limits_text
from gelombang.record import Judgement, RunRecord, Validity
from gelombang.segments import Segments
from gelombang.upload_places import ACKNOWLEDGED


@dataclass(frozen=True, slots=True)
class Span:
    """Windows first to past - 1 of a record."""

    first: int
    past: int


class _NotJudgedError(Exception):
    """Why an objective can't be judged on this record."""


def judge(
    objectives: Sequence[Objective], record: RunRecord, segments: Segments | None, others: Mapping[str, RunRecord]
) -> list[Judgement]:
    """One judgement for each objective that speaks of the record's profile, in their order.

    `segments` are the run's own; without them, quantiles that the record does not hold are not judged. `others` holds the records of other
    profiles by their name.
    """
    return [_judge(each, record, segments, others) for each in objectives if each.profile in (None, record.profile)]


def response_limits(objectives: Sequence[Objective]) -> list[float]:
    """The limits of response in the people's seconds that objectives name, multiples of another profile's apart."""
    judged = [each for each in objectives if each.measure is Measure.RESPONSE_SECONDS and each.times_profile is None]
    return [limit for each in judged for limit in (each.at_least, each.at_most) if limit is not None]


def _judge(objective: Objective, record: RunRecord, segments: Segments | None, others: Mapping[str, RunRecord]) -> Judgement:
    try:
        low, high = _limits(objective, others)
        wanted = limits_text(objective, low, high)
        span = _span(objective, record)
        if objective.for_seconds is not None:
            passed, found = _judge_for(objective, record, segments, span, (low, high))
        elif objective.within_seconds is not None:
            passed, found = _judge_within(objective, record, segments, span, (low, high))
        else:
            value, of = _value(objective, record, segments, span)
            passed = value is not None and _holds(objective, value, low, high)
            found = FORMS[objective.measure].found(value, of, objective)
    except _NotJudgedError as reason:
        low, high = (None, None) if objective.times_profile is not None else (objective.at_least, objective.at_most)
        return Judgement(name=objective.name, passed=None, wanted=limits_text(objective, low, high), found=f"not judged: {reason}")
    return Judgement(name=objective.name, passed=passed, wanted=wanted, found=found)


def _limits(objective: Objective, others: Mapping[str, RunRecord]) -> tuple[float | None, float | None]:
    """The limits, multiplied by what the other profile reached where the objective compares."""
    if objective.times_profile is None:
        return objective.at_least, objective.at_most
    other = others.get(objective.times_profile)
    if other is None:
        raise _NotJudgedError(f"{objective.times_profile} was not run beside it")
    if other.validity is Validity.INVALID:
        raise _NotJudgedError(f"the run of {objective.times_profile} is INVALID")
    reached, _ = _value(objective, other, None, _span(objective, other))
    if reached is None:
        raise _NotJudgedError(f"the run of {objective.times_profile} has no samples of it")
    low = None if objective.at_least is None else objective.at_least * reached
    high = None if objective.at_most is None else objective.at_most * reached
    return low, high


def _holds(objective: Objective, value: float, low: float | None, high: float | None) -> bool:
    if low is not None and objective.times_profile is not None and low == value == 0:
        # Any multiple of nothing is reached by nothing: that is no success.
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _span(objective: Objective, record: RunRecord) -> Span:
    """The windows that are looked at."""
    width = record.windows.window_seconds
    covered = min(record.for_seconds, record.ended_seconds) if record.cut_short else record.for_seconds
    begin, end = objective.over_seconds or (0.0, record.for_seconds)
    if end > covered + width / 2:
        raise _NotJudgedError(f"it looks at seconds {begin:,.0f} to {end:,.0f}, and arrivals were due for {covered:,.0f} s")
    middles = [(i + 0.5) * width for i in range(len(record.windows.offered))]
    chosen = [i for i, middle in enumerate(middles) if begin <= middle < end]
    if not chosen:
        raise _NotJudgedError(f"no window of {width:g} s has its middle in seconds {begin:,.0f} to {end:,.0f}")
    return Span(chosen[0], chosen[-1] + 1)


def _each_window(objective: Objective, record: RunRecord, segments: Segments | None, span: Span) -> Iterator[tuple[int, float]]:
    """The windows that have samples, with their values."""
    for window in range(span.first, span.past):
        value, _ = _value(objective, record, segments, Span(window, window + 1))
        if value is not None:
            yield window, value


def _judge_for(
    objective: Objective, record: RunRecord, segments: Segments | None, span: Span, limits: tuple[float | None, float | None]
) -> tuple[bool, str]:
    assert objective.for_seconds is not None
    form = FORMS[objective.measure]
    width = record.windows.window_seconds
    breach = longest = 0.0
    worst: float | None = None
    sampled = False
    for _, value in _each_window(objective, record, segments, span):
        sampled = True
        if _holds(objective, value, *limits):
            breach = 0.0
            continue
        breach += width
        if breach > longest:
            longest, worst = breach, value
    if not sampled:
        return False, "no samples"
    if worst is None:
        return True, "held in every window"
    return longest < objective.for_seconds, f"broken for {longest:,.0f} s without a break (at its end {form.number(worst)})"


def _judge_within(
    objective: Objective, record: RunRecord, segments: Segments | None, span: Span, limits: tuple[float | None, float | None]
) -> tuple[bool, str]:
    assert objective.within_seconds is not None
    form = FORMS[objective.measure]
    width = record.windows.window_seconds
    last: float | None = None
    for window, value in _each_window(objective, record, segments, span):
        if (window + 1) * width > objective.within_seconds:
            break
        last = value
        if _holds(objective, value, *limits):
            return True, f"{form.number(value)} in the window that ends at {(window + 1) * width:,.0f} s"
    if last is None:
        return False, "no samples"
    return False, f"in no window by {objective.within_seconds:,.0f} s; the last had {form.number(last)}"


def _value(objective: Objective, record: RunRecord, segments: Segments | None, span: Span) -> tuple[float | None, int]:
    """The measure over these windows, None without samples; and of how many people or attempts."""
    match objective.measure:
        case Measure.PASSED_PER_SECOND:
            return _passed_per_second(objective, record, span)
        case Measure.OK_RATIO | Measure.FAILED_RATIO:
            return _attempts_ratio(objective, record, span)
        case Measure.RESPONSE_SECONDS:
            return _response_seconds(objective, record, segments, span)
        case Measure.PEOPLE_RATIO:
            assert objective.fate is not None
            return record.fates.get(objective.fate, 0) / record.people_planned if record.people_planned else None, record.people_planned
        case Measure.STORE_USED_RATIO:
            return _store_used_ratio(record, span)
        case Measure.TOLD_TIMES_KEPT_RATIO | Measure.TOLD_AGAIN_RATIO:
            return _room_ratio(objective, record)
        case Measure.LOST:
            if record.uploads is None or not record.uploads.audited:
                raise _NotJudgedError("the store can't be looked into")
            return float(record.uploads.photos_acknowledged_lost), record.uploads.acknowledged
        case Measure.UNEXPLAINED:
            if not record.join and record.coverage != "both ends":
                raise _NotJudgedError("only the generator's end is known")
            return float(record.unexplained), sum(step.attempts for step in record.steps)
        case Measure.UNBALANCED:
            if record.programme is None:
                raise _NotJudgedError("the books of a programme are not at hand")
            books = record.programme
            drawn_over = sum(wave["joined"] for wave in books.waves.values())
            return float(books.breaches), drawn_over if books.members is None else books.members
        case Measure.LATENESS_SECONDS:
            return _lateness_seconds(objective, record, segments)


def _passed_per_second(objective: Objective, record: RunRecord, span: Span) -> tuple[float | None, int]:
    if not objective.step:
        raise _NotJudgedError("it names no step")
    passed = sum(sum(record.windows.passed.get(step, ())[span.first : span.past]) for step in objective.step)
    scale = record.scale.scale()
    return scale.stands_for(passed) / _length_seconds(record, span), passed


def _length_seconds(record: RunRecord, span: Span) -> float:
    width = record.windows.window_seconds
    end = min(span.past * width, max(record.for_seconds, record.ended_seconds))
    return max(end - span.first * width, width * 1e-6)


def _attempts_ratio(objective: Objective, record: RunRecord, span: Span) -> tuple[float | None, int]:
    windows = record.windows
    steps = objective.step or [step.step for step in record.steps]

    def total(counts: dict[str, list[int]]) -> int:
        return sum(sum(counts.get(step, ())[span.first : span.past]) for step in steps)

    ended, ok = total(windows.ended), total(windows.ok)
    if objective.measure is Measure.FAILED_RATIO:
        ended -= total(windows.too_large)
        return (ended - ok) / ended if ended else None, ended
    return ok / ended if ended else None, ended


def _response_seconds(objective: Objective, record: RunRecord, segments: Segments | None, span: Span) -> tuple[float | None, int]:
    assert objective.quantile is not None
    speed = record.scale.speed
    if segments is None:
        is_whole = objective.over_seconds is None and objective.for_seconds is None and objective.within_seconds is None
        held = [step.response for step in record.steps if step.step in objective.step] if is_whole else []
        if len(held) != 1 or objective.quantile not in (0.5, 0.9, 0.99):
            raise _NotJudgedError("the run's segments are not at hand")
        found = {0.5: held[0].p50_seconds, 0.9: held[0].p90_seconds, 0.99: held[0].p99_seconds}[objective.quantile]
        return found, held[0].samples
    value_us = segments.window_quantile_us(objective.step, span.first, span.past, objective.quantile)
    samples = segments.window_samples(objective.step, span.first, span.past)
    return None if value_us is None else value_us * speed / MICROSECONDS, samples


def _store_used_ratio(record: RunRecord, span: Span) -> tuple[float | None, int]:
    uploads = record.uploads
    if uploads is None or uploads.store_bytes_per_second is None:
        raise _NotJudgedError("no modelled store is known")
    told = sum(record.windows.upload_where.get(ACKNOWLEDGED, ())[span.first : span.past])
    kept = sum(record.windows.kept_bytes[span.first : span.past])
    wall_seconds = record.scale.scale().wall_seconds(_length_seconds(record, span))
    return (kept + told * uploads.commit_bytes) / (uploads.store_bytes_per_second * wall_seconds), told


def _room_ratio(objective: Objective, record: RunRecord) -> tuple[float | None, int]:
    room = record.uploads.room if record.uploads is not None else None
    if room is None:
        raise _NotJudgedError("no waiting room is known")
    admitted = room.kept + room.broken
    counted = room.kept if objective.measure is Measure.TOLD_TIMES_KEPT_RATIO else room.told_again
    return counted / admitted if admitted else None, admitted


def _lateness_seconds(objective: Objective, record: RunRecord, segments: Segments | None) -> tuple[float | None, int]:
    assert objective.quantile is not None
    late = record.host.lateness
    if segments is not None:
        value_us = segments.lateness.quantile_us(objective.quantile)
        return None if value_us is None else value_us / MICROSECONDS, segments.lateness.samples
    held = {0.5: late.p50_seconds, 0.9: late.p90_seconds, 0.99: late.p99_seconds}
    if objective.quantile not in held:
        raise _NotJudgedError("the run's segments are not at hand")
    return held[objective.quantile], late.samples
