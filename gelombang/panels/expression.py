"""What a panel asks, as data: one expression that is written as PromQL for Grafana and evaluated on the series that a run kept.

An expression can name only metrics and labels of the catalogue, and reads counters only through a rate or an increase; a quantile comes
from the summed buckets of all processes, never from an average of percentiles. It leaves out everything that not both readers can do.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gelombang.telemetry import Kind, Metric, Side

_MATCHER = re.compile(r'^([a-z_]+)(=~|!~|!=|=)"([^"\\]*)"$')


class How(StrEnum):
    """What is made of a metric's series before they are summed."""

    RATE = "rate"
    """Growth of a counter per second of wall time."""
    INCREASE = "increase"
    """Growth of a counter over the time shown."""
    LEVEL = "level"
    LOWEST = "lowest"
    """The smallest sample of a gauge in the window: what was there all the time."""
    QUANTILE = "quantile"


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label; regular expressions match the whole value, as in PromQL."""

    label: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Matcher":
        found = _MATCHER.match(text)
        assert found is not None, f'{text!r} is no matcher; want label="value" with =, !=, =~ or !~'
        return cls(*found.groups())

    def accepts(self, value: str) -> bool:
        same = re.fullmatch(self.value, value) is not None if "~" in self.operator else value == self.value
        return same != self.operator.startswith("!")

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


@dataclass(frozen=True, slots=True)
class Read:
    """One metric: its series that match, read, and summed by some labels (`job` and `instance` are Prometheus's own)."""

    metric: Metric
    how: How
    where: tuple[Matcher, ...] = ()
    by: tuple[str, ...] = ()
    probability: float = 0.0
    """Of a quantile."""

    def __post_init__(self) -> None:
        known = (*self.metric.labels, "job", "instance")
        assert set(self.by) <= set(known), f"{self.metric.name} can be summed by {known}, not by {self.by}"
        for matcher in self.where:
            assert matcher.label in known, f"{self.metric.name} has no label {matcher.label}; it has {known}"
        wanted = {How.LEVEL: Kind.GAUGE, How.LOWEST: Kind.GAUGE, How.QUANTILE: Kind.HISTOGRAM}.get(self.how, Kind.COUNTER)
        assert self.metric.kind is wanted, f"{self.metric.name} is a {self.metric.kind}; want a {wanted}"
        assert (0 < self.probability < 1) == (self.how is How.QUANTILE)


@dataclass(frozen=True, slots=True)
class Over:
    """`part` divided by `whole`, and nothing while `whole` stands still."""

    part: "Expression"
    whole: "Expression"
    absent_is_zero: bool = False
    """A part without any series counts as 0."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of 1."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class Minus:
    """The difference, where both sides have a value."""

    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Plus:
    """The sum, where `right` has a value; a `left` without any series counts as 0."""

    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Times:
    """A multiple, such as per minute of what is per second."""

    of: "Expression"
    factor: float


@dataclass(frozen=True, slots=True)
class Positive:
    """Only what is above zero."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class Answered:
    """Of the process of one side that answered least: the share of its scrapes that were answered in time."""

    side: Side


@dataclass(frozen=True, slots=True)
class Extreme:
    """The largest, or the smallest, over the labels that are summed by."""

    of: "Expression"
    is_largest: bool


@dataclass(frozen=True, slots=True)
class LowestBefore:
    """The smallest value that it had in earlier windows: what the last good time was like."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class Longer:
    """The same over so many windows that end together: what a rare thing needs to be counted often enough."""

    of: "Expression"
    windows: int


@dataclass(frozen=True, slots=True)
class ShareBound:
    """One end of the interval of a share of counts (Wilson 1927): what chance allows the share to be at most, or at least.

    `part` and `whole` are counts of what happened in the window; a part without any series counts as 0.
    """

    part: "Expression"
    whole: "Expression"
    is_upper: bool
    alpha: float
    """What the interval may miss by, at both ends together."""
    design_effect: float = 1.0
    """So many of what is counted are worth one, because they resemble each other."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a recording rule keeps; `top` asks for the largest alone. Only Prometheus has it: a run's own files hold what it is made of."""

    rule: str
    side: Side
    by: tuple[str, ...] = ()
    top: bool = False


Expression: TypeAlias = (
    Read | Over | Rest | Minus | Plus | Times | Positive | Extreme | LowestBefore | Longer | ShareBound | Answered | Ruled
)


def per_second(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> Read:
    """How fast a counter grows, summed over processes."""
    return Read(metric, How.RATE, tuple(map(Matcher.parse, where)), by)


def per_minute(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> Times:
    """The same, per minute."""
    return Times(per_second(metric, *where, by=by), 60.0)


def counted(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> Read:
    """By how much a counter grew over the time shown, summed over processes."""
    return Read(metric, How.INCREASE, tuple(map(Matcher.parse, where)), by)


def now(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> Read:
    """A gauge, summed over processes."""
    return Read(metric, How.LEVEL, tuple(map(Matcher.parse, where)), by)


def lowest(metric: Metric, *where: str, by: tuple[str, ...] = ()) -> Read:
    """What a gauge never fell below in the window, summed over processes."""
    return Read(metric, How.LOWEST, tuple(map(Matcher.parse, where)), by)


def quantile(probability: float, metric: Metric, *where: str, by: tuple[str, ...] = ()) -> Read:
    """A quantile of a histogram, from the summed buckets of all processes."""
    return Read(metric, How.QUANTILE, tuple(map(Matcher.parse, where)), by, probability)


def share(part: Expression, whole: Expression) -> Over:
    """`part` of `whole`, 0 to 1; 0 where no series of `part` exists yet."""
    return Over(part, whole, absent_is_zero=True)


def reads(expression: Expression) -> list[Read]:
    """Every metric that is read in it, left to right."""
    match expression:
        case Read():
            return [expression]
        case Over(part, whole):
            return reads(part) + reads(whole)
        case ShareBound(part, whole):
            return reads(part) + reads(whole)
        case Minus(left, right) | Plus(left, right):
            return reads(left) + reads(right)
        case Rest(of) | Times(of) | Positive(of) | Extreme(of) | LowestBefore(of) | Longer(of):
            return reads(of)
        case Ruled() | Answered():
            return []
