"""Objectives in words: the unit of each measure, what was wanted and what was found, as people read them."""

from collections.abc import Callable
from dataclasses import dataclass

from gelombang.objective_form import Measure, Objective


@dataclass(frozen=True, slots=True)
class Form:
    """How one measure is told. `of` is put behind the number, `{n}` and `{steps}` filled in."""

    number: Callable[[float], str]
    of: str

    def found(self, value: float | None, n: int, objective: Objective) -> str:
        """What was found, among how many."""
        if value is None:
            return "no samples"
        steps = ", ".join(objective.step) or "all steps"
        fate = (objective.fate or "").replace("_", " ")
        return (
            f"{self.number(value)} {self.of.format(n=f'{n:,}', steps=steps, fate=fate, quantile=_share(objective.quantile or 0))}".rstrip()
        )


def limits_text(objective: Objective, low: float | None, high: float | None) -> str:
    """What was wanted: `0.7 to 1.5 people/s`, `at least 85 %`, with the time it must hold in.

    Of an objective that compares, `low` and `high` are its limits times what the other profile reached, None when that is not known.
    """
    number = FORMS[objective.measure].number
    if objective.times_profile is not None:
        text = _times_text(objective, low, high)
    elif low is not None and high is not None:
        text = f"{_bare(number(low), number(high))} to {number(high)}"
    else:
        text = f"at least {number(low)}" if low is not None else f"at most {number(high or 0.0)}"
    if objective.for_seconds is not None:
        text += f", never broken for {objective.for_seconds:,.0f} s without a break"
    if objective.within_seconds is not None:
        text += f", in some window by {objective.within_seconds:,.0f} s"
    if objective.over_seconds is not None:
        text += f", over seconds {objective.over_seconds[0]:,.0f} to {objective.over_seconds[1]:,.0f}"
    return text


def three_digits(value: float) -> str:
    """A number with three digits that mean something, never with an exponent in its large end."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def _times_text(objective: Objective, low: float | None, high: float | None) -> str:
    number = FORMS[objective.measure].number
    parts = []
    for word, times, limit in (("at least", objective.at_least, low), ("at most", objective.at_most, high)):
        if times is not None:
            reached = "" if limit is None else f", which is {number(limit)}"
            parts.append(f"{word} {times:g} times what {objective.times_profile} reached{reached}")
    return " and ".join(parts)


def _bare(low: str, high: str) -> str:
    """The lower limit without the unit that the upper one repeats."""
    number, _, unit = low.partition(" ")
    return number if high.endswith(f" {unit}") else low


def _share(value: float) -> str:
    return f"{100 * value:.4g} %"


def _seconds(value: float) -> str:
    return f"{three_digits(value)} s"


def _milliseconds(value: float) -> str:
    return f"{three_digits(1_000 * value)} ms"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _per_person(value: float) -> str:
    return f"{three_digits(value)} times told again for each"


def _rate(value: float) -> str:
    return f"{three_digits(value)} people/s"


FORMS: dict[Measure, Form] = {
    Measure.PASSED_PER_SECOND: Form(_rate, "past {steps}"),
    Measure.OK_RATIO: Form(_share, "of {n} attempts at {steps} ended ok"),
    Measure.FAILED_RATIO: Form(_share, "of {n} attempts at {steps} failed"),
    Measure.RESPONSE_SECONDS: Form(_seconds, "at the {quantile} point of {n} attempts at {steps}"),
    Measure.PEOPLE_RATIO: Form(_share, "of {n} people: {fate}"),
    Measure.STORE_USED_RATIO: Form(_share, "of what the store could carry, by {n} photos acknowledged"),
    Measure.TOLD_TIMES_KEPT_RATIO: Form(_share, "of {n} people who were let in from the waiting room came in when they had been told"),
    Measure.TOLD_AGAIN_RATIO: Form(_per_person, "of {n} who were let in from the waiting room"),
    Measure.LOST: Form(_count, "of {n} acknowledged photos are not in the store"),
    Measure.UNEXPLAINED: Form(_count, "of {n} attempts are unexplained"),
    Measure.UNBALANCED: Form(_count, "breaches in the books of {n} people who joined a wave"),
    Measure.LATENESS_SECONDS: Form(_milliseconds, "at the {quantile} point of {n} first attempts"),
}
