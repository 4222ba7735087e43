"""What a dashboard is made of: queries in panels, panels in rows, rows in one dashboard.

Plain frozen data without anything of Grafana's JSON in it; `gelombang_dashboards.grafana_json` writes that. A panel can't be made
without a title, a description that says what it means and what to do, a unit, and a legend for each query.
"""

from dataclasses import dataclass
from enum import StrEnum

from gelombang.telemetry import Side

GRID_COLUMNS = 24


class Form(StrEnum):
    """How a panel draws; the value is Grafana's name of it."""

    LINES = "timeseries"
    BARS = "bargauge"
    TABLE = "table"


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


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression. An instant one is asked once, at the end of the time shown; `legend` may hold `{{label}}`."""

    expression: str
    legend: str
    instant: bool = False

    def __post_init__(self) -> None:
        assert self.expression
        assert self.legend


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
    form: Form = Form.LINES
    side: Side = Side.SERVER
    columns: int = 8
    height: int = 8
    stacked: bool = False
    decimals: int | None = None
    highest: float | None = None
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
class Dashboard:
    """One page."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    rows: tuple[Row, ...]
