"""Several runs side by side: first what differs between them, then what came out differently beyond chance.

Every measure that both runs have is compared with the first run's, and all these comparisons are one family: each may be wrong by
0.05 / their number (Bonferroni), so that in 19 of 20 pairs of runs of the same thing nothing at all is marked. The tests are those of
`gelombang.intervals`: a share differs when Newcombe's interval of the difference leaves out 0, a rate when the score interval of
the ratio leaves out 1, a quantile when the two order-statistic intervals do not overlap. Attempts count for as many independent samples as
they are worth (their design effect). What is not marked is not equal: the runs can't tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gelombang.intervals import ALPHA, Interval, family_alpha, quantile_interval_us, rate_ratio, share_difference
from gelombang.record import RunRecord, StepTotals, Validity
from gelombang_reports.detail import Detail
from gelombang_reports.figures import NOTHING, Figures
from gelombang_reports.people import arrived, photo_steps
from gelombang_reports.spread import PROBABILITIES
from gelombang_reports.texts import Texts

Pair = tuple[float, float]
"""Part and whole of a share, or count and time of a rate."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that was not the same for all runs, before any of them began."""

    title: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One run's value of a measure against the first run's."""

    words: str
    change: str
    """Empty for the first run."""
    judged: str
    """`better`, `worse`, `differs`, `unsure` (not beyond chance), `few` (can't be compared), `first`."""


@dataclass(frozen=True, slots=True)
class Compared:
    title: str
    found: tuple[Found, ...]

    @property
    def marked(self) -> bool:
        return any(one.judged in ("better", "worse", "differs") for one in self.found)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All measures; `family` is how many comparisons they were, and each was made at `alpha`."""

    rows: tuple[Compared, ...]
    family: int
    alpha: float


@dataclass(frozen=True, slots=True)
class _Measure:
    title: str
    more_is_better: bool | None
    words: Callable[[int], str]
    value: Callable[[int], float | None]
    differs: Callable[[int, float], bool | None]
    """Whether run i differs from the first at this alpha; None when that can't be told."""


def labelled(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The records under names that tell them apart: by their profile, or by a letter before it when two have the same."""
    if len({record.profile for record in records}) == len(records):
        return list(records)
    return [record.model_copy(update={"profile": f"{letter}: {record.profile}"}) for letter, record in zip("ABCD", records, strict=False)]


def differences(
    records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts, figures: Figures
) -> tuple[list[Difference], list[str]]:
    """What differs, and the titles of what is the same."""
    rows = {title: values for title, values in _facts(records, details, texts, figures).items() if any(v != NOTHING for v in values)}
    differing = [Difference(title, values) for title, values in rows.items() if len(set(values)) > 1]
    return differing, [title for title, values in rows.items() if len(set(values)) == 1]


def comparison(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts, figures: Figures) -> Comparison | None:
    """Every measure that the runs share, in the order of the journey; None for one run, or when nothing follows from one of them."""
    if len(records) < 2 or any(record.validity is Validity.INVALID for record in records):
        return None
    measures = [
        *_people(records, texts, figures),
        *_uploads(records, details, texts, figures),
        *_rates(records, texts, figures),
        *_quantiles(records, details, texts, figures),
    ]
    others = range(1, len(records))
    family = sum(measure.differs(i, ALPHA) is not None for measure in measures for i in others)
    alpha = family_alpha(family)
    rows = [Compared(m.title, (Found(m.words(0), "", "first"), *(_found(m, i, alpha, figures) for i in others))) for m in measures]
    return Comparison(tuple(rows), family, alpha)


def _found(measure: _Measure, run: int, alpha: float, figures: Figures) -> Found:
    differs = measure.differs(run, alpha)
    if differs is None:
        return Found(measure.words(run), "", "few")
    before, after = measure.value(0), measure.value(run)
    change = figures.change(before, after)
    if not differs or before is None or after is None:
        return Found(measure.words(run), change, "unsure")
    if measure.more_is_better is None:
        return Found(measure.words(run), change, "differs")
    return Found(measure.words(run), change, "better" if (after > before) == measure.more_is_better else "worse")


def _share(title: str, pairs: Sequence[Pair], effects: Sequence[float], better: bool | None, figures: Figures) -> _Measure:
    def differs(run: int, alpha: float) -> bool | None:
        first, other = (tuple(n / effects[i] for n in pairs[i]) for i in (0, run))
        if not first[1] or not other[1]:
            return None
        found = share_difference((first[0], first[1]), (other[0], other[1]), alpha)
        return not found.low <= 0 <= found.high

    return _Measure(
        title,
        better,
        words=lambda run: figures.share(*pairs[run]),
        value=lambda run: pairs[run][0] / pairs[run][1] if pairs[run][1] else None,
        differs=differs,
    )


def _people(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> list[_Measure]:
    """People past each milestone of those who arrived: a person counts once, so these are independent samples."""
    found: list[_Measure] = []
    for step in records[0].steps:
        passed = [_step(record, step.step) for record in records]
        if step.milestone and all(passed):
            pairs = [(float(own.people_passed) if own else 0.0, float(arrived(r))) for own, r in zip(passed, records, strict=True)]
            found.append(_share(texts.compare_passed.format(title=step.title), pairs, [1.0] * len(records), True, figures))
    return found


def _uploads(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts, figures: Figures) -> list[_Measure]:
    uploads = [record.uploads for record in records]
    pairs = [(float(u.failed), float(u.failed + u.acknowledged)) if u else (0.0, 0.0) for u in uploads]
    if not any(whole for _, whole in pairs):
        return []
    return [_share(texts.compare_failed, pairs, [detail.failed_effect for detail in details], False, figures)]


def _rates(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> list[_Measure]:
    """People past the last photo per minute and at full size, and what the kernel dropped per minute of wall time."""
    found: list[_Measure] = []
    photos = [photo_steps(record)[-1:] for record in records]
    if all(photos):
        pairs = [
            (float(own[0].people_passed), record.ended_seconds / 60 * float(record.scale.scale().sample))
            for own, record in zip(photos, records, strict=True)
        ]
        found.append(_rate(texts.compare_rate, pairs, True, figures))
    drops = [record.host.listen_drops for record in records]
    if all(n is not None for n in drops) and any(drops):
        pairs = [(float(n or 0), record.ended_seconds / record.scale.speed / 60) for n, record in zip(drops, records, strict=True)]
        found.append(_rate(texts.compare_drops, pairs, False, figures))
    return found


def _rate(title: str, pairs: Sequence[Pair], better: bool, figures: Figures) -> _Measure:
    def differs(run: int, alpha: float) -> bool | None:
        found = rate_ratio(pairs[0], pairs[run], alpha)
        return None if found is None else not found.low <= 1 <= found.high

    def value(run: int) -> float | None:
        return pairs[run][0] / pairs[run][1] if pairs[run][1] else None

    return _Measure(title, better, words=lambda run: figures.decimal(value(run)), value=value, differs=differs)


def _quantiles(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts, figures: Figures) -> list[_Measure]:
    found: list[_Measure] = []
    for step in records[0].steps:
        own = [_step(record, step.step) for record in records]
        if not all(each is not None and each.response.samples for each in own):
            continue
        for name in PROBABILITIES:
            found.append(_quantile(step, name, [each for each in own if each], records, details, texts, figures))
    return found


def _quantile(
    step: StepTotals,
    name: str,
    own: Sequence[StepTotals],
    records: Sequence[RunRecord],
    details: Sequence[Detail],
    texts: Texts,
    figures: Figures,
) -> _Measure:
    def seconds(run: int) -> float | None:
        response = own[run].response
        return {"p50": response.p50_seconds, "p90": response.p90_seconds, "p99": response.p99_seconds}[name]

    def interval(run: int, alpha: float) -> Interval | None:
        segments, spread = details[run].segments, details[run].spread.get(step.step)
        if segments is None or spread is None:
            return None
        us = quantile_interval_us(segments.response[step.step], PROBABILITIES[name], alpha, spread.design_effects[name])
        speed = records[run].scale.speed
        return None if us is None else Interval(us.low * speed, us.high * speed)

    def differs(run: int, alpha: float) -> bool | None:
        first, other = interval(0, alpha), interval(run, alpha)
        return None if first is None or other is None else not first.overlaps(other)

    title = texts.compare_quantile.format(title=step.title, quantile=name)
    return _Measure(title, False, words=lambda run: figures.seconds(seconds(run)), value=seconds, differs=differs)


def _step(record: RunRecord, name: str) -> StepTotals | None:
    return next((step for step in record.steps if step.step == name), None)


def _facts(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts, figures: Figures) -> dict[str, tuple[str, ...]]:
    names = texts.compare_facts

    def each(what: Callable[[RunRecord], str]) -> tuple[str, ...]:
        return tuple(what(record) for record in records)

    return {
        names["target"]: each(lambda r: r.profile_title if r.coverage != "both ends" else r.profile.partition(": ")[2] or r.profile),
        names["scenario"]: each(lambda r: r.scenario),
        names["sample"]: each(lambda r: r.scale.sample),
        names["speed"]: each(lambda r: f"{r.scale.speed:g}"),
        names["bytes"]: each(lambda r: f"{r.scale.bytes_ratio:g}"),
        names["load"]: each(lambda r: f"{r.scale.load:g}"),
        names["arrivals"]: tuple(detail.arrivals_digest or NOTHING for detail in details),
        names["span"]: each(lambda r: figures.seconds(r.for_seconds)),
        names["seed"]: each(lambda r: str(r.seed)),
        names["people"]: each(lambda r: r.plan_digest[:12]),
        names["version"]: each(lambda r: (r.commit or texts.unknown)[:12]),
        names["machine"]: each(lambda r: texts.host.format(cores=r.host.cores, memory=figures.size(r.host.memory_bytes))),
        names["kernel"]: each(lambda r: f"{r.host.kernel}, {r.host.python}"),
        names["processes"]: each(lambda r: texts.processes.format(generator=r.host.generator_processes, server=r.host.server_processes)),
        names["client"]: each(lambda r: r.host.client),
        names["coverage"]: each(lambda r: r.coverage),
        names["validity"]: each(lambda r: r.validity.value),
    }
