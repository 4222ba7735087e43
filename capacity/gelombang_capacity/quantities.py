"""The numbers by which a measured run and simulated ones are compared: the same of both, in the people's time and at full size."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from gelombang.record import RunRecord
from gelombang.scenario import Scenario
from gelombang.segments import Segments
from gelombang_capacity.demand import PASSWORD_STEPS
from gelombang_capacity.simulation import Simulated, segments_of
from gelombang_capacity.world import ENDED, OK, TOO_LARGE

SERVER_CORES = "server cores"
SAMPLES_LEAST = 200
"""A step with fewer answers has no 95 % point of its own."""
SHARES = (0.5, 0.95)


class Kind(StrEnum):
    """Quantities that go wrong alike, because they are measured alike."""

    PEOPLE = "people"
    MIDDLE = "middle of responses"
    TAIL = "tail of responses"
    SHARE = "share"
    CORES = "cores"


def kind_of(quantity: str) -> Kind:
    """Which kind a quantity's name is of."""
    if quantity == SERVER_CORES:
        return Kind.CORES
    if quantity.startswith("people past"):
        return Kind.PEOPLE
    if quantity.startswith("share of"):
        return Kind.SHARE
    return Kind.MIDDLE if "p50" in quantity else Kind.TAIL


def measured_quantities(record: RunRecord, segments: Segments, scenario: Scenario) -> dict[str, float]:
    """Of a live run."""
    scale, windows = record.scale.scale(), record.windows
    people = {step.step: scale.stands_for(step.people_passed) / record.for_seconds for step in record.steps}
    ended = {step: sum(counts) for step, counts in windows.ended.items()}
    too_large = {step: sum(counts) for step, counts in windows.too_large.items()}
    decided = {step: count - too_large.get(step, 0) for step, count in ended.items()}
    ok = {step: sum(counts) for step, counts in windows.ok.items()}
    return _quantities(scenario, segments, len(windows.offered), scale.speed, people, decided, ok)


def simulated_quantities(simulated: Simulated) -> dict[str, float]:
    """Of a simulated run, without its record."""
    order, world, names = simulated.order, simulated.world, simulated.names
    people = {step: order.scale.stands_for(int(simulated.passed(step).sum())) / order.for_seconds for step in names}
    decided = {step: int(world.by_step[ENDED, i].sum() - world.by_step[TOO_LARGE, i].sum()) for i, step in enumerate(names)}
    ok = {step: int(world.by_step[OK, i].sum()) for i, step in enumerate(names)}
    return _quantities(order.scenario, segments_of(simulated), simulated.grid.count, order.scale.speed, people, decided, ok)


def _quantities(
    scenario: Scenario,
    segments: Segments,
    windows: int,
    speed: float,
    people: Mapping[str, float],
    decided: Mapping[str, int],
    ok: Mapping[str, int],
) -> dict[str, float]:
    photos = [step.step for step in scenario.journey if step.form == "photo"]
    requests = [step.step for step in scenario.journey if step.form == "request"]
    small = [step for step in requests if step not in PASSWORD_STEPS]
    found = {f"people past {step} per second": people[step] for step in photos}

    def add_responses(name: str, steps: Sequence[str], samples_least: int) -> None:
        if steps and segments.window_samples(list(steps), 0, windows) >= samples_least:
            for share in SHARES:
                value = segments.window_quantile_us(list(steps), 0, windows, share)
                if value is not None:
                    found[f"{name}, p{100 * share:g}, s"] = value * speed / 1e6

    add_responses("response of small requests", small, 1)
    add_responses("response of uploads", photos, 1)
    for step in (*requests, *photos):
        add_responses(f"answers to {step}", [step], SAMPLES_LEAST)
    for name, steps in (("uploads", photos), *((step, [step]) for step in photos)):
        tries = sum(decided.get(step, 0) for step in steps)
        if tries:
            found[f"share of {name} failed"] = 1 - sum(ok.get(step, 0) for step in steps) / tries
    return found
