"""A browser without a script, as far as the applicant's pages need one."""

import re
from typing import Any

from tests.wire.serversite import PASSWORD, Site

HTML = {"Accept": "text/html,application/xhtml+xml"}


class Browser:
    """What a browser without a script does: keeps cookies, follows nothing, posts forms with the token that it was shown."""

    def __init__(self, site: Site, name: str = "siti") -> None:
        self.site = site
        self.name = name
        self.cookies: dict[str, str] = {}
        self.token = ""

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, str, Any]:
        headers = HTML | more.pop("headers", {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = more.pop("site", self.site.url) + path
        async with self.site.client.request(method, url, headers=headers, allow_redirects=False, **more) as answer:
            text = await answer.text()
            for name, morsel in answer.cookies.items():
                self.cookies[name] = morsel.value
            if (found := re.search(r'name="formulir" value="([^"]+)"', text)) is not None:
                self.token = found.group(1)
            return answer.status, text, answer

    async def post(self, path: str, **fields: str) -> tuple[int, str, Any]:
        return await self.ask("POST", path, data={"formulir": self.token, **fields})

    async def sign_up(self) -> int:
        """The id of the applicant."""
        await self.ask("GET", "/")
        status, _, answer = await self.post("/daftar", name=self.name, email=f"{self.name}@mail.example", password=PASSWORD)
        assert (status, answer.headers["Location"]) == (303, "/status")
        await self.ask("GET", "/status")
        (found,) = self.site.execute("SELECT id FROM applicants WHERE email = ?", f"{self.name}@mail.example")
        return int(found[0])
