"""The plan: every option in every world, the cheapest that is enough, and the site that would be.

First each option is simulated in the same worlds (`gelombang_capacity.plan_inputs`). Then the planned site is worked out: a registry
whose line never takes longer than people are asked to wait, from the arrivals alone; and, on the last profile of the scenario, the
smallest store with which as many get through as were asked for in nearly every world, by bisection over simulated runs. The planned site
is simulated again with people that the search has not seen, because what was chosen by its luck must not be judged by the same luck.
Last, what would turn the answer around: twice as many people, slower phones, less patience, a button that tries again at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gelombang.curve import rate_of
from gelombang.errors import InputError
from gelombang.profile import Profile
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang_capacity.calibration import Calibration
from gelombang_capacity.plan_inputs import Inputs, apply_to_profile, apply_to_scenario, draw
from gelombang_capacity.plan_options import Option, Price, options, with_places, with_registry, with_store
from gelombang_capacity.plan_outcome import Flow, Outcome, flow, outcome
from gelombang_capacity.simulation import Simulated, Simulation, simulate
from gelombang_capacity.sizing import Sizes, sizes

STORE_LARGEST_RATIO = 16.0
STORE_PRECISION_RATIO = 0.04
ENOUGH_WORLDS_RATIO = 0.9
"""A site is enough when it is in this share of the worlds."""
CONFIRMING_SEED = 50_000
ENOUGH_PROCESSES = 4
"""What a sample of the people can't use up: how many there must be is worked out from the flows."""
PLANNED = "planned"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be planned, at full size."""

    scenario: Scenario
    profiles: tuple[Profile, ...]
    """As it is first; the last is what the planned site is built on."""
    for_seconds: float
    through_ratio: float
    registry_wait_seconds: float
    scale: Scale
    worlds: int
    seed: int
    utilisation: float


@dataclass(frozen=True, slots=True)
class Tried:
    """An option in all worlds."""

    option: Option
    outcomes: tuple[Outcome, ...]

    @property
    def enough_ratio(self) -> float:
        """In how many worlds it was enough; of the binding resource: nothing."""
        return sum(each.binding == "nothing" for each in self.outcomes) / len(self.outcomes)


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer. `planned` is None when no store that was tried is enough; `best` then says how far one gets."""

    tried: tuple[Tried, ...]
    planned: Tried | None
    best: Tried
    sensitivities: tuple[Tried, ...]
    sizes: Sizes | None
    cheapest_improvement: Tried | None
    """The cheapest kind of option with which at least twice as many get through as today, the best of its kind."""


def make_plan(question: Question, calibration: Calibration, tell: Tell) -> Plan:
    """Answer the question. Raises InputError when the calibration is too far away or the scenario has no photos."""
    if not any(step.form == "photo" for step in question.scenario.journey):
        raise InputError(f"{question.scenario.name} has no photo step; want one, because the plan is about uploads")
    tried = []
    for option in options(question.profiles):
        tried.append(_in_all_worlds(question, option, question.seed, calibration))
        tell(f"{option.name}: {np.median([each.share_through for each in tried[-1].outcomes]):.1%} through")
    registry = registry_needed(question)
    base = with_registry(question.profiles[-1], max(registry, question.profiles[-1].registry.lookups_per_second))
    ratio, best = _smallest_store(question, base, calibration, tell)
    improvement = _cheapest_improvement(tried)
    if ratio is None:
        return Plan(tuple(tried), None, best, (), None, improvement)
    profile = planned_profile(base, ratio)
    option = Option(PLANNED, Price.HARDWARE, profile)
    flows: list[Flow] = []
    planned = _in_all_worlds(question, option, question.seed + CONFIRMING_SEED, calibration, flows)
    found = sizes(flows, question.scenario, profile, calibration, question.utilisation)
    tell(f"planned site, other people: {np.median([each.share_through for each in planned.outcomes]):.1%} through")
    if improvement is not None and improvement.option.profile.uploads.tickets is None:
        alike = without_tickets(improvement.option, profile, ratio)
        tried.append(_in_all_worlds(question, alike, question.seed + CONFIRMING_SEED, calibration))
        tell(f"{alike.name}: {np.median([each.share_through for each in tried[-1].outcomes]):.1%} through")
    chosen = [option] + ([improvement.option] if improvement is not None else [])
    return Plan(tuple(tried), planned, best, _sensitivities(question, chosen, calibration, tell), found, improvement)


def planned_profile(base: Profile, store_ratio: float) -> Profile:
    """The site of the plan, as a profile that can be run."""
    profile = with_store(base, store_ratio)
    title = f"The site that was planned: {base.name} on a store × {store_ratio:.2g}, {base.registry.lookups_per_second:g} look-ups a second"
    return profile.model_copy(update={"name": PLANNED, "title": title})


def without_tickets(cheap: Option, planned: Profile, store_ratio: float) -> Option:
    """The planned store and registry under the cheap answer's software: are tickets needed at all? Its places grow with the store, so that
    a full one drains as fast."""
    places = max(1, round(cheap.profile.modelled_store.turns_limit * store_ratio))
    profile = with_places(with_store(with_registry(cheap.profile, planned.registry.lookups_per_second), store_ratio), places)
    return Option(f"{cheap.name.split(',')[0]} with {places} upload places on the planned store and registry", Price.HARDWARE, profile)


