"""The page that follows a run while it goes on: the panels of the catalogue, fed by server-sent events from the same address.

It stands alone as the report does: its policy lets it load nothing, and speak only to where it came from. What is drawn is only what is
looked at, because the browser may share its cores with the run.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from markupsafe import Markup

from gelombang.live_panels import LivePanel
from gelombang.panels.catalogue import PAGES
from gelombang.panels.parts import Colour, Panel
from gelombang_reports.page import asset, environment, policy
from gelombang_reports.texts import ENGLISH, Texts

EVENTS_PATH = "/events"


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """What the script needs to know of one panel."""

    number: int
    page: str
    row: str
    title: str
    description: str
    unit: str
    form: str
    columns: int
    highest: float | None
    paints: tuple[tuple[str, str, bool], ...]
    """Regular expression of the lines, colour, and whether it is dashed."""


def live_page(texts: Texts = ENGLISH) -> str:
    """The page, before any number has come."""
    style = asset("uPlot.min.css") + asset("page.css") + asset("live.css")
    scripts = (asset("uPlot.iife.min.js"), asset("live.js"))
    return (
        environment()
        .get_template("live.html.j2")
        .render(
            t=texts,
            pages=[(page.file, page.title, page.description) for page in PAGES],
            events=EVENTS_PATH,
            colours=" ".join(colour.value for colour in Colour),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            policy=policy(style, scripts, connect="'self'"),
        )
    )


def panel_facts(panels: Sequence[LivePanel]) -> list[dict[str, object]]:
    """The panels as data for the script, in reading order."""
    places = {id(panel): (page.file, row.title) for page in PAGES for row in page.rows for panel in row.panels}
    return [asdict(_facts(live.number, live.panel, *places[id(live.panel)])) for live in panels]


def _facts(number: int, panel: Panel, page: str, row: str) -> PanelFacts:
    return PanelFacts(
        number=number,
        page=page,
        row=row,
        title=panel.title,
        description=panel.description,
        unit=panel.unit.value,
        form=panel.form.value,
        columns=panel.columns,
        highest=panel.highest,
        paints=tuple((paint.series_regex, paint.colour.value, paint.dashed) for paint in panel.paints),
    )
