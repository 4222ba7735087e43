"""A plan as JSON: every number that its page shows, and no more."""

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from gelombang_capacity.plan_outcome import Interval, Outcome
from gelombang_capacity.planning import Plan, Question, Tried
from gelombang_capacity.sizing import Sizes

PLAN_FILE = "capacity-plan.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Numbers(_Part):
    """A middle and most worlds' range."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Numbers":
        found = Interval.of(values)
        return cls(median=found.median, low=found.low, high=found.high)


class OptionResult(_Part):
    """An option, over all worlds."""

    name: str
    price: str
    people_through: Numbers
    share_through: Numbers
    waited_minutes: Numbers
    tries_per_photo: Numbers
    received_bytes: Numbers
    network_peak_bytes_per_second: Numbers
    registry_wait_minutes: Numbers
    enough_ratio: float
    binding: str


class NeedResult(_Part):
    """A resource of the planned site."""

    resource: str
    unit: str
    needed: Numbers
    because: str


class PlanResult(_Part):
    """Everything a plan says."""

    schema_version: int = 1
    made_at: str
    commit: str | None
    calibrated_on: str | None
    scenario: str
    for_seconds: float
    sample: str
    worlds: int
    seed: int
    through_ratio: float
    registry_wait_seconds: float
    options: list[OptionResult]
    planned: OptionResult | None
    best: OptionResult
    sensitivities: list[OptionResult]
    cheapest_improvement: str | None
    needs: list[NeedResult]
    processes: int | None
    waiting: list[tuple[int, float, bool]]
    """API cores, minutes that all people together wait for them, whether all is carried."""
    registry_lookups_per_second: float | None
    store_bandwidth_bytes_per_second: float | None
    warnings: list[str]


def option_result(tried: Tried) -> OptionResult:
    """An option's numbers."""

    def over(read: Callable[[Outcome], float]) -> Numbers:
        return Numbers.of([read(each) for each in tried.outcomes])

    short_of = [each.binding.value for each in tried.outcomes]
    return OptionResult(
        name=tried.option.name,
        price=tried.option.price.value,
        people_through=over(lambda each: each.through),
        share_through=over(lambda each: each.share_through),
        waited_minutes=over(lambda each: each.waited_minutes),
        tries_per_photo=over(lambda each: each.tries),
        received_bytes=over(lambda each: each.received_bytes),
        network_peak_bytes_per_second=over(lambda each: each.network_peak_bytes_per_second),
        registry_wait_minutes=over(lambda each: each.registry_wait_minutes),
        enough_ratio=tried.enough_ratio,
        binding=max(dict.fromkeys(short_of), key=short_of.count),
    )


def plan_result(plan: Plan, question: Question, made_at: str, commit: str | None, calibrated_on: str | None) -> PlanResult:
    """The whole plan."""
    found: Sizes | None = plan.sizes
    profile = plan.planned.option.profile if plan.planned is not None else None
    return PlanResult(
        made_at=made_at,
        commit=commit,
        calibrated_on=calibrated_on,
        scenario=question.scenario.name,
        for_seconds=question.for_seconds,
        sample=str(question.scale.sample),
        worlds=question.worlds,
        seed=question.seed,
        through_ratio=question.through_ratio,
        registry_wait_seconds=question.registry_wait_seconds,
        options=[option_result(each) for each in plan.tried],
        planned=option_result(plan.planned) if plan.planned is not None else None,
        best=option_result(plan.best),
        sensitivities=[option_result(each) for each in plan.sensitivities],
        cheapest_improvement=plan.cheapest_improvement.option.name if plan.cheapest_improvement is not None else None,
        needs=[
            NeedResult(
                resource=each.resource,
                unit=each.unit,
                needed=Numbers(median=each.needed.median, low=each.needed.low, high=each.needed.high),
                because=each.because,
            )
            for each in (found.needs if found is not None else ())
        ],
        processes=found.processes if found is not None else None,
        waiting=[(w.cores, w.waited_minutes_total, w.is_carried) for w in found.waiting] if found is not None else [],
        registry_lookups_per_second=profile.registry.lookups_per_second if profile is not None else None,
        store_bandwidth_bytes_per_second=profile.modelled_store.bandwidth_bytes_per_second if profile is not None else None,
        warnings=list(found.warnings) if found is not None else [],
    )
