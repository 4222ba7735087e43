"""Where a request goes: a host by its name, a port, a path, with TLS or without.

What a site says (an upload's address, a ticket's, a redirect's) may name any host; `guard` sends nothing to one that nobody allowed. Names
stay names here: `network` knows their addresses.
"""

from typing import NamedTuple

from gelombang.errors import InputError

_SCHEMES = {"http": 80, "https": 443}


class Target(NamedTuple):
    """An absolute URL, taken apart; `path` holds the query too."""

    host: str
    port: int
    path: str
    tls: bool = False

    def at(self, path_or_url: str) -> "Target":
        """A path on this target, or an absolute URL on any host: `guard` judges whether to send there. Raises ValueError for no URL."""
        if path_or_url.startswith("/"):
            return self._replace(path=self.path + path_or_url)
        return split_url(path_or_url)


def split_url(url: str) -> Target:
    """An absolute `http://` or `https://` URL. Raises ValueError for anything else."""
    scheme, found, rest = url.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in _SCHEMES:
        raise ValueError(f"{url!r} is no http:// or https:// URL")
    end = min((place for mark in "/?#" if (place := rest.find(mark)) >= 0), default=len(rest))
    host, port = _authority(rest[:end], url, _SCHEMES[scheme])
    path = rest[end:].partition("#")[0]
    return Target(host, port, path if path.startswith("/") else f"/{path}", scheme == "https")


def url_of(target: Target) -> str:
    """The absolute URL again."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{'https' if target.tls else 'http'}://{host}:{target.port}{target.path}"


def base_of(url: str, setting: str) -> Target:
    """The target that all paths of a run are on. Raises InputError, which names the setting."""
    try:
        target = split_url(url)
    except ValueError:
        raise InputError(f"{setting} is {url!r}; want http://HOST:PORT or https://HOST:PORT") from None
    return target._replace(path=target.path.rstrip("/"))


def _authority(authority: str, url: str, default_port: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        port_text = rest.removeprefix(":")
    else:
        host, _, port_text = authority.partition(":")
    if not host or "@" in authority or (port_text and not (port_text.isascii() and port_text.isdigit())):
        raise ValueError(f"{url!r} names no host and port")
    port = int(port_text or default_port)
    if not 0 < port < 65_536:
        raise ValueError(f"{url!r} names port {port}")
    return host.lower(), port
