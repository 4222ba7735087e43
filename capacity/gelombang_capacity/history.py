"""What the published counts say about the site of April 2020, and what they can't say.

Three numbers are fitted on samples. The registry's cap follows from how many were verified. How many upload places the site had follows
from how many were past both photos after 21 hours. After that the counts rise to 5.8 people a second, which the site as it was can't
show: its capacity was raised, and by how much is fitted as a store that is faster from the 21st hour on. Each fit is a bisection with the
same people at every value, which makes the difference of two values far less noisy than either; what is left of chance is told by other
seeds.

The counts join what they can't part: fewer people patient for longer, or a larger pool, show the same; a faster store or fewer places do,
too. Such pairs are fitted again with one of them held elsewhere, and told as ranges.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gelombang.profile import Profile
from gelombang.profile_uploads import Stall
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang_capacity.plan_options import with_places, with_registry
from gelombang_capacity.published import HISTORY_AT, TARGETS, Target
from gelombang_capacity.simulation import Simulation, simulate

RAISED_AT_SECONDS = HISTORY_AT[0]
FIT_SEEDS = (101, 102)
PLACES_RANGE = (300, 1_500)
STORE_RANGE = (1.0, 2.2)
STORE_PRECISION = 1.01
ELSEWHERE = (2 / 3, 4 / 3)
"""Patience, times these, when the places are fitted again."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """The numbers that are fitted."""

    places: int
    lookups_per_second: float
    store_ratio_later: float = 1.0
    """How many times as fast the store is from the 21st hour on."""
    patience_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the fits are made with."""

    scenario: Scenario
    profile: Profile
    scale: Scale
    tell: Tell


@dataclass(frozen=True, slots=True)
class Judged:
    """A target beside the simulated counts of all seeds."""

    target: Target
    mean: float
    spread: float
    within_ratio: float
    """Share of the seeds within the tolerance."""

    @property
    def is_met(self) -> bool:
        return abs(self.mean / self.target.count - 1) <= self.target.tolerance_ratio


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another set of numbers that shows the same counts."""

    words: str
    site: Site
    shows: float
    wanted: float


@dataclass(frozen=True, slots=True)
class History:
    """The whole answer."""

    fitted: Site
    places_low: int
    places_high: int
    """Places with which the 21st hour's count is within its tolerance."""
    judged: tuple[Judged, ...]
    alternatives: tuple[Alternative, ...]
    seeds: int


def counts(crowd: Crowd, site: Site, seed: int, until_seconds: float) -> dict[tuple[str, float], float]:
    """People past each target's step at its moment, at full size, for the moments that the run reaches."""
    scenario = crowd.scenario
    if site.patience_ratio != 1:
        patience = scenario.patience.model_copy(update={"upload_seconds": scenario.patience.upload_seconds.times(site.patience_ratio)})
        scenario = scenario.model_copy(update={"patience": patience})
    order = Simulation(scenario, profile_of(crowd.profile, site), crowd.scale, seed, until_seconds, "history", "2020-04-11T12:00:00+00:00")
    simulated = simulate(order)
    found = {}
    for target in TARGETS:
        if target.at_seconds <= until_seconds:
            windows = round(target.at_seconds / simulated.grid.seconds)
            found[target.step, target.at_seconds] = crowd.scale.stands_for(int(simulated.passed(target.step)[:windows].sum()))
    return found


def profile_of(profile: Profile, site: Site) -> Profile:
    """The profile with the fitted numbers. A store that is faster later is a fast one that is held back until then."""
    changed = with_registry(with_places(profile, site.places), site.lookups_per_second)
    if site.store_ratio_later == 1:
        return changed
    held = Stall(at_seconds=0.0, for_seconds=RAISED_AT_SECONDS, bandwidth_ratio=1 / site.store_ratio_later)
    store = changed.modelled_store.model_copy(
        update={"bandwidth_bytes_per_second": changed.modelled_store.bandwidth_bytes_per_second * site.store_ratio_later, "stalls": [held]}
    )
    return changed.model_copy(update={"store": store})


def calibrate_history(crowd: Crowd, seeds: Sequence[int]) -> History:
    """Fit, judge with other people, and look for what the counts can't tell apart."""
    registry = _fitted_registry(crowd)
    crowd.tell(f"registry: {registry:.4g} look-ups a second")
    places, elasticity = _fitted_places(crowd, Site(1, registry))
    crowd.tell(f"upload places: {places}")
    site = Site(places, registry)
    later = _fitted_store(crowd, site)
    crowd.tell(f"store from the 21st hour on: × {later:.3g}")
    fitted = Site(places, registry, later)
    judged = judge(crowd, fitted, seeds)
    tolerance = next(target for target in TARGETS if target.step == "selfie").tolerance_ratio
    low, high = (round(places * (1 + sign * tolerance) ** (1 / elasticity)) for sign in (1, -1))
    return History(fitted, min(low, high), max(low, high), judged, _alternatives(crowd, fitted), len(seeds))


