"""Where a request goes: plain HTTP to a host, a port and a path, and never to a machine that nobody allowed.

What a site says (an upload's address, a ticket's) is followed only to the target's own host, or within this machine.
"""

import ipaddress
import socket
from typing import NamedTuple

from gelombang.errors import InputError, TargetUnreachableError

_SCHEME = "http://"


class Target(NamedTuple):
    """An absolute URL, taken apart; `path` holds the query too."""

    host: str
    port: int
    path: str

    def at(self, path_or_url: str) -> "Target":
        """A path on this target, or an absolute URL on the same host. Raises ValueError for any other URL."""
        if path_or_url.startswith("/"):
            return Target(self.host, self.port, self.path + path_or_url)
        found = split_url(path_or_url)
        if found.host != self.host and not (is_loopback(found.host) and is_loopback(self.host)):
            raise ValueError(f"{path_or_url!r} is on another host than the target {self.host}")
        return found


def split_url(url: str) -> Target:
    """An absolute `http://` URL. Raises ValueError for anything else."""
    if not url.startswith(_SCHEME):
        raise ValueError(f"{url!r} is no http:// URL")
    authority, slash, path = url[len(_SCHEME) :].partition("/")
    host, port = _authority(authority, url)
    return Target(host, port, (slash + path).partition("#")[0] or "/")


def base_of(url: str, setting: str) -> Target:
    """The target that all paths of a run are on. Raises InputError, which names the setting."""
    try:
        target = split_url(url)
    except ValueError:
        raise InputError(f"{setting} is {url!r}; want http://HOST:PORT") from None
    return target._replace(path=target.path.rstrip("/"))


def resolved(target: Target) -> Target:
    """The target with its name looked up once, because people's connections take addresses only. Raises TargetUnreachableError."""
    try:
        return target._replace(host=socket.gethostbyname(target.host))
    except OSError as error:
        raise TargetUnreachableError(f"{target.host} has no address ({error}); want a host that can be reached") from error


def is_loopback(host: str) -> bool:
    """Whether this is surely this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _authority(authority: str, url: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        port_text = rest.removeprefix(":")
    else:
        host, _, port_text = authority.partition(":")
    if not host or "@" in authority or (port_text and not (port_text.isascii() and port_text.isdigit())):
        raise ValueError(f"{url!r} names no host and port")
    port = int(port_text or 80)
    if not 0 < port < 65_536:
        raise ValueError(f"{url!r} names port {port}")
    return host, port