def run_world(question: Question, profile: Profile, inputs: Inputs, seed: int, calibration: Calibration) -> Simulated:
    """One option in one world. API processes are not what is tried here: the simulated site has enough of them."""
    scale = replace(question.scale, load=question.scale.load * inputs.registrations)
    costs = calibration.costs(ENOUGH_PROCESSES, scale.speed, calibration.requests_per_second_high)
    order = Simulation(
        apply_to_scenario(question.scenario, inputs),
        _with_password_threads(apply_to_profile(profile, inputs)),
        scale,
        seed,
        question.for_seconds,
        "plan",
        "2020-04-11T12:00:00+00:00",
        costs=costs,
    )
    return simulate(order)


def _with_password_threads(profile: Profile) -> Profile:
    return profile.model_copy(update={"password": profile.password.model_copy(update={"threads_limit": ENOUGH_PROCESSES})})


def _in_all_worlds(
    question: Question, option: Option, seed: int, calibration: Calibration, flows: list[Flow] | None = None, change: Inputs | None = None
) -> Tried:
    outcomes = []
    for world in range(question.worlds):
        inputs = _changed(draw(question.seed, world), change)
        simulated = run_world(question, option.profile, inputs, seed + world, calibration)
        outcomes.append(outcome(simulated, question.through_ratio))
        if flows is not None:
            flows.append(flow(simulated))
    return Tried(option, tuple(outcomes))


def _changed(inputs: Inputs, change: Inputs | None) -> Inputs:
    if change is None:
        return inputs
    names = Inputs.__dataclass_fields__
    return Inputs(**{name: getattr(inputs, name) * getattr(change, name) for name in names})


def registry_needed(question: Question) -> float:
    """Look-ups a second with which nobody waits longer for the registry than asked, in nearly every world.

    Fluid: people come to the registry as they arrive, some minutes later, which moves the line and does not lengthen it.
    """
    rate = rate_of(question.scenario.arrivals, question.for_seconds)
    step = 60.0
    edges = np.arange(0.0, question.for_seconds + step, step)
    arrivals = np.diff(rate.expected_until(np.minimum(edges, question.for_seconds)))
    read = min((each.read_ratio for each in question.scenario.journey if each.form == "message"), default=1.0)
    worlds = [draw(question.seed, world).registrations for world in range(question.worlds)]
    asked = arrivals * read * question.scale.load * float(np.quantile(worlds, ENOUGH_WORLDS_RATIO))
    low, high = 0.0, float(asked.max() / step) + 1.0
    for _ in range(40):
        middle = (low + high) / 2
        line = longest = 0.0
        for come in asked:
            line = max(0.0, line + float(come) - middle * step)
            longest = max(longest, line)
        low, high = (middle, high) if longest > middle * question.registry_wait_seconds else (low, middle)
    return float(f"{high * 1.02:.3g}")


def _smallest_store(question: Question, base: Profile, calibration: Calibration, tell: Tell) -> tuple[float | None, Tried]:
    """The smallest store, as a multiple of the base's, that is enough in nearly every world; None when the largest is not."""

    def tried(ratio: float) -> Tried:
        found = _in_all_worlds(
            question, Option(f"store × {ratio:.3g}", Price.HARDWARE, with_store(base, ratio)), question.seed, calibration
        )
        share = np.median([each.share_through for each in found.outcomes])
        tell(f"{question.profiles[-1].name}, registry as needed, store × {ratio:.3g}: {share:.1%} through")
        return found

    low, high = 0.5, 1.0
    best = tried(high)
    while best.enough_ratio < ENOUGH_WORLDS_RATIO:
        if high >= STORE_LARGEST_RATIO:
            return None, best
        low, high = high, high * 2
        best = tried(high)
    while high / low > 1 + STORE_PRECISION_RATIO:
        middle = (low * high) ** 0.5
        found = tried(middle)
        if found.enough_ratio >= ENOUGH_WORLDS_RATIO:
            high, best = middle, found
        else:
            low = middle
    return high, best


_PRICES = list(Price)


def _cheapest_improvement(tried: Sequence[Tried]) -> Tried | None:
    today = float(np.median([each.through for each in tried[0].outcomes]))
    for price in _PRICES[1:]:
        better = [each for each in tried if each.option.price is price and _median_through(each) >= 2 * today]
        if better:
            return max(better, key=_median_through)
    return None


def _median_through(tried: Tried) -> float:
    return float(np.median([each.through for each in tried.outcomes]))


SENSITIVITIES = {
    "twice as many register": Inputs(registrations=2.0),
    "phones half as fast": Inputs(uplink=0.5),
    "half the patience": Inputs(patience=0.5),
    "a button that tries again at once": Inputs(retry_delay=0.2),
}


def _sensitivities(question: Question, chosen: Sequence[Option], calibration: Calibration, tell: Tell) -> tuple[Tried, ...]:
    """Each of the chosen options in worlds that were changed in one way."""
    found = []
    for option in chosen:
        for words, change in SENSITIVITIES.items():
            told = Option(f"{option.name}: {words}", option.price, option.profile)
            found.append(_in_all_worlds(question, told, question.seed + CONFIRMING_SEED, calibration, change=change))
            tell(f"{told.name}: {np.median([each.share_through for each in found[-1].outcomes]):.1%} through")
    return tuple(found)
