"""From the series of a run to what is wrong at a moment: the nine values of the page *Now*, and the causes that show themselves.

A pure function of the series up to that moment: what came later is never looked at. A cause is there when its row of the decision table
holds in the last `HOLDS_INSTANTS` windows; it is there since the first window of that streak, to within half a window. Windows are five
minutes of the people's time and at least `WINDOW_SECONDS_LEAST` of wall time, so that a rate is one of several samples.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gelombang import telemetry
from gelombang.diagnosis.causes import KNOB_OF, OWNER_OF, Cause, Owner
from gelombang.diagnosis.decisions import ANSWERED_RATIO, FAILED_SHARE, FAILING_RATIO, Decision, decisions, holding, words_of
from gelombang.diagnosis.memory import Memory
from gelombang.panels.evaluation import EARLIER_WINDOWS, Values, evaluate, value
from gelombang.panels.expression import Expression, counted, now, per_second
from gelombang.panels.people_page import ARRIVING, FINISHING
from gelombang.panels.uploads_page import COMPLETED
from gelombang.series import UP, SeriesTable

WINDOW_PEOPLE_SECONDS = 300.0
WINDOW_SECONDS_LEAST = 10.0
STEPS_IN_WINDOW = 5
HOLDS_INSTANTS = 3
"""A row must hold at this many instants, a step apart, before its cause is named."""
GAP_INSTANTS = STEPS_IN_WINDOW + 1
"""A streak ends when the row does not hold for this many instants in a row: one odd sample stands in as many windows as a window has
steps."""
LOOK_BACK_INSTANTS = 240
RECOVERING_RATIO = 0.7
"""A failing share below this part of its worst since it began, and falling, is recovering."""

TREND_WINDOWS = 5
"""The failing share is compared with that of so many windows before."""
LEADING_RISE = 0.08
"""Of all attempts ended: below it the failures are those that were always there."""

_ENDED = 'code!="uploads_busy"'


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause that shows itself."""

    cause: Cause
    owner: Owner
    knob: str
    since_seconds: float
    """From the run's zero, wall time."""
    which: str
    """The instance that is meant, where the cause is one process; otherwise empty."""
    shown_by: str


@dataclass(frozen=True, slots=True)
class Leading:
    """The place where most of the failures end that were not there in the last good time."""

    stage: str
    code: str
    excess_ratio: float
    """Its part of all excess failures."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the page *Now* shows, at one moment."""

    at_seconds: float
    arriving_per_minute: float | None
    finishing_per_minute: float | None
    failing_ratio: float | None
    """None: no uploads were taken in."""
    failing_change_ratio: float | None
    """Against `TREND_WINDOWS` before; None: nothing to compare with."""
    failing_since_seconds: float | None
    """None: not failing."""
    is_recovering: bool
    leading: Leading | None
    excess: Values
    """By stage and code: its part of the failures that were not there in the last good time; empty: there are none to speak of."""
    findings: tuple[Finding, ...]
    """The earliest first, because no cause comes after what it does; those that began within two windows in the order of looking. Empty:
    nothing wrong that the table knows."""
    backlog_people: float | None
    """Past NIK and not past the selfie."""
    drain_seconds: float | None
    """Wall time, at the present pace; None: nobody passes."""
    unverified_photos: float | None
    """Acknowledged, and not looked for in the store since."""
    shed_per_second: dict[str, float]
    instrument: str
    """The worst word of the generator's processes; empty without one."""


def window_seconds(speed: float) -> float:
    """The wall time of a window in a run whose clock is `speed` times as fast."""
    return max(WINDOW_PEOPLE_SECONDS / speed, WINDOW_SECONDS_LEAST)


def diagnose(table: SeriesTable, at_seconds: float, speed: float, memory: Memory | None = None) -> Diagnosis:
    """What is wrong at a moment, from the series up to it, and from what is remembered of earlier moments of the same run.

    Raises ValueError when there is less than one window before it.
    """
    memory = Memory() if memory is None else memory
    width, begins = window_seconds(speed), table.begins_seconds
    if at_seconds - begins < width:
        raise ValueError(f"{at_seconds - begins:.0f} s of series before that moment; want {width:.0f} or more")
    ending = [
        at_seconds - back * width / STEPS_IN_WINDOW
        for back in range(LOOK_BACK_INSTANTS)
        if at_seconds - back * width / STEPS_IN_WINDOW - width >= begins
    ]

    def of(expression: Expression, to_seconds: float = at_seconds) -> float | None:
        return value(expression, table, to_seconds - width, to_seconds)

    def total(expression: Expression) -> float | None:
        return value(expression, table, begins, at_seconds)

    failing = [memory.share(end, width, lambda end=end: of(FAILED_SHARE, end)) for end in ending]  # type: ignore[misc]
    before = failing[TREND_WINDOWS * STEPS_IN_WINDOW] if len(failing) > TREND_WINDOWS * STEPS_IN_WINDOW else None
    excess = _excess(table, at_seconds, width, memory)
    failing_since = _since([(share or 0.0) > FAILING_RATIO for share in failing], ending, width)
    nik, selfie = (total(counted(telemetry.PEOPLE_STEPS, f'step="{step}"')) for step in ("nik", "selfie"))
    backlog = None if nik is None else max(nik - (selfie or 0.0), 0.0)
    pace = of(per_second(telemetry.PEOPLE_STEPS, 'step="selfie"'))
    return Diagnosis(
        at_seconds=at_seconds,
        arriving_per_minute=of(ARRIVING),
        finishing_per_minute=of(FINISHING),
        failing_ratio=failing[0],
        failing_change_ratio=None if failing[0] is None or before is None else failing[0] - before,
        failing_since_seconds=failing_since,
        is_recovering=_recovering(failing, ending, failing_since),
        leading=_leading(excess),
        excess=excess,
        findings=tuple(_findings(table, ending, (width, speed), memory)),
        backlog_people=backlog,
        drain_seconds=backlog / pace if backlog is not None and pace else None,
        unverified_photos=total(counted(telemetry.UPLOAD_ATTEMPTS, COMPLETED)),
        shed_per_second={
            code: rate
            for (code,), rate in evaluate(per_second(telemetry.SHED, by=("code",)), table, at_seconds - width, at_seconds).items()
            if rate
        },
        instrument=_instrument(evaluate(now(telemetry.VALIDITY, by=("validity",)), table, at_seconds - width, at_seconds)),
    )


