"""What pages are drawn with: one style sheet and one script, each at an address that changes with what it holds: kept for ever."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

from gelombang_server.headers import CONTENT_POLICY
from gelombang_server.pages.answer import PageAnswer

KEEP_SECONDS = 31_536_000
"""A year."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, packed once."""

    path: str
    media: str
    packed: bytes
    plain: bytes


def _read(name: str, media: str) -> Asset:
    plain = files("gelombang_server.pages").joinpath(f"static/{name}").read_bytes()
    mark = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(f"/situs/{mark}/{name}", media, gzip.compress(plain, mtime=0), plain)


STYLE = _read("pages.css", "text/css")
SCRIPT = _read("pages.js", "text/javascript")


async def serve_style(request: web.Request) -> PageAnswer:
    """GET /situs/{mark}/pages.css"""
    return _serve(request, STYLE)


async def serve_script(request: web.Request) -> PageAnswer:
    """GET /situs/{mark}/pages.js"""
    return _serve(request, SCRIPT)


def _serve(request: web.Request, asset: Asset) -> PageAnswer:
    headers = {
        "Cache-Control": f"public, max-age={KEEP_SECONDS}, immutable",
        CONTENT_POLICY: "default-src 'none'; frame-ancestors 'none'",
        "Content-Type": f"{asset.media}; charset=utf-8",
        "Server": "gelombang",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return PageAnswer(200, headers, asset.packed if is_packed else asset.plain)
