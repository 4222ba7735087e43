"""A client of the reference server that knows tus by its wire alone."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from tests.support.upload_site import (
    RawClient,
    UploadSite,
    jpeg,
    request_head,
    until,
)

PHOTO = jpeg(50_000)
TUS_HEADERS = {"Tus-Resumable": "1.0.0"}


class Phone:
    """A client of one site that knows tus by its wire alone."""

    def __init__(self, site: UploadSite, person: int = 1) -> None:
        self.site = site
        self.person = person

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | AsyncIterator[bytes] = b"", **more: Any
    ) -> aiohttp.ClientResponse:
        async with self.site.client.request(method, url, headers=TUS_HEADERS | dict(headers), data=body or None, **more) as answer:
            await answer.read()
            assert answer.headers["Tus-Resumable"] == "1.0.0"
            return answer

    async def create(self, photo: bytes, kind: str = "ktp", **metadata: str) -> aiohttp.ClientResponse:
        pairs = {"kind": kind, **metadata}
        text = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in pairs.items())
        session = self.site.headers(self.person)["Authorization"]
        headers = {"Authorization": session, "Upload-Length": str(len(photo)), "Upload-Metadata": text}
        return await self.ask("POST", f"{self.site.url}/api/v1/me/tus", headers)

    async def begun(self, photo: bytes, **metadata: str) -> str:
        """Its address."""
        answer = await self.create(photo, **metadata)
        assert answer.status == 201
        return self.site.url + answer.headers["Location"]

    async def send(self, url: str, body: bytes | AsyncIterator[bytes], offset: int = 0, **headers: str) -> aiohttp.ClientResponse:
        own = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return await self.ask("PATCH", url, own | {name.replace("_", "-"): value for name, value in headers.items()}, body)

    async def offset(self, url: str) -> int:
        answer = await self.ask("HEAD", url, {})
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])

    async def begin_to_send(self, url: str, body: bytes, promised: int, offset: int = 0) -> RawClient:
        """A PATCH of `promised` bytes that has brought only `body`."""
        client = await RawClient.connect(url)
        headers = TUS_HEADERS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        await client.send(request_head("PATCH", url, headers | {"Content-Length": str(promised)}) + body)
        return client


async def arrived(site: UploadSite, size: int) -> None:
    """Wait until this many bytes of open uploads were read."""
    await until(lambda: sum(attempt.received_bytes for attempt in site.context.book._open) == size)