def _findings(table: SeriesTable, ending: list[float], width_and_speed: tuple[float, float], memory: Memory) -> list[Finding]:
    width, speed = width_and_speed
    rows = decisions(speed)

    def at(instant: int) -> dict[Cause, Decision]:
        end = ending[instant]
        return memory.causes(end, width, lambda: holding(rows, lambda expression: value(expression, table, end - width, end)))

    def began(row: Decision, instant: int) -> bool:
        end = ending[instant]
        conditions = row.began_by
        held = (condition.holds(value(condition.expression, table, end - width, end)) for condition in conditions)
        return memory.started(row.cause, end, width, lambda: all(held))

    found = []
    for cause, row in at(0).items():
        since = _streak(lambda instant, cause=cause: cause in at(instant), ending, width)  # type: ignore[misc]
        if since is not None and row.began_by:
            since = _streak(lambda instant, row=row: row.cause in at(instant) or began(row, instant), ending, width)  # type: ignore[misc]
        if since is not None:
            instance = _instance(row, table, ending[0] - width, ending[0])
            found.append(Finding(cause, OWNER_OF[cause], KNOB_OF[cause], since, instance, words_of(row)))
    first = min((finding.since_seconds for finding in found), default=0.0)
    return sorted(found, key=lambda finding: int((finding.since_seconds - first) / (2 * width)))


def _instance(row: Decision, table: SeriesTable, from_seconds: float, to_seconds: float) -> str:
    """The process that is meant: one that does not answer, else the one that is largest by what the row says."""
    if row.which is None:
        return ""
    for series in table.named(UP):
        answered = series.mean(from_seconds, to_seconds)
        if series.labels.get("job") == "gelombang-server" and answered is not None and answered < ANSWERED_RATIO:
            return series.labels["instance"]
    found = evaluate(row.which, table, from_seconds, to_seconds)
    return max(found, key=lambda key: found[key])[0] if found else ""


def _since(held: list[bool], ending: list[float], width: float) -> float | None:
    return _streak(lambda instant: held[instant], ending, width)


def _streak(held: Callable[[int], bool], ending: list[float], width: float) -> float | None:
    """When the streak that reaches the newest instant began: the middle of its first window; None when there is none."""
    if len(ending) < HOLDS_INSTANTS or not all(held(instant) for instant in range(HOLDS_INSTANTS)):
        return None
    first, missed = HOLDS_INSTANTS - 1, 0
    for instant in range(HOLDS_INSTANTS, len(ending)):
        if held(instant):
            first, missed = instant, 0
        else:
            missed += 1
            if missed == GAP_INSTANTS:
                break
    return ending[first] - width / 2


def _recovering(failing: list[float | None], ending: list[float], since: float | None) -> bool:
    if since is None or len(failing) < 2 or failing[0] is None:
        return False
    worst = max((share for share, end in zip(failing, ending, strict=True) if share is not None and end >= since), default=0.0)
    earlier = failing[min(STEPS_IN_WINDOW, len(failing) - 1)]
    return failing[0] < RECOVERING_RATIO * worst and earlier is not None and failing[0] < earlier


def _excess(table: SeriesTable, at_seconds: float, width: float, memory: Memory) -> Values:
    """By how much each stage and code's share of the attempts ended is above the lowest it was in earlier windows; as parts of 1."""

    def shares(end: float) -> Values:
        return memory.shares(end, width, lambda: _shares(table, end, width))

    found = shares(at_seconds)
    earlier = []
    for back in range(1, EARLIER_WINDOWS + 1):
        if at_seconds - (back + 1) * width < table.begins_seconds:
            break
        earlier.append(shares(at_seconds - back * width))
    rises = {key: share - min((before.get(key, 0.0) for before in earlier if before), default=0.0) for key, share in found.items()}
    total = sum(rise for rise in rises.values() if rise > 0)
    return {} if total < LEADING_RISE else {key: rise / total for key, rise in rises.items() if rise > 0}


def _leading(excess: Values) -> Leading | None:
    """The largest of them."""
    if not excess:
        return None
    stage, code = max(excess, key=lambda key: excess[key])
    return Leading(stage, code, excess[stage, code])


def _shares(table: SeriesTable, to_seconds: float, width: float) -> Values:
    """Of the attempts that ended in a window, the share that did not complete, by stage and code; empty when none ended."""
    ended = value(per_second(telemetry.UPLOAD_ATTEMPTS, _ENDED), table, to_seconds - width, to_seconds)
    if not ended:
        return {}
    part = per_second(telemetry.UPLOAD_ATTEMPTS, 'outcome!="completed"', _ENDED, by=("stage", "code"))
    return {key: rate / ended for key, rate in evaluate(part, table, to_seconds - width, to_seconds).items()} | {("", ""): 0.0}


def _instrument(words: Values) -> str:
    return next((word for word in ("invalid", "suspect", "valid") if words.get((word,))), "")
