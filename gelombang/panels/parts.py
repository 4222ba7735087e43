"""What a page is made of: queries in panels, panels in rows, rows in one page.

Plain frozen data without anything of Grafana's JSON or of HTML in it. A panel can't be made without a title, a description that says
what it means and what to do, a unit, a legend for each query, and the page of the runbook that goes on from it. `record` is the other
side: the same lines out of a finished run's record, where the record holds them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gelombang.panels.expression import Expression
from gelombang.record import RunRecord
from gelombang.telemetry import Side

GRID_COLUMNS = 24


class Form(StrEnum):
    """How a panel draws; the value is Grafana's name of it."""

    LINES = "timeseries"
    BARS = "bargauge"
    TABLE = "table"
    NUMBERS = "stat"


class Unit(StrEnum):
    """Grafana's unit ids, and suffixes where Grafana has none."""

    SECONDS = "s"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    RATIO = "percentunit"
    COUNT = "short"
    PEOPLE = "suffix: people"
    PEOPLE_PER_SECOND = "suffix: people/s"
    ATTEMPTS_PER_SECOND = "suffix: attempts/s"
    ANSWERS_PER_SECOND = "suffix: answers/s"
    PER_SECOND = "suffix: /s"
    PEOPLE_PER_MINUTE = "suffix: people/min"
    CORES = "suffix: cores"


class Colour(StrEnum):
    """Eight colours that colour-blind people tell apart (Okabe and Ito, Color Universal Design, 2008)."""

    ORANGE = "#E69F00"
    SKY = "#56B4E9"
    GREEN = "#009E73"
    YELLOW = "#F0E442"
    BLUE = "#0072B2"
    VERMILION = "#D55E00"
    PURPLE = "#CC79A7"
    GREY = "#999999"


class Runbook(StrEnum):
    """The pages of `docs/runbook/`, by the names of their files; each is also the page of the alert that bears its name in one word."""

    UPLOADS_FAILING = "uploads-failing"
    UPLOADS_FAILING_SLOWLY = "uploads-failing-slowly"
    PEOPLE_NOT_FINISHING = "people-not-finishing"
    PEOPLE_FINISHING_TOO_SLOWLY = "people-finishing-too-slowly"
    UPLOADS_AMPLIFIED = "uploads-amplified"
    STORE_FILLING = "store-filling"
    SITE_STAYS_DOWN = "site-stays-down"
    REGISTRY_SATURATED = "registry-saturated"
    GENERATOR_INVALID = "generator-invalid"

    @property
    def alert(self) -> str:
        """The alert's name in Prometheus."""
        return "".join(word.capitalize() for word in self.value.split("-"))


@dataclass(frozen=True, slots=True)
class Query:
    """One expression. An instant one is asked once, at the end of the time shown; `legend` may hold `{{label}}`."""

    expression: Expression
    legend: str
    instant: bool = False

    def __post_init__(self) -> None:
        assert self.legend


@dataclass(frozen=True, slots=True)
class Line:
    """What a record holds of a panel: one value per window, in the panel's unit and in wall time, as on the dashboard."""

    legend: str
    values: tuple[float | None, ...]


Reading = Callable[[RunRecord], list[Line]]


@dataclass(frozen=True, slots=True)
class Paint:
    """The series whose names match a regular expression take one colour, or shades of it where several match."""

    series_regex: str
    colour: Colour
    shades: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One question and its answer. `side` says who measures it; panels of the generator say so when none runs."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    runbook: Runbook
    record: Reading | None = None
    """None: a record does not hold this; a run's series do."""
    form: Form = Form.LINES
    side: Side = Side.SERVER
    columns: int = 8
    height: int = 8
    stacked: bool = False
    decimals: int | None = None
    highest: float | None = None
    lowest: float | None = 0.0
    paints: tuple[Paint, ...] = ()

    def __post_init__(self) -> None:
        assert self.title
        assert self.description.endswith("."), f"{self.title}: want whole sentences in the description"
        assert self.queries
        assert 0 < self.columns <= GRID_COLUMNS
        instant = {query.instant for query in self.queries}
        assert instant == {self.form is not Form.LINES}, f"{self.title}: lines need range queries, bars and tables instant ones"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that answer one question together, left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows; `file` is the name of its committed JSON."""

    uid: str
    file: str
    title: str
    description: str
    tags: tuple[str, ...]
    rows: tuple[Row, ...]
