"""A person's cookies, as a browser keeps them (RFC 6265, sections 5.1 to 5.4), as small as a few tuples.

Kept: name, value, domain with or without the hosts below it, path, expiry (Max-Age before Expires), Secure. Left out: the list of public
suffixes (a site that sets a cookie for a whole country gets what it asks for, on its own hosts), SameSite and HttpOnly (there is no
script and no other site), partitions. Ports do not tell cookies apart, as in browsers. Times are wall time: the site's clock, which no
`--speed` makes faster. `http.cookies` is not used for reading: it gives up at attributes that it does not know, such as Partitioned.
"""

import ipaddress
from http.cookiejar import http2time  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import NamedTuple

from gelombang.target import is_loopback_host

COOKIES_LIMIT = 50
"""Of one person; the oldest makes room."""
COOKIE_LIMIT_BYTES = 4_096
"""Name and value; a larger one is not kept."""

_EXPIRED = 0.0
_NEVER = float("inf")


class Cookie(NamedTuple):
    """One cookie. `domain` is a host; `below`: it is sent to the hosts below it too."""

    name: str
    value: str
    domain: str
    below: bool
    path: str
    expires: float
    secure: bool


class Jar:
    """The cookies of one person."""

    __slots__ = ("_cookies",)

    def __init__(self) -> None:
        self._cookies: list[Cookie] = []

    def __len__(self) -> int:
        return len(self._cookies)

    def take(self, set_cookie: str, host: str, path: str, secure: bool, now: float) -> None:
        """Keep what one Set-Cookie header says, or forget the cookie when it says so. A wrong one is passed over."""
        cookie = parse(set_cookie, host, path, secure, now)
        if cookie is None:
            return
        same = (cookie.name, cookie.domain, cookie.path)
        self._cookies = [known for known in self._cookies if (known.name, known.domain, known.path) != same]
        if cookie.expires > now:
            self._cookies.append(cookie)
            del self._cookies[:-COOKIES_LIMIT]

    def header(self, host: str, path: str, secure: bool, now: float) -> str:
        """The Cookie header of a request: longer paths first, then older cookies first. Empty without any."""
        fitting = [cookie for cookie in self._cookies if _fits(cookie, host, path, secure, now)]
        fitting.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in fitting)

    def value(self, name: str, host: str, path: str, secure: bool, now: float) -> str | None:
        """The value that a request would send by that name."""
        fitting = [cookie for cookie in self._cookies if cookie.name == name and _fits(cookie, host, path, secure, now)]
        return max(fitting, key=lambda cookie: len(cookie.path)).value if fitting else None


def parse(set_cookie: str, host: str, path: str, secure: bool, now: float) -> Cookie | None:
    """What a Set-Cookie header of an answer from that place says; None when it says nothing that may be kept."""
    pair, *attributes = set_cookie.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(), value.strip()
    if not (name or value) or len(name) + len(value) > COOKIE_LIMIT_BYTES or not (name + value).isprintable():
        return None
    host = host.lower()
    cookie = Cookie(name, value, host, False, _default_path(path), _NEVER, False)
    max_age: float | None = None
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        text = text.strip()
        match key.strip().lower():
            case "max-age":
                max_age = _age(text, max_age)
            case "expires":
                moment = http2time(text)
                cookie = cookie._replace(expires=cookie.expires if moment is None else float(moment))
            case "domain":
                domain = text.lower().removeprefix(".")
                if domain and not _is_below(host, domain):
                    return None
                if domain:
                    cookie = cookie._replace(domain=domain, below=not _is_address(domain))
            case "path":
                cookie = cookie._replace(path=text if text.startswith("/") else _default_path(path))
            case "secure":
                cookie = cookie._replace(secure=True)
    if max_age is not None:
        cookie = cookie._replace(expires=now + max_age if max_age > 0 else _EXPIRED)
    return None if cookie.secure and not _may_be_secure(host, secure) else cookie


def _age(text: str, known: float | None) -> float | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return known
    return 0.0 if text.startswith("-") else float(digits[:12])


def _fits(cookie: Cookie, host: str, path: str, secure: bool, now: float) -> bool:
    host = host.lower()
    if host != cookie.domain and not (cookie.below and _is_below(host, cookie.domain)):
        return False
    if cookie.secure and not _may_be_secure(host, secure):
        return False
    path = path.partition("?")[0]
    inside = path == cookie.path or (path.startswith(cookie.path) and (cookie.path.endswith("/") or path[len(cookie.path)] == "/"))
    return inside and cookie.expires > now


def _may_be_secure(host: str, secure: bool) -> bool:
    # Browsers trust this machine without TLS.
    return secure or is_loopback_host(host)


def _is_below(host: str, domain: str) -> bool:
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _default_path(path: str) -> str:
    folder = path.partition("?")[0].rpartition("/")[0]
    return folder if folder.startswith("/") else "/"