def judge(crowd: Crowd, site: Site, seeds: Sequence[int]) -> tuple[Judged, ...]:
    """Every target over people that no fit has seen."""
    draws = []
    for seed in seeds:
        draws.append(counts(crowd, site, seed, HISTORY_AT[-1]))
        crowd.tell(f"seed {seed}: {draws[-1]['selfie', HISTORY_AT[0]]:,.0f} at 21 h, {draws[-1]['selfie', HISTORY_AT[-1]]:,.0f} at 117 h")
    found = []
    for target in TARGETS:
        values = np.array([each[target.step, target.at_seconds] for each in draws])
        inside = np.abs(values / target.count - 1) <= target.tolerance_ratio
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        found.append(Judged(target, float(values.mean()), spread, float(inside.mean())))
    return tuple(found)


def _mean(crowd: Crowd, site: Site, step: str, at_seconds: float) -> float:
    return float(np.mean([counts(crowd, site, seed, at_seconds)[step, at_seconds] for seed in FIT_SEEDS]))


def _fitted_registry(crowd: Crowd) -> float:
    """The registry is short all through the first 21 hours: what it verified, over the share of numbers that it knows. One run corrects the
    minutes in which it is not; the count of 117 hours, when nights leave it idle, is left to be judged."""
    known = crowd.scenario.people.nik_known_ratio
    hour = HISTORY_AT[0]
    wanted = next(target.count for target in TARGETS if target.step == "nik" and target.at_seconds == hour)
    first = wanted / known / hour
    shows = counts(crowd, Site(100, first), FIT_SEEDS[0], hour)["nik", hour]
    return first * wanted / shows


def _fitted_places(crowd: Crowd, site: Site) -> tuple[int, float]:
    """Places for the count of 21 hours, and by how many percent it falls for each percent of places."""
    hour = HISTORY_AT[0]
    wanted = next(target.count for target in TARGETS if target.step == "selfie" and target.at_seconds == hour)

    def shows(places: int) -> float:
        found = _mean(crowd, Site(places, site.lookups_per_second, 1.0, site.patience_ratio), "selfie", hour)
        crowd.tell(f"{places} places, patience × {site.patience_ratio:.2g}: {found:,.0f} past both photos at 21 h")
        return found

    return places_for(shows, wanted, round(1 / crowd.scale.sample))


def places_for(shows: Callable[[int], float], wanted: float, step: int) -> tuple[int, float]:
    """Places that show a count, and the slope of its logarithm there. A sample has whole places, so that only multiples of `step` can be
    tried; between two neighbours the count is taken to be a power of the places."""
    low, high = (max(1, round(edge / step)) for edge in PLACES_RANGE)
    seen = {each: max(1.0, shows(each * step)) for each in (low, high)}
    while high - low > 1:
        middle = (low + high) // 2
        seen[middle] = max(1.0, shows(middle * step))
        low, high = (middle, high) if seen[middle] > wanted else (low, middle)
    slope = min(float(np.log(seen[high] / seen[low]) / np.log(high / low)), -0.5)
    return round(low * step * (wanted / seen[low]) ** (1 / slope)), slope


def _fitted_store(crowd: Crowd, site: Site) -> float:
    hour = HISTORY_AT[-1]
    wanted = next(target.count for target in TARGETS if target.step == "selfie" and target.at_seconds == hour)
    low, high = STORE_RANGE
    while high / low > STORE_PRECISION:
        middle = (low + high) / 2
        found = counts(crowd, Site(site.places, site.lookups_per_second, middle), FIT_SEEDS[0], hour)["selfie", hour]
        crowd.tell(f"store × {middle:.3g} from the 21st hour on: {found:,.0f} past both photos at 117 h")
        low, high = (low, middle) if found > wanted else (middle, high)
    return (low + high) / 2


def _alternatives(crowd: Crowd, fitted: Site) -> tuple[Alternative, ...]:
    """What shows the same counts."""
    found = []
    hour, last = HISTORY_AT[0], HISTORY_AT[-1]
    wanted = {target.at_seconds: target.count for target in TARGETS if target.step == "selfie"}
    for ratio in ELSEWHERE:
        places, _ = _fitted_places(crowd, Site(1, fitted.lookups_per_second, 1.0, ratio))
        site = Site(places, fitted.lookups_per_second, 1.0, ratio)
        words = f"patience × {ratio:.2g} with {places} places in place of {fitted.places}"
        found.append(Alternative(f"{words}: the same count at 21 h", site, _mean(crowd, site, "selfie", hour), wanted[hour]))
    rate = (wanted[last] - wanted[hour]) / (last - hour)
    low, high = 100.0, float(fitted.places)
    while high / low > 1.05:
        middle = (low * high) ** 0.5
        shown = _later_rate(crowd, Site(round(middle), fitted.lookups_per_second))
        low, high = (middle, high) if shown > rate else (low, middle)
    site = Site(round((low * high) ** 0.5), fitted.lookups_per_second)
    words = (
        f"the same store with {site.places} places in place of {fitted.places} after the 21st hour: the same people a second from then on"
    )
    found.append(Alternative(words, site, _later_rate(crowd, site), rate))
    return tuple(found)


def _later_rate(crowd: Crowd, site: Site) -> float:
    """People past both photos a second from the 21st hour on. The site has its places from the beginning: what it was before is forgotten
    within hours, because who waits is tried again either way."""
    found = counts(crowd, site, FIT_SEEDS[0], HISTORY_AT[-1])
    return (found["selfie", HISTORY_AT[-1]] - found["selfie", HISTORY_AT[0]]) / (HISTORY_AT[-1] - HISTORY_AT[0])
