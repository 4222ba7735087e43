"""What a request of your own Locust code came to, read from what Locust says about it: a status, and an exception or none.

Locust (and whoever uses `catch_response`) decides whether a request failed; the status says how. Without a status the exception does,
looked through to what it wraps, because requests, urllib3 and geventhttpclient each put their own around the socket's.
"""

import ssl
from collections.abc import Iterator

from gelombang.attempt import Outcome, Phase
from gelombang.journey import outcome_of_answer

_CHAIN_LIMIT = 10
_WELL = frozenset((Outcome.OK, Outcome.CONFLICT))


def outcome_of_request(status: int | None, exception: BaseException | None, told_to_return: bool) -> tuple[Outcome, Phase]:
    """The outcome, and the phase that it ended in as far as it is known."""
    if exception is None:
        return Outcome.OK, Phase.RECEIVE
    if status:
        outcome = outcome_of_answer(status, None, None, told_to_return)
        # The body of the user looked at a good answer and did not like it.
        return (Outcome.INVALID if outcome in _WELL else outcome), Phase.RECEIVE
    for error in _chain(exception):
        name = type(error).__name__
        if isinstance(error, ssl.SSLError):
            return Outcome.TLS_FAILED, Phase.CONNECT
        if isinstance(error, ConnectionRefusedError):
            return Outcome.CONNECT_REFUSED, Phase.CONNECT
        if isinstance(error, ConnectionError) and not name.startswith("ProxyError"):
            return Outcome.RESET, Phase.WAIT
        if isinstance(error, TimeoutError) or "Timeout" in name:
            return Outcome.TIMED_OUT, Phase.CONNECT if "ConnectTimeout" in name else Phase.WAIT
        if name in ("HTTPConnectionClosed", "RemoteDisconnected"):
            return Outcome.RESET, Phase.WAIT
        if name == "gaierror":
            return Outcome.CONNECT_REFUSED, Phase.CONNECT
    return Outcome.PROTOCOL, Phase.WAIT


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The innermost first: what a library wraps tells more than the wrapper."""
    found: list[BaseException] = []
    todo: list[BaseException] = [error]
    while todo and len(found) < _CHAIN_LIMIT:
        one = todo.pop(0)
        if one in found:
            continue
        found.append(one)
        inner = (one.__cause__, one.__context__, getattr(one, "original", None), getattr(one, "reason", None), *one.args)
        todo += [each for each in inner if isinstance(each, BaseException)]
    yield from reversed(found)
