"""What one option came to in one world: in people, in minutes waited, in bytes; and which resource it was short of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang_capacity.demand import PASSWORD_STEPS
from gelombang_capacity.endings import Ending
from gelombang_capacity.simulation import Simulated
from gelombang_capacity.world import ENDED, KEPT, PASSED, RECEIVED

LATE_SECONDS = 3_600.0
"""Who came in the last hour, or in the second half of a run of less than two, is not asked to be through by the end."""


class Binding(StrEnum):
    """What an option is short of."""

    NOTHING = "nothing"
    REGISTRY = "civil registry"
    STORE = "store bandwidth"
    ADMISSION = "admission: the store works for people who have left"
    LINES = "people's own lines and patience"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One simulated run, at full size."""

    came: float
    """Of those who could, whose NIK was verified."""
    could: float
    """People who came early enough (`LATE_SECONDS`), whose data the site had, and whom a registry without a cap would have verified."""
    through: float
    """People past both photos by the end, whenever they came."""
    share_through: float
    """Past both photos, of those who could: the question is about them, so a registry that keeps them out counts as not through."""
    waited_minutes: float
    """Per person who came to the photos: from the NIK to both photos or the end, thinking included."""
    tries: float
    """Upload attempts for each photo acknowledged."""
    received_bytes: float
    network_peak_bytes_per_second: float
    registry_wait_minutes: float
    """Per person: from the data to the NIK, the longest that the line was."""
    binding: Binding


@dataclass(frozen=True, slots=True)
class Interval:
    """A middle and the range of most worlds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """Median, and the 5 % and 95 % points; of few worlds those are near the smallest and the largest."""
        low, median, high = np.quantile(np.array(values, dtype=np.float64), [0.05, 0.5, 0.95])
        return cls(float(median), float(low), float(high))

    @property
    def words(self) -> str:
        return f"{short(self.median)} ({short(self.low)} to {short(self.high)})"


def short(value: float) -> str:
    """Three digits that matter, grouped."""
    if abs(value) >= 100:
        digits = len(str(round(abs(value)))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def outcome(simulated: Simulated, target_ratio: float) -> Outcome:
    """Read one simulated run. The scenario has a step `nik` or what stands before its first photo."""
    order, world, grid = simulated.order, simulated.world, simulated.grid
    names = simulated.names
    stands = order.scale.stands_for
    photos = [i for i, step in enumerate(order.scenario.journey) if step.form == "photo"]
    gate = next((i for i in range(photos[0] - 1, -1, -1) if order.scenario.journey[i].form == "message"), photos[0] - 1)
    until = round(order.for_seconds / grid.seconds)
    passed = world.by_step[PASSED]
    could, came, early_through = _early(simulated, (_data_step(names, gate), gate, photos[-1]))
    through = float(passed[photos[-1], :until].sum())
    share = early_through / max(could, 1)
    between = np.cumsum(passed[gate, :until] - passed[photos[-1], :until]).sum() * grid.seconds
    acknowledged = float(world.endings[Ending.OK].sum())
    attempts = float(world.endings.sum())
    received = world.by_window[RECEIVED, :until].astype(np.float64) / order.scale.bytes_ratio
    return Outcome(
        came=stands(came),
        could=stands(could),
        through=stands(through),
        share_through=share,
        waited_minutes=float(between) / max(float(passed[gate, :until].sum()), 1.0) / 60,
        tries=attempts / max(acknowledged, 1.0),
        received_bytes=stands(float(received.sum())),
        network_peak_bytes_per_second=stands(float(received.max())) / grid.seconds,
        registry_wait_minutes=_registry_wait(simulated, gate, until),
        binding=_binding(simulated, share >= target_ratio, came / max(could, 1), early_through / max(came, 1), until),
    )


def _early(simulated: Simulated, steps: tuple[int, int, int]) -> tuple[int, int, int]:
    """Of the people who came early enough: those who could, those verified, those past the last photo. `steps`: data, gate, last photo.

    One by one, because those who came late and got through would stand for others who came before them and did not.
    """
    order, people = simulated.order, simulated.world.people
    late_seconds = order.for_seconds - min(LATE_SECONDS, order.for_seconds / 2)
    early = simulated.plan.due_us <= order.scale.wall_seconds(late_seconds) * MICROSECONDS
    has_data, is_verified, is_through = (early & ((people["passed"] >> step) & 1 == 1) for step in steps)
    could = is_verified | has_data & (people["is_known"] == 1)
    return int(could.sum()), int(is_verified.sum()), int((is_through & could).sum())


def _data_step(names: Sequence[str], gate: int) -> int:
    return names.index("data") if "data" in names else max(gate - 1, 0)


def _registry_wait(simulated: Simulated, gate: int, until: int) -> float:
    """The longest line before the registry over how many it answers."""
    passed = simulated.world.by_step[PASSED]
    known = simulated.order.scenario.people.nik_known_ratio
    line = np.cumsum(passed[_data_step(simulated.names, gate), :until] * known - passed[gate, :until]).max()
    per_second = simulated.order.profile.registry.lookups_per_second * float(simulated.order.scale.sample) * known
    return max(0.0, float(line) / per_second / 60)


def _binding(simulated: Simulated, is_enough: bool, verified_ratio: float, through_ratio: float, until: int) -> Binding:
    """Where the shortage is, from what the run used; `through_ratio` is of those who were verified."""
    if is_enough:
        return Binding.NOTHING
    world, order = simulated.world, simulated.order
    kept = float(world.by_window[KEPT, :until].sum())
    commits = float(world.endings[Ending.OK, :until].sum()) * simulated.plan.profile.modelled_store.commit_bytes
    carried = simulated.plan.profile.modelled_store.bandwidth_bytes_per_second * order.scale.wall_seconds(order.for_seconds)
    used = (kept + commits) / carried
    unheard = float(world.endings[Ending.UNHEARD].sum() + world.endings[Ending.NOT_IN_TIME].sum())
    if verified_ratio < 1 and through_ratio > 0.9:
        return Binding.REGISTRY
    if used < 0.8 and unheard > 0.3 * float(world.endings[Ending.OK].sum()):
        return Binding.ADMISSION
    return Binding.STORE if used > 0.75 else Binding.LINES


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Attempts per second of the people's time at full size, by window, and what they carry: what sizes are worked out from."""

    password: NDArray[np.float64]
    small: NDArray[np.float64]
    uploads: NDArray[np.float64]
    writes: NDArray[np.float64]
    mails: NDArray[np.float64]
    sms: NDArray[np.float64]
    received: NDArray[np.float64]
    kept_bytes: float
    window_seconds: float


