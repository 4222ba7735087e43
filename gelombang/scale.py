"""Fewer people, a faster clock, smaller photos: the same physics.

A scale has four numbers: `sample` f (share of the people), `speed` k (how much faster the clock runs), `bytes_ratio` b (size of a photo)
and `load` m (arrivals only: 2 is twice the people on the same site). Every number in a scenario or profile declares by its type what
it is made of (a `Dimension`), and this module alone multiplies. Times under the scale are wall times; everything that people read
speaks the people's time, which is wall time multiplied by `speed`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, runtime_checkable

from pydantic import BaseModel

from gelombang.errors import InputError


class Dimension(Enum):
    """What a number is made of, and so what the scale multiplies it by."""

    FIXED = "fixed"
    """Ratios, names, sigmas, bounds of the harness itself: times 1."""
    ARRIVALS = "arrivals"
    """People who come: times f·m."""
    ARRIVAL_RATE = "arrival_rate"
    """Arrivals per second: times f·k·m."""
    COUNT = "count"
    """Quotas, pools, queue and concurrency limits, backlog: times f, at least 1."""
    SHARED_RATE = "shared_rate"
    """Rates of a shared resource, per second: times f·k."""
    PERSON_RATE = "person_rate"
    """Rates of one person, per second: times k."""
    UPLINK = "uplink"
    """Bytes per second of one person's line: times k·b."""
    WAITING = "waiting"
    """Think, patience, time-outs, backoff, life of a token, latency: divided by k."""
    STORE_BANDWIDTH = "store_bandwidth"
    """Bytes per second of a shared store: times f·k·b."""
    STORE_BYTES = "store_bytes"
    """Capacity and budgets in bytes: times f·b."""
    SIZE = "size"
    """Bytes of one thing (photo, body limit, commit cost): times b."""
    HASH_COST = "hash_cost"
    """Cost of a password hash (real CPU, by convention): divided by k."""


Ratio = Annotated[float, Dimension.FIXED]
FixedInt = Annotated[int, Dimension.FIXED]
FixedFloat = Annotated[float, Dimension.FIXED]
Count = Annotated[int, Dimension.COUNT]
ArrivalRate = Annotated[float, Dimension.ARRIVAL_RATE]
SharedRate = Annotated[float, Dimension.SHARED_RATE]
Seconds = Annotated[float, Dimension.WAITING]
SizeBytes = Annotated[int, Dimension.SIZE]
StoreBytes = Annotated[int, Dimension.STORE_BYTES]
StoreBandwidth = Annotated[float, Dimension.STORE_BANDWIDTH]
Uplink = Annotated[float, Dimension.UPLINK]
HashBytes = Annotated[int, Dimension.HASH_COST]


@dataclass(frozen=True, slots=True)
class Scale:
    """One run's scale. `Scale()` is full size in real time."""

    sample: Fraction = Fraction(1)
    speed: float = 1.0
    bytes_ratio: float = 1.0
    load: float = 1.0

    def factor(self, dimension: Dimension) -> float:
        """What a number of this dimension is multiplied by."""
        return _factors(self)[dimension]

    def people_seconds(self, wall_seconds: float) -> float:
        """What a wall duration is in the people's time."""
        return wall_seconds * self.speed

    def wall_seconds(self, people_seconds: float) -> float:
        """What a duration of the people's time is on the wall clock."""
        return people_seconds / self.speed

    def stands_for(self, count: float) -> float:
        """How many people of the full size this count stands for, on the same load."""
        return count / float(self.sample)

    def __str__(self) -> str:
        parts = [f"{self.sample} of the people", f"{self.speed:g} times as fast"]
        if self.bytes_ratio != 1:
            parts.append(f"photos × {self.bytes_ratio:g}")
        if self.load != 1:
            parts.append(f"load × {self.load:g}")
        return ", ".join(parts)


@lru_cache(maxsize=16)
def _factors(scale: Scale) -> dict[Dimension, float]:
    f, k, b, m = float(scale.sample), scale.speed, scale.bytes_ratio, scale.load
    return {
        Dimension.FIXED: 1.0,
        Dimension.ARRIVALS: f * m,
        Dimension.ARRIVAL_RATE: f * k * m,
        Dimension.COUNT: f,
        Dimension.SHARED_RATE: f * k,
        Dimension.PERSON_RATE: k,
        Dimension.UPLINK: k * b,
        Dimension.WAITING: 1.0 / k,
        Dimension.STORE_BANDWIDTH: f * k * b,
        Dimension.STORE_BYTES: f * b,
        Dimension.SIZE: b,
        Dimension.HASH_COST: 1.0 / k,
    }


