"""Does a site that is well come back by itself after a short trouble, or is it kept down by those who try again?

A metastable failure outlives its cause: the trigger is gone, the load is one that the site carried before, and it stays down, because its
work is for people who have left and will come again (Bronson, Aghayev, Charapko and Zhu, "Metastable failures in distributed systems",
HotOS 2021). The trial has four parts: an hour at a share of what the store can carry; the trigger, a store that nearly stands still for
some minutes; two hours at the same arrivals; and then stairs down, because what does not come back at the same load may at a smaller one.
Only the photo steps are walked: nothing else is in the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gelombang.profile import Profile
from gelombang.profile_uploads import Stall
from gelombang.scale import Scale
from gelombang.scenario import Arrivals, Phase, Scenario
from gelombang.steps import PhotoStep
from gelombang_capacity.simulation import Simulation, simulate

WARM_SECONDS = 3_600.0
AFTER_SECONDS = 7_200.0
STAIRS = (0.75, 0.5, 0.25)
STAIR_SECONDS = 3_600.0
STALLED_RATIO = 0.02
WELL_RATIO = 0.9
"""Of the share that passed before the trigger, as large a share passes: well again."""
STRETCH_SECONDS = 1_200.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One place on the map."""

    load: float
    """Of what the store can carry."""
    stall_seconds: float
    """0: no trigger."""
    tries_again: bool


@dataclass(frozen=True, slots=True)
class Came:
    """What became of one trial with one seed."""

    passed_before_ratio: float
    passed_after_ratio: float
    """Of those who arrive in the two hours after the trigger."""
    well_after_seconds: float | None
    """From the trigger's end until as many pass as arrive, and go on to, in the two hours at the same load; None: not in them."""
    well_on_stair: float | None
    """The first share of the load at which it is well; None: on none."""


def carried_per_second(scenario: Scenario, profile: Profile) -> float:
    """People whom the store can carry: its bandwidth over what one person's photos are when they are small enough, with their commits."""
    store, limit = profile.modelled_store, float(profile.uploads.photo_limit_bytes)
    person = 0.0
    for photo in scenario.people.photos.values():
        sizes = [photo.first_bytes.quantile((i + 0.5) / 400) for i in range(400)]
        copies = [photo.smaller_copy_bytes.quantile((i + 0.5) / 400) for i in range(400)]
        person += float(np.mean([size if size <= limit else float(np.mean(copies)) for size in sizes])) + store.commit_bytes
    return store.bandwidth_bytes_per_second / person


def photo_crowd(scenario: Scenario, per_second: float, tries_again: bool) -> Scenario:
    """The photo steps of a scenario alone, under the arrivals of the trial."""
    steps = [
        step.model_copy(update={"protocol": "multipart", "url": "http://127.0.0.1:9/photos", "headers": {}})
        for step in scenario.journey
        if isinstance(step, PhotoStep)
    ]
    holds = [(WARM_SECONDS + AFTER_SECONDS, 1.0), *((STAIR_SECONDS, stair) for stair in STAIRS)]
    phases = [Phase(form="hold", for_seconds=seconds, start_per_second=per_second * ratio) for seconds, ratio in holds]
    patience = scenario.patience
    if not tries_again:
        patience = patience.model_copy(update={"persist_ratio": 0.0, "persist_later_ratio": 0.0, "return_ratio": 0.0})
    changes = {"journey": steps, "arrivals": Arrivals(phases=phases), "objective": [], "drain_seconds": 0.0, "patience": patience}
    return scenario.model_copy(update=changes)


def walk(scenario: Scenario, profile: Profile, trial: Trial, scale: Scale, seed: int) -> Came:
    """One trial with one crowd."""
    crowd = photo_crowd(scenario, trial.load * carried_per_second(scenario, profile), trial.tries_again)
    site = profile
    if trial.stall_seconds > 0:
        stall = Stall(at_seconds=WARM_SECONDS, for_seconds=trial.stall_seconds, bandwidth_ratio=STALLED_RATIO)
        site = profile.model_copy(update={"store": profile.modelled_store.model_copy(update={"stalls": [stall]})})
    whole = WARM_SECONDS + AFTER_SECONDS + len(STAIRS) * STAIR_SECONDS
    found = simulate(Simulation(crowd, site, scale, seed, whole, "map", "2020-04-11T12:00:00+00:00"))
    came = found.grid.counts(found.plan.due_us).astype(np.float64)
    passed = found.passed(found.names[-1]).astype(np.float64)
    width = found.grid.seconds

    def share(begin: float, end: float) -> float:
        part = slice(round(begin / width), round(end / width))
        return float(passed[part].sum() / max(came[part].sum(), 1.0))

    over = WARM_SECONDS + trial.stall_seconds
    end = WARM_SECONDS + AFTER_SECONDS
    stretches = np.arange(over, end - STRETCH_SECONDS + 1, STRETCH_SECONDS / 2)
    shares = [share(float(at), float(at) + STRETCH_SECONDS) for at in stretches]
    before = share(WARM_SECONDS / 2, WARM_SECONDS)
    return Came(
        passed_before_ratio=before,
        passed_after_ratio=share(end - 3_600.0, end),
        well_after_seconds=_well_after([float(at) - over for at in stretches], shares, WELL_RATIO * before),
        well_on_stair=_first_well(share, end, WELL_RATIO * before),
    )


def _well_after(at: Sequence[float], shares: Sequence[float], wanted: float) -> float | None:
    """The first stretch from which on all are well."""
    for i, begin in enumerate(at):
        if all(value >= wanted for value in shares[i:]):
            return begin
    return None


def _first_well(share: Callable[[float, float], float], end: float, wanted: float) -> float | None:
    for i, stair in enumerate(STAIRS):
        begin = end + i * STAIR_SECONDS
        if share(begin + STAIR_SECONDS / 2, begin + STAIR_SECONDS) >= wanted:
            return stair
    return None


@dataclass(frozen=True, slots=True)
class Place:
    """A trial over several seeds."""

    trial: Trial
    came: tuple[Came, ...]

    @property
    def stuck_ratio(self) -> float:
        """In how many of the seeds it did not come back at the same load."""
        return sum(each.well_after_seconds is None for each in self.came) / len(self.came)

    @property
    def passed_after_ratio(self) -> float:
        return float(np.median([each.passed_after_ratio for each in self.came]))
