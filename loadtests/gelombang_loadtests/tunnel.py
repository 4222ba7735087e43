"""The way through a proxy to a host that is spoken with by TLS: CONNECT (RFC 9110, section 9.3.6)."""

from typing import TYPE_CHECKING

from gelombang.attempt import Outcome
from gelombang_loadtests.broken import BrokenError

if TYPE_CHECKING:
    from gelombang_loadtests.connection import Connection

ANSWER_BYTES_LIMIT = 16_384

_BUFFER = bytearray(ANSWER_BYTES_LIMIT)


def open_tunnel(connection: "Connection") -> None:
    """Ask the proxy at the other end, and read its answer. Raises BrokenError when it does not let us pass."""
    route = connection.route
    where = f"CONNECT {route.host}:{route.port}"
    try:
        heard = _asked(connection)
    except BrokenError as broken:
        if broken.outcome is Outcome.RESET:
            raise BrokenError(Outcome.PROXY_REFUSED, f"the proxy {route.proxy} broke off: {broken.error}") from None
        raise
    if b"\r\n\r\n" not in heard:
        raise BrokenError(Outcome.PROXY_REFUSED, f"the proxy {route.proxy} gave no answer to {where}")
    said = heard.partition(b"\r\n")[0].decode("latin-1").partition(" ")[2]
    if not said.startswith("2"):
        raise BrokenError(Outcome.PROXY_REFUSED, f"the proxy {route.proxy} refused {where}: {said[:80]}")


def _asked(connection: "Connection") -> bytes:
    """The head of the proxy's answer; without its end when the proxy closed or talks too much."""
    asked = memoryview(connection.route.tunnel)
    while asked:
        asked = asked[connection.send_plain(asked) :]
        if asked:
            connection.wait_writable(reads=False)
    heard = b""
    while b"\r\n\r\n" not in heard:
        connection.wait_readable()
        try:
            count = connection.receive_into(_BUFFER)
        except BlockingIOError:
            continue
        heard += _BUFFER[:count]
        if not count or len(heard) > ANSWER_BYTES_LIMIT:
            break
    return heard
