"""How a run stands at one moment, as one generator process tells it: totals since the run's zero that add up over processes.

It is what a page in Locust's web UI shows, what a worker's pulse carries to its master, and what stop rules are judged by there.
"""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.histogram import Histogram
from gelombang.scale import FixedInt
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.honesty import Counts

Totals = dict[str, FixedInt]


class Standing(BaseModel):
    """Totals of one process, or of several; names are those of outcomes, phases and fates in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    t_us: FixedInt = 0
    """Wall time since zero."""
    offered: FixedInt = 0
    started: FixedInt = 0
    in_flight: FixedInt = 0
    waiting: FixedInt = 0
    sent_bytes: FixedInt = 0
    fates: Totals = Field(default_factory=dict)
    passed: Totals = Field(default_factory=dict)
    """By step, in the journey's order."""
    ended: dict[str, dict[str, Totals]] = Field(default_factory=dict)
    """Ended attempts by step, by the phase that they ended in, by outcome."""
    photos: tuple[str, ...] = ()
    """Steps that send one."""
    canary: Totals = Field(default_factory=dict)
    """Outcomes of the attempts of the run's first people."""
    canary_fates: Totals = Field(default_factory=dict)
    lateness: bytes = b""
    """A mergeable histogram; empty before the first person."""

    @property
    def late(self) -> Histogram:
        """How late people began."""
        return Histogram.from_bytes(self.lateness) if self.lateness else Histogram()

    def of_the_dead(self) -> "Standing":
        """What stays of a process that is gone: its totals, and nobody who is live."""
        return self.model_copy(update={"in_flight": 0, "waiting": 0})


def standing_of(counts: GeneratorCounts, now: Counts, fates: Mapping[Fate, int], t_us: int, steps: int | None = None) -> Standing:
    """How this process stands; only the first so many `steps`, where a journey shows its steps as it goes."""
    names = counts.steps[:steps]
    return Standing(
        t_us=t_us,
        offered=now.offered,
        started=now.started,
        in_flight=now.in_flight,
        waiting=now.waiting,
        sent_bytes=now.sent_bytes,
        fates={fate.name.lower(): count for fate, count in fates.items() if count and fate is not Fate.OPEN},
        passed=dict(zip(names, counts.passed, strict=False)),
        ended={name: _by_phase(counts, step) for step, name in enumerate(names)},
        photos=tuple(counts.steps[step] for step in counts.photos),
        canary={outcome.name.lower(): counts.canary[outcome] for outcome in Outcome if counts.canary[outcome]},
        canary_fates={fate.name.lower(): count for fate, count in counts.canary_fates.items()},
        lateness=counts.lateness.to_bytes() if counts.lateness.samples else b"",
    )


def summed(standings: Sequence[Standing]) -> Standing:
    """All processes as one, as of the latest moment of any."""
    ended: dict[str, dict[str, Totals]] = {}
    late = Histogram()
    for each in standings:
        late.merge(each.late)
        for step, phases in each.ended.items():
            for phase, outcomes in phases.items():
                _add(ended.setdefault(step, {}).setdefault(phase, {}), outcomes)
            ended.setdefault(step, {})
    return Standing(
        t_us=max((each.t_us for each in standings), default=0),
        offered=sum(each.offered for each in standings),
        started=sum(each.started for each in standings),
        in_flight=sum(each.in_flight for each in standings),
        waiting=sum(each.waiting for each in standings),
        sent_bytes=sum(each.sent_bytes for each in standings),
        fates=_total([each.fates for each in standings]),
        passed=_total([each.passed for each in standings]),
        ended=ended,
        photos=tuple(dict.fromkeys(step for each in standings for step in each.photos)),
        canary=_total([each.canary for each in standings]),
        canary_fates=_total([each.canary_fates for each in standings]),
        lateness=late.to_bytes() if late.samples else b"",
    )


def by_outcome(standing: Standing) -> dict[str, Totals]:
    """Ended attempts by step and outcome, whatever phase they ended in."""
    return {step: _total(list(phases.values())) for step, phases in standing.ended.items()}


def _by_phase(counts: GeneratorCounts, step: int) -> dict[str, Totals]:
    found: dict[str, Totals] = {}
    for outcome, phase, count in counts.cells(step):
        found.setdefault(Phase(phase).name.lower(), {})[Outcome(outcome).name.lower()] = count
    return found


def _total(many: Sequence[Mapping[str, int]]) -> Totals:
    totals: Totals = {}
    for counts in many:
        _add(totals, counts)
    return totals


def _add(totals: Totals, counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count
