"""Where an answer sends a person on, by RFC 9110, section 15.4, as browsers read it.

301 and 302 turn a POST into a GET, 303 everything but HEAD; 307 and 308 repeat the request with its body. A redirect without a Location
is an answer like any other.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin

REDIRECTS_LIMIT = 10
"""In a row."""

_STATUSES = frozenset({301, 302, 303, 307, 308})


class Hop(NamedTuple):
    """What is asked for next."""

    method: str
    url: str
    with_body: bool


def next_hop(method: str, url: str, status: int, headers: Mapping[bytes, bytes]) -> Hop | None:
    """Where the answer to `method` `url` leads; None when it leads nowhere."""
    location = headers.get(b"location") if status in _STATUSES else None
    if location is None:
        return None
    try:
        there = urljoin(url, location.decode("utf-8", "replace").strip()).partition("#")[0]
    except ValueError:
        return None
    becomes_get = (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")
    return Hop("GET" if becomes_get else method, there, not becomes_get)
