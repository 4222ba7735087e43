"""`docs/programme.md` shows a life as the site answers it."""

from pathlib import Path

from support.programme_page import PAGE, life_of_one, shown_life


async def test_the_life_on_the_page_is_what_the_site_answers(tmp_path: Path) -> None:
    assert shown_life(PAGE.read_text()) == await life_of_one(tmp_path), "stale; python -m support.programme_page writes it"
