"""How an exchange breaks, and whose doing it was."""

import errno
import os

from gelombang.attempt import Outcome
from gelombang.errors import HostError
from gelombang_loadtests.route import Route


class BrokenError(Exception):
    """The exchange can't go on, and whose doing it was. `unprocessed`: the server's application can't have seen the request."""

    def __init__(self, outcome: Outcome, error: str, unprocessed: bool = False) -> None:
        super().__init__(error)
        self.outcome = outcome
        self.error = error
        self.unprocessed = unprocessed


def late() -> BrokenError:
    """The deadline came."""
    return BrokenError(Outcome.TIMED_OUT, "patience ran out")


def reset(error: OSError) -> BrokenError:
    """The peer, or somebody on the way, ended the connection."""
    # EPIPE is a reset that came after the peer had closed its side: our bytes met a closed socket, no application read them.
    return BrokenError(Outcome.RESET, error.strerror or str(error), unprocessed=error.errno == errno.EPIPE)


def connect_failure(number: int, route: Route) -> BrokenError:
    """What a connect that ended with this errno came to. Raises HostError when this machine is at its own limit."""
    text = os.strerror(number)
    if number in (errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        raise HostError(f"this machine can't open a connection ({text}); want more local ports or a smaller --sample")
    if route.proxy:
        return BrokenError(Outcome.PROXY_REFUSED, f"the proxy {route.proxy} can't be reached ({text})")
    return BrokenError(Outcome.TIMED_OUT if number == errno.ETIMEDOUT else Outcome.CONNECT_REFUSED, text)
