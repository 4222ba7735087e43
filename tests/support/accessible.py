"""A page as people with other senses and hands need it: by axe, and without a sideways scroll."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options=AXE_RULES)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
