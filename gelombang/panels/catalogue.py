"""Every page, in the order in which an operator reads them."""

from gelombang.panels.instrument_page import INSTRUMENT_PAGE
from gelombang.panels.machine_page import MACHINE_PAGE
from gelombang.panels.now_page import NOW_PAGE
from gelombang.panels.parts import Page, Panel
from gelombang.panels.people_page import PEOPLE_PAGE
from gelombang.panels.uploads_page import UPLOADS_PAGE

PAGES: tuple[Page, ...] = (NOW_PAGE, PEOPLE_PAGE, UPLOADS_PAGE, MACHINE_PAGE, INSTRUMENT_PAGE)


def panels(page: Page) -> list[Panel]:
    """The panels of a page in reading order."""
    return [panel for row in page.rows for panel in row.panels]


def panel(title: str) -> Panel:
    """The one panel of that title; titles are given once over all pages."""
    [found] = [one for page in PAGES for one in panels(page) if one.title == title]
    return found
