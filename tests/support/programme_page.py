"""The life of one applicant as `docs/programme.md` shows it: walked on a real site, every request and answer written down.

`PYTHONPATH=tests:. python -m support.programme_page` writes the page's part again; a test fails while it is stale.
"""

import asyncio
import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gelombang.person import Identity, email, nik, password
from support.programme_site import (
    CLOSES,
    CLOSES_AGAIN,
    DRAWS,
    HOUR_US,
    OPENS_AGAIN,
    OPENS_AT,
    PUBLISHES,
    ProgrammeSite,
    programme_site,
)
from tests.wire.serversite import RUN

PAGE = Path(__file__).parents[2] / "docs" / "programme.md"
BEGIN, END = "<!-- the life of one applicant, from a run -->", "<!-- end of the life -->"
PEOPLE, QUOTA = 12, 5
APPLICANT = 4
"""Not drawn in the first wave, and drawn in the second."""
DAY_US = 24 * HOUR_US
PROMPT = {"requests_per_second": 10_000.0, "latency_seconds": {"value": 0.0}}
PARTNERS = [{"name": name, **PROMPT} for name in ("gopay", "ovo", "linkaja", "bni")]
PAYOUTS = {"answer_within_seconds": 60.0, "in_progress_limit": 50, "first_pause_seconds": 5.0, "longest_pause_seconds": 60.0}


class Life:
    """Writes down what it asks."""

    def __init__(self, site: ProgrammeSite) -> None:
        self.site = site
        self.lines: list[str] = []
        self.session = ""

    def chapter(self, text: str) -> None:
        moment = datetime.fromisoformat(OPENS_AT) + timedelta(microseconds=self.site.moment_us * 60)
        self.lines += ["", f"**{moment:%-d %B %Y, %H:%M}.** {text}", ""]

    async def asks(self, method: str, path: str, body: Any = None) -> Any:
        status, document = await self.site.site.ask(method, path, body, session=self.session or None)
        shown = dict(document)
        if "session" in shown:
            shown["session"] = "…"
        sent = "" if body is None else f"\n{json.dumps(body)}"
        self.lines += ["```http", f"{method} {path}{sent}", "", f"{status}", json.dumps(shown, ensure_ascii=False), "```"]
        return document

    async def logs_in(self, who: Identity) -> None:
        """Sessions last a week."""
        answer = await self.asks("POST", "/api/v1/sessions", {"email": email(who), "password": password(who)})
        self.session = answer["session"]

    async def operator_asks(self, path: str) -> None:
        status, document = await self.site.operator("GET", path)
        self.lines += ["```http", f"GET /programme/{path}", "", f"{status}", json.dumps(document, indent=1), "```"]

    async def is_paid(self) -> None:
        for _ in range(3):
            await asyncio.gather(*(partner.round() for partner in self.site.programme.paying))
            self.site.moment_us += 1_000_000


async def walked(site: ProgrammeSite) -> str:
    """The life, as Markdown."""
    who = Identity(1, APPLICANT - 1, RUN)
    life = Life(site)
    life.chapter("The first wave closes in an hour. The applicant registered days ago, and has handed in the test and joined since.")
    await life.logs_in(who)
    await life.asks("GET", "/api/v1/me/programme")
    for moment_us, text in [
        (CLOSES, "The wave is closed."),
        (DRAWS, "The draw is held. Nobody is told yet."),
        (PUBLISHES, "The result is out, for everybody in the same second."),
    ]:
        await site.at(moment_us)
        life.chapter(text)
        await life.asks("GET", "/api/v1/me/programme")
    life.lines += ["", "What the operator sees of that draw, and can repeat it from:", ""]
    await life.operator_asks("draws/wave-1")
    life.lines += ["", "A second try at the same wave, and a first at one that is not open:", ""]
    await life.asks("POST", "/api/v1/me/waves/wave-1", {"accept_terms": True})
    await life.asks("POST", "/api/v1/me/waves/wave-2", {"accept_terms": True})
    await site.at(OPENS_AGAIN)
    life.chapter("The second wave opens; everything that was handed in still counts.")
    await life.asks("POST", "/api/v1/me/waves/wave-2", {"accept_terms": True})
    await life.asks("GET", "/api/v1/me/programme")
    for applicant in range(1, PEOPLE + 1):
        if applicant != APPLICANT:
            await site.join(applicant, "wave-2")
    await site.at(CLOSES_AGAIN + 17 * HOUR_US)
    await site.at(CLOSES_AGAIN + 18 * HOUR_US)
    life.chapter("Drawn. An SMS says so as well.")
    await life.logs_in(who)
    await life.asks("GET", "/api/v1/me/programme")
    life.lines += ["", "A wallet that somebody else opened, then the applicant's own:", ""]
    another = nik(Identity(1, 0, RUN))
    await life.asks("PUT", "/api/v1/me/wallet", {"partner": "gopay", "account": f"8{another}"})
    await life.asks("PUT", "/api/v1/me/wallet", {"partner": "gopay", "account": f"8{nik(who)}"})
    await life.asks("GET", "/api/v1/me/benefits")
    site.moment_us += 10 * DAY_US
    life.chapter("The first training, within the thirty days.")
    await life.logs_in(who)
    await life.asks("POST", "/api/v1/me/trainings", {"rupiah": 1_000_000})
    await life.asks("PUT", "/api/v1/me/trainings/first")
    await life.asks("POST", "/api/v1/me/surveys/1")
    await life.is_paid()
    life.lines += ["", "A moment later the first incentive and the reward of the survey are in the wallet:", ""]
    await life.asks("GET", "/api/v1/me/benefits")
    site.moment_us += 90 * DAY_US
    life.chapter("Three months on: the other incentives, and two more surveys.")
    await life.logs_in(who)
    await life.asks("POST", "/api/v1/me/surveys/2")
    await life.asks("POST", "/api/v1/me/surveys/3")
    await life.is_paid()
    await life.asks("GET", "/api/v1/me/benefits")
    life.lines += ["", "Rp 3,550,000 in all, and nothing more in a lifetime. The operator's books, over everybody:", ""]
    await life.operator_asks("books")
    return "\n".join(life.lines).strip("\n") + "\n"


async def life_of_one(folder: Path) -> str:
    """Walk it on a site of its own."""
    async with programme_site(folder, PEOPLE, QUOTA, partners=PARTNERS, payouts=PAYOUTS) as site:
        return await walked(site)


def shown_life(page: str) -> str:
    """What the page has between its marks."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = asyncio.run(life_of_one(Path(folder)))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{life}\n{END}{rest.partition(END)[2]}")
    print(PAGE)


if __name__ == "__main__":
    main()
