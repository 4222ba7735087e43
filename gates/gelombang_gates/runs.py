"""The run gate: is one run worse than another of the same thing, beyond chance and beyond a budget?

Promise: runs that doubt themselves, or that were not of the same scenario, scale and class of machine, are refused; a step of which one
run has no samples is a failure, never a gap; an objective that vanished is refused, and one that could be judged before and can't be now is
no pass. Four things are compared: response time as a whole distribution (quantile by quantile, by
order-statistic intervals), the outcome mix, the funnel, and how often people had to try. All comparisons are one family (Bonferroni).
Idea: "worse" needs the whole interval beyond the budget, "no worse" needs a slowdown of three budgets excluded; between the two the gate
says that it does not know. Samples of one window of time resemble each other and count for as many as they are worth. Left out: what
differs between two runs of the same thing from run to run; the budget must leave room for it, and repeated runs show how much that is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gelombang.attempt import Outcome
from gelombang.errors import ExitCode, GelombangError, InputError
from gelombang.histogram import BUCKETS, Histogram, bucket_of
from gelombang.intervals import Interval, clustered_effect, family_alpha, quantile_interval_us, rate_ratio, share_difference
from gelombang.record import RunRecord, StepTotals, Validity
from gelombang.segments import Segments
from gelombang.step_totals import UNDECIDED
from gelombang_gates.sequence import Judged

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_GOOD = (Outcome.OK.name.lower(), Outcome.CONFLICT.name.lower())
_UNDECIDED = frozenset(outcome.name.lower() for outcome in UNDECIDED)
DETECT_BUDGETS = 3.0
MEMORY_DIFFERS_RATIO = 0.02


class UntrustedRunError(GelombangError):
    """A run that doubts itself can't be gated on."""

    exit_code = ExitCode.UNTRUSTED


@dataclass(frozen=True, slots=True)
class Budgets:
    """`time`: how much longer a quantile may be, and how many more tries may be needed, as a ratio minus 1. `share`: how much of the
    attempts or people more may go wrong, as a share of all of them."""

    time: float
    share: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison: `change` is of B against A, and above 0 is worse."""

    step: str
    what: str
    judged: Judged
    change: Interval | None
    """None: one of the runs has too few samples, or none."""
    words: str


@dataclass(frozen=True, slots=True)
class RunsCompared:
    """All comparisons, at this alpha each."""

    rows: tuple[Compared, ...]
    alpha: float

    @property
    def judged(self) -> Judged:
        found = {row.judged for row in self.rows}
        return Judged.FAIL if Judged.FAIL in found else Judged.INCONCLUSIVE if Judged.INCONCLUSIVE in found else Judged.PASS


@dataclass(frozen=True, slots=True)
class GatedRun:
    """A run with its histograms."""

    name: str
    record: RunRecord
    segments: Segments


_Test = Callable[[float], Interval | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    step: str
    what: str
    budget: float
    test: _Test


def compare_runs(first: GatedRun, second: GatedRun, budgets: Budgets) -> RunsCompared:
    """Whether the second is worse. Raises UntrustedRunError and InputError for runs that can't be compared."""
    refuse(first, second)
    rows = [*_missing(first, second), *_objectives(first, second)]
    asked = [
        *_times(first, second, budgets),
        *_mix(first, second, budgets),
        *_funnel(first, second, budgets),
        *_tries(first, second, budgets),
    ]
    if not asked and not rows:
        rows.append(Compared("", "everything", Judged.FAIL, None, "there is nothing to compare: no step has samples in either run"))
    alpha = family_alpha(len(asked))
    rows += [_judged(each, each.test(alpha)) for each in asked]
    return RunsCompared(tuple(rows), alpha)


