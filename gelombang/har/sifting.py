"""What of a recording is the journey: pages and what people do on them, without the files that pages are made of.

Kept are requests to the hosts of the pages, and to an address that an earlier answer named whole (a pre-signed upload on another host).
Dropped are static files, preflights, and every other host: fonts, analytics, advertisements. A redirect and what it led to are one visit,
and so are requests that were asked again without a change in between.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from gelombang.har.recording import Exchange, Recording

_STATIC_TYPES = (
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "application/wasm",
    "application/font",
    "application/x-font",
    "application/manifest+json",
    "application/pdf",
    "image/",
    "font/",
    "audio/",
    "video/",
)
_STATIC_ENDING = re.compile(
    r"\.(css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|[to]tf|eot|mp[34]|webm|wasm|pdf|webmanifest)$", re.IGNORECASE
)
_STATIC_RESOURCES = frozenset(
    {
        "stylesheet",
        "script",
        "image",
        "font",
        "media",
        "manifest",
        "ping",
        "preflight",
        "websocket",
        "eventsource",
        "texttrack",
        "cspviolationreport",
    }
)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
REDIRECTS_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Visit:
    """One step to be: what was asked, and the answer that it led to in the end."""

    asked: Exchange
    answered: Exchange
    redirected: bool = False
    repeats: tuple[Exchange, ...] = ()
    """The answers before the last one, when it was asked again until it changed."""

    @property
    def ended_seconds(self) -> float:
        return self.answered.ended_seconds


@dataclass(frozen=True, slots=True)
class Sifted:
    """What is left, and how much was dropped for which reason."""

    visits: tuple[Visit, ...]
    hosts: tuple[str, ...]
    origin: str
    """Scheme, host and port of the first page."""
    dropped: Counter[str]


def sift(recording: Recording) -> Sifted:
    """The visits of a recording, in their order."""
    documents = [exchange for exchange in recording.exchanges if exchange.is_document and exchange.host]
    first = (documents or recording.exchanges)[0]
    pages = {exchange.host for exchange in documents} or {first.host}
    dropped: Counter[str] = Counter()
    kept: list[Exchange] = []
    for exchange in recording.exchanges:
        reason = _reason_to_drop(exchange, pages, kept)
        if reason:
            dropped[reason] += 1
        else:
            kept.append(exchange)
    visits = _repeats_joined(_redirects_joined(kept))
    hosts = tuple(dict.fromkeys(exchange.host for exchange in kept))
    return Sifted(tuple(visits), hosts, first.origin, dropped)


def _reason_to_drop(exchange: Exchange, pages: set[str], earlier: Sequence[Exchange]) -> str:
    if exchange.split.scheme not in ("http", "https") or not exchange.host:
        return "no HTTP"
    if exchange.method == "OPTIONS" or exchange.resource == "preflight":
        return "preflight"
    if exchange.method not in _METHODS:
        return f"method {exchange.method}"
    if exchange.status == 0:
        return "no answer in the recording"
    if exchange.host not in pages and not _was_named(exchange, earlier):
        return f"host {exchange.host}"
    if _is_static(exchange):
        return "static file"
    return ""


def _was_named(exchange: Exchange, earlier: Sequence[Exchange]) -> bool:
    spellings = (exchange.url, exchange.url.replace("/", "\\/"), exchange.url.replace("&", "&amp;"), exchange.url.replace("&", "\\u0026"))
    return any(spelling in answer.answer or answer.redirect_url == exchange.url for answer in earlier for spelling in spellings)


def _is_static(exchange: Exchange) -> bool:
    if exchange.method not in ("GET", "HEAD"):
        return False
    return (
        exchange.resource in _STATIC_RESOURCES
        or exchange.answer_type.startswith(_STATIC_TYPES)
        or _STATIC_ENDING.search(exchange.split.path) is not None
    )


def _redirects_joined(exchanges: Sequence[Exchange]) -> list[Visit]:
    visits: list[Visit] = []
    left = list(exchanges)
    while left:
        asked = answered = left.pop(0)
        for _ in range(REDIRECTS_LIMIT):
            following = _led_to(answered, left)
            if following is None:
                break
            left.remove(following)
            answered = following
        visits.append(Visit(asked, answered, asked is not answered))
    return visits


def _led_to(exchange: Exchange, later: Sequence[Exchange]) -> Exchange | None:
    if not 300 <= exchange.status < 400 or not exchange.redirect_url:
        return None
    url = urljoin(exchange.url, exchange.redirect_url).partition("#")[0]
    return next((candidate for candidate in later[:10] if candidate.url == url), None)


def _repeats_joined(visits: Sequence[Visit]) -> list[Visit]:
    joined: list[Visit] = []
    for visit in visits:
        last = joined[-1] if joined else None
        if last is not None and _same(last.asked, visit.asked) and not visit.redirected and not last.redirected:
            joined[-1] = Visit(last.asked, visit.answered, False, (*last.repeats, last.answered))
        else:
            joined.append(visit)
    return joined


def _same(one: Exchange, other: Exchange) -> bool:
    return one.method in ("GET", "HEAD") and (one.method, one.url, one.text) == (other.method, other.url, other.text)