WRITES = frozenset({"account", "login", "email-link", "data", "otp-send", "otp", "ktp", "selfie", "test-start", "test", "join"})
"""Steps after which the reference server has something to make durable in its database."""


def flow(simulated: Simulated) -> Flow:
    """The flows of one simulated run."""
    order, world, grid = simulated.order, simulated.world, simulated.grid
    until = round(order.for_seconds / grid.seconds)
    ended = world.by_step[ENDED][:, :until].astype(np.float64) * (order.scale.stands_for(1.0) / grid.seconds)
    passed = world.by_step[PASSED][:, :until].astype(np.float64) * (order.scale.stands_for(1.0) / grid.seconds)
    journey = order.scenario.journey

    def total(rows: NDArray[np.float64], chosen: list[int]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = rows[chosen].sum(axis=0)
        return found

    def where(*words: str) -> list[int]:
        return [i for i, step in enumerate(journey) if step.step in words]

    requests = [i for i, step in enumerate(journey) if step.form == "request" and step.step not in PASSWORD_STEPS]
    photos = [i for i, step in enumerate(journey) if step.form == "photo"]
    return Flow(
        password=total(ended, where(*PASSWORD_STEPS)),
        small=total(ended, requests),
        uploads=total(ended, photos),
        writes=total(passed, [i for i, step in enumerate(journey) if step.step in WRITES]),
        mails=total(passed, where("account", "nik")),
        sms=total(ended, where("otp-send")),
        received=world.by_window[RECEIVED, :until].astype(np.float64)
        * (order.scale.stands_for(1.0) / order.scale.bytes_ratio / grid.seconds),
        kept_bytes=order.scale.stands_for(float(world.by_window[KEPT].sum())) / order.scale.bytes_ratio,
        window_seconds=grid.seconds,
    )
