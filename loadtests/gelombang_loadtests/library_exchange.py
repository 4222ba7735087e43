"""The same exchange carried by Locust's FastHttpSession, for services that the lean client can't speak with.

Slower, and it knows less: times inside an exchange are 0, bytes are those of the bodies, patience is the only pace (a person's line is not
modelled), and one client certificate serves all hosts. Cookies, redirects and retries stay with us, so that a person's attempt is one
request here too. Lives only inside a Locust process: importing Locust patches its sockets.
"""

import ssl
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import gevent
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from geventhttpclient.useragent import ConnectionError as LibraryConnectionError
from geventhttpclient.useragent import RetriesExceeded
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from gelombang.attempt import Outcome, Phase
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.network import goes_direct
from gelombang.person import Person
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import PersonConnections
from gelombang_loadtests.tls_connection import sentence_of
from gelombang_loadtests.uplink import Line

_OUR_OWN_LIMIT_SECONDS = 86_400.0
"""The library's own time-outs: patience ends every exchange long before."""
_TABS_AT_ONCE = 2
"""Connections to one server that a person may use at the same time: with one, a second tab would wait for the first."""
_NOBODY = EventHook()
"""Who hears the library's events: exchanges are reported by us, once."""


class _Session:
    """What one person keeps: the library's connections."""

    def __init__(self, routes: RouteBook) -> None:
        network = routes.network
        options: dict[str, object] = {}
        if network.proxy is not None:
            parts = urlsplit(network.proxy)
            options |= {"proxy_host": parts.hostname, "proxy_port": parts.port}
            if parts.username is not None:
                options |= {"proxy_user": unquote(parts.username), "proxy_password": unquote(parts.password or "")}

        def trusted(**_: object) -> ssl.SSLContext:
            # It must take `cafile`: otherwise the library loads authorities of its own into our context, 100 ms for each person.
            return routes.context_for(next(iter(network.client_certificate), ""))

        def made(**more: object) -> FastHttpSession:
            return FastHttpSession(
                base_url="",
                request_event=_NOBODY,
                user=None,
                insecure=False,
                ssl_context_factory=trusted,
                max_retries=0,
                network_timeout=_OUR_OWN_LIMIT_SECONDS,
                connection_timeout=_OUR_OWN_LIMIT_SECONDS,
                concurrency=_TABS_AT_ONCE,
                **more,
            )

        self._no_proxy = network.no_proxy
        self._direct = made()
        self._proxied = made(**options) if options else self._direct
        for session in (self._direct, self._proxied):
            session.client.cookiejar = None

    def towards(self, host: str, port: int) -> FastHttpSession:
        return self._direct if goes_direct(self._no_proxy, host, port) else self._proxied

    def close(self) -> None:
        for session in (self._direct, self._proxied):
            session.client.close()


def library_exchange(
    person: PersonConnections, request: Request, line: Line | Person, deadline_us: int, later: Callable[[], int] | None = None
) -> Answer:
    """What `exchange` promises, as far as the library can tell."""
    assert later is None, "nobody draws patience late for this client"
    left_us = deadline_us - monotonic_us()
    if left_us <= 0:
        return Answer(Outcome.TIMED_OUT, Phase.NONE, error="patience had run out before the request")
    if not isinstance(person.beside, _Session):
        person.beside = _Session(person.routes)
    body = request.body if isinstance(request.body, bytes) else b"".join(request.body)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
    if "accept-encoding" not in (name.lower() for name in headers):
        headers["Accept-Encoding"] = "identity"
    session = person.beside.towards(request.host, request.port)
    host = f"[{request.host}]" if ":" in request.host else request.host
    url = f"{'https' if request.tls else 'http'}://{host}:{request.port}{request.target.decode('latin-1')}"
    answer = Answer(connections=1)
    try:
        with gevent.Timeout(left_us / MICROSECONDS):
            found = session.request(request.method.decode(), url, data=body or None, headers=headers, allow_redirects=False)
            error: BaseException | None = getattr(found, "error", None)
            if found.status_code:  # an answer that the library calls an error is an answer
                answer.status = found.status_code
                answer.headers = _headers_of(found.headers)
                answer.body = found.content or b""
                error = None
    except (gevent.Timeout, OSError, ValueError, RuntimeError, LibraryConnectionError, HTTPParseError, HTTPConnectionClosed) as failed:
        error = failed
    if error is None:
        answer.phase = Phase.RECEIVE
        answer.bytes_sent, answer.bytes_received = len(body), len(answer.body)
        return answer
    person.beside.close()  # nobody knows what is left on its connections
    person.beside = None
    answer.outcome_error, answer.phase, answer.error = _outcome(error, request.host)
    return answer


def _headers_of(found: object) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in found.items():  # type: ignore[attr-defined]
        key = name.lower().encode("latin-1")
        joint = b"\n" if key == b"set-cookie" else b", "
        known = headers.get(key)
        text = value.encode("latin-1", "replace")
        headers[key] = text if known is None else known + joint + text
    return headers


def _outcome(error: BaseException, host: str) -> tuple[Outcome, Phase, str]:
    """The outcome, the phase as far as it is known, and the words."""
    if isinstance(error, RetriesExceeded):
        error = getattr(error, "original", None) or error
    match error:
        case gevent.Timeout() | TimeoutError():
            return Outcome.TIMED_OUT, Phase.WAIT, "patience ran out"
        case ssl.SSLError():
            return Outcome.TLS_FAILED, Phase.CONNECT, sentence_of(error, host, host)
        case ConnectionRefusedError():
            return Outcome.CONNECT_REFUSED, Phase.CONNECT, str(error)
        case HTTPConnectionClosed() | ConnectionError() | LibraryConnectionError():
            return Outcome.RESET, Phase.WAIT, str(error) or "the connection broke"
        case HTTPParseError():
            return Outcome.PROTOCOL, Phase.RECEIVE, f"the answer is no HTTP: {error}"
        case RuntimeError() if "roxy" in str(error):
            return Outcome.PROXY_REFUSED, Phase.CONNECT, str(error)
        case OSError():
            return Outcome.CONNECT_REFUSED, Phase.CONNECT, str(error)
    return Outcome.PROTOCOL, Phase.RECEIVE, f"{type(error).__name__}: {error}"