def refuse(first: GatedRun, second: GatedRun) -> None:
    """Raises UntrustedRunError for a run with doubts, InputError for two that are not of the same thing."""
    for run in (first, second):
        if run.record.validity is not Validity.VALID:
            doubts = ", ".join(doubt.name for doubt in run.record.doubts) or "no reason given"
            raise UntrustedRunError(f"{run.name} is {run.record.validity.value} ({doubts}); want two runs that are VALID")
    for what, own in _identity(first.record).items():
        other = _identity(second.record)[what]
        if own != other:
            raise InputError(f"{second.name} has {what} {other} and {first.name} {own}; want two runs with the same")
    now = {judgement.name for judgement in second.record.objectives}
    gone = [judgement.name for judgement in first.record.objectives if judgement.name not in now]
    if gone:
        raise InputError(
            f"{second.name} has not the objective {', '.join(map(repr, gone))} of {first.name}; want two runs of one scenario, such as "
            "a new one of it as it is now in place of the first"
        )


def _identity(record: RunRecord) -> dict[str, str]:
    host = record.host
    rounded = round(np.log(max(host.memory_bytes, 1)) / MEMORY_DIFFERS_RATIO)
    return {
        "the scenario": record.scenario,
        "the profile": record.profile,
        "the kind": record.kind,
        "the scale": f"{record.scale.sample}, {record.scale.speed:g}, {record.scale.bytes_ratio:g}, {record.scale.load:g}",
        "the length": f"{record.for_seconds:g} s",
        "the machine class": f"{host.cores} cores, memory of class {rounded}, {'.'.join(host.kernel.split('.')[:2])}",
        "the Python": ".".join(host.python.split(".")[:2]),
        "the client": host.client,
        "the processes": f"{host.generator_processes} + {host.server_processes}",
    }


def _missing(first: GatedRun, second: GatedRun) -> Iterator[Compared]:
    mine, theirs = ({step.step: step for step in run.record.steps} for run in (first, second))
    for name in dict.fromkeys([*mine, *theirs]):
        counts = [steps[name].attempts if name in steps else 0 for steps in (mine, theirs)]
        if min(counts) == 0 < max(counts):
            words = f"{counts[0]:,} attempts in {first.name} and {counts[1]:,} in {second.name}; want some in both"
            yield Compared(name, "samples", Judged.FAIL, None, words)


def _objectives(first: GatedRun, second: GatedRun) -> Iterator[Compared]:
    """What failed in A is no worse for failing in B."""
    before = {judgement.name: judgement.passed for judgement in first.record.objectives}
    for judgement in second.record.objectives:
        held, what = before.get(judgement.name), f'objective "{judgement.name}"'
        if judgement.passed is False and held is not False:
            was = "held" if held else "was not judged" if judgement.name in before else "was no objective"
            yield Compared("", what, Judged.FAIL, None, f"{was} in {first.name} and fails in {second.name}: {judgement.found}")
        if judgement.passed is None and held:
            yield Compared("", what, Judged.INCONCLUSIVE, None, f"held in {first.name}; in {second.name} {judgement.found}")


def _times(first: GatedRun, second: GatedRun, budgets: Budgets) -> Iterator[_Asked]:
    for step in _shared(first, second):
        for quantile in QUANTILES:
            yield _Asked(step, f"response p{100 * quantile:g}", budgets.time, _time_test(first.segments, second.segments, step, quantile))


def _time_test(first: Segments, second: Segments, step: str, quantile: float) -> _Test:
    def test(alpha: float) -> Interval | None:
        ends: list[Interval] = []
        for segments in (first, second):
            histogram = segments.response.get(step)
            if histogram is None or not histogram.samples:
                return None
            # Each of the two intervals misses with alpha/2, so both together with alpha.
            own = quantile_interval_us(histogram, quantile, alpha / 2, _effect(segments, step, histogram, quantile))
            if own is None:
                return None
            ends.append(Interval(max(own.low, 1.0), max(own.high, 1.0)))
        return Interval(ends[1].low / ends[0].high - 1, ends[1].high / ends[0].low - 1)

    return test