@runtime_checkable
class Scalable(Protocol):
    """A value that knows how to be multiplied, such as a distribution."""

    def times(self, factor: float) -> "Scalable": ...


@dataclass(frozen=True, slots=True)
class Rounding:
    """A whole number that the scale had to round: the run doubts itself when the error passes 10 %."""

    where: str
    wanted: float
    got: int

    @property
    def error_ratio(self) -> float:
        return abs(self.got - self.wanted) / self.wanted if self.wanted else 0.0


M = TypeVar("M", bound=BaseModel)


def scaled(model: M, scale: Scale) -> M:
    """A copy of `model` with every field multiplied as its dimension asks; nested models and lists too."""
    return _scaled(model, scale, "", [])


def roundings(model: BaseModel, scale: Scale) -> list[Rounding]:
    """What `scaled` rounds to whole numbers, and by how much."""
    notes: list[Rounding] = []
    _scaled(model, scale, "", notes)
    return notes


def dimension_of(model: type[BaseModel], field: str) -> Dimension | None:
    """The dimension that a field declares, also inside an optional type; None when it declares none."""
    info = model.model_fields[field]
    return _first_dimension(info.metadata) or _declared(info.annotation)


def _declared(annotation: object) -> Dimension | None:
    # `Annotated[float, …] | None` keeps its metadata inside the union, where pydantic does not lift it to the field.
    if get_origin(annotation) is Annotated:
        return _first_dimension(get_args(annotation)[1:]) or _declared(get_args(annotation)[0])
    return next((found for part in get_args(annotation) if (found := _declared(part)) is not None), None)


def _first_dimension(metadata: Iterable[object]) -> Dimension | None:
    return next((m for m in metadata if isinstance(m, Dimension)), None)


def _scaled(model: M, scale: Scale, path: str, notes: list[Rounding]) -> M:
    changes: dict[str, Any] = {}
    for name in type(model).model_fields:
        where = f"{path}.{name}" if path else name
        changes[name] = _scaled_value(getattr(model, name), dimension_of(type(model), name), scale, where, notes)
    return model.model_copy(update=changes)


def _scaled_value(value: Any, dimension: Dimension | None, scale: Scale, where: str, notes: list[Rounding]) -> Any:
    match value:
        case None | bool() | str():
            return value
        case list() | tuple() if dimension is not None and all(isinstance(item, float) for item in value):
            # A curve has thousands of rows: one by one they would take longer than the rest of a scenario.
            factor = scale.factor(dimension)
            return type(value)([item * factor for item in value])
        case int() | float() if dimension is not None:
            return _multiplied(value, dimension, scale, where, notes)
        case Scalable() if dimension is not None:
            return value.times(scale.factor(dimension))
        case BaseModel():
            return _scaled(value, scale, where, notes)
        case list() | tuple():
            items = [_scaled_value(item, dimension, scale, f"{where}[{i}]", notes) for i, item in enumerate(value)]
            return type(value)(items)
        case dict():
            return {key: _scaled_value(item, dimension, scale, f"{where}.{key}", notes) for key, item in value.items()}
    assert not isinstance(value, int | float), f"{where} is a number that declares no dimension"
    return value


def _multiplied(value: int | float, dimension: Dimension, scale: Scale, where: str, notes: list[Rounding]) -> int | float:
    wanted = value * scale.factor(dimension)
    if isinstance(value, float):
        return wanted
    if dimension is Dimension.FIXED or value == 0:
        return value
    got = max(1, round(wanted))
    notes.append(Rounding(where, wanted, got))
    return got


def parse_sample(text: str) -> Fraction:
    """A fraction of the people: `1/50`, `0.02`. Raises InputError for anything outside (0, 1]."""
    try:
        value = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise InputError(f"--sample is {text!r}; want a fraction of the people such as 1/50 or 0.02") from None
    if value > 1:
        raise InputError(f"--sample is {text}, more than everybody; did you mean 1/{text}? (want a fraction above 0, up to 1)")
    if value <= 0:
        raise InputError(f"--sample is {text}; want a fraction above 0, up to 1, such as 1/50")
    return value