def _effect(segments: Segments, step: str, histogram: Histogram, quantile: float) -> float:
    """By how much fewer samples those of one window are worth, for the share below this quantile (Woodruff 1952)."""
    value = histogram.quantile_us(quantile)
    assert value is not None
    rows = segments.windows[segments.windows["step"] == segments.steps.index(step)]
    if not len(rows):
        return 1.0
    below = rows["bucket"] <= min(bucket_of(int(value)), BUCKETS)
    whole = np.bincount(rows["window"], weights=rows["count"])
    return clustered_effect(np.bincount(rows["window"], weights=rows["count"] * below, minlength=len(whole)), whole)


def _mix(first: GatedRun, second: GatedRun, budgets: Budgets) -> Iterator[_Asked]:
    for name in _shared(first, second):
        a, b = (_failed(run, name) for run in (first, second))
        effects = [_failed_effect(run.record, name) for run in (first, second)]
        if a[1] and b[1]:
            pairs = [(part / effect, whole / effect) for (part, whole), effect in zip((a, b), effects, strict=True)]
            yield _Asked(name, "attempts gone wrong", budgets.share, _share_test(pairs[0], pairs[1]))


def _share_test(first: tuple[float, float], second: tuple[float, float]) -> _Test:
    return lambda alpha: share_difference(first, second, alpha)


def _failed(run: GatedRun, name: str) -> tuple[float, float]:
    outcomes = _step(run, name).outcomes
    decided = sum(count for outcome, count in outcomes.items() if outcome not in _UNDECIDED)
    return float(decided - sum(outcomes.get(outcome, 0) for outcome in _GOOD)), float(decided)


def _failed_effect(record: RunRecord, name: str) -> float:
    ended, ok = record.windows.ended.get(name, []), record.windows.ok.get(name, [])
    return clustered_effect(ok, ended) if len(ended) == len(ok) else 1.0


def _funnel(first: GatedRun, second: GatedRun, budgets: Budgets) -> Iterator[_Asked]:
    """People lost before each milestone; a person counts once."""
    for name in _shared(first, second):
        if _step(first, name).milestone:
            lost = [
                (float(r.people_planned - _step(run, name).people_passed), float(r.people_planned))
                for run in (first, second)
                for r in (run.record,)
            ]
            yield _Asked(name, "people not past it", budgets.share, _share_test(lost[0], lost[1]))


def _tries(first: GatedRun, second: GatedRun, budgets: Budgets) -> Iterator[_Asked]:
    for name in _shared(first, second):
        counts = [(float(step.attempts), float(step.people_reached)) for step in (_step(first, name), _step(second, name))]
        if all(reached for _, reached in counts):
            yield _Asked(name, "tries per person", budgets.time, _rate_test(counts[0], counts[1]))


def _rate_test(first: tuple[float, float], second: tuple[float, float]) -> _Test:
    def test(alpha: float) -> Interval | None:
        ratio = rate_ratio(first, second, alpha)
        return None if ratio is None else Interval(ratio.low - 1, ratio.high - 1)

    return test


def _judged(asked: _Asked, change: Interval | None) -> Compared:
    if change is None:
        return Compared(asked.step, asked.what, Judged.INCONCLUSIVE, None, "too few samples for an interval")
    words = f"{change.low:+.1%} to {change.high:+.1%}, budget {asked.budget:+.1%}"
    judged = (
        Judged.FAIL if change.low > asked.budget else Judged.PASS if change.high < DETECT_BUDGETS * asked.budget else Judged.INCONCLUSIVE
    )
    return Compared(asked.step, asked.what, judged, change, words)


def _shared(first: GatedRun, second: GatedRun) -> Sequence[str]:
    theirs = {step.step for step in second.record.steps if step.attempts}
    return [step.step for step in first.record.steps if step.attempts and step.step in theirs]


def _step(run: GatedRun, name: str) -> StepTotals:
    return next(step for step in run.record.steps if step.step == name)
