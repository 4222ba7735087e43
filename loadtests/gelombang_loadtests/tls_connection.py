"""A connection with TLS: the same non-blocking socket, and OpenSSL between it and the parser.

Promises what `Connection` promises, and: the handshake is part of connecting, certificates are always checked, and each failure of TLS is
a BrokenError with the outcome TLS_FAILED and a sentence. OpenSSL works on memory alone (`ssl.MemoryBIO`), so that gevent's patched sockets
have no part in it. Bytes are counted as the request and the answer have them, without those of TLS.

A person who resumes sessions (RFC 8446, section 2.2) uses the newest one that anybody got on the route: it stands for the visit before
this run. The others make a whole handshake on each connection.
"""

import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from gelombang.attempt import Outcome
from gelombang.clock import monotonic_us
from gelombang_loadtests.broken import BrokenError
from gelombang_loadtests.connection import READ_BUFFER, READ_BYTES, Connection
from gelombang_loadtests.route import Route

WRITE_BYTES_LIMIT = 262_144
"""Plain bytes that are encrypted ahead of the socket."""
SESSION_FRESH_US = 10_000_000
"""How long a route's session serves before a newer one takes its place."""

_PLAIN = bytearray(READ_BYTES)
_PLAIN_VIEW = memoryview(_PLAIN)

_EXPIRED, _NOT_YET_VALID = 10, 9
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21, 27})
_OTHER_NAME = frozenset({62, 64})
_ASKED_FOR_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE")


class TlsConnection(Connection):
    """`resumes`: whether its person brings an earlier session along."""

    __slots__ = ("_incoming", "_outgoing", "_taken_bytes", "_tls", "_unsent")

    def __init__(self, route: Route, source: str, resumes: bool, context: ssl.SSLContext | None = None) -> None:
        """With another context than the route's, the connection is one of its own and resumes nothing."""
        super().__init__(route, source)
        context = context or route.context
        assert context is not None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._taken_bytes = 0
        """Plain bytes that were encrypted and have not all left."""
        self._unsent = memoryview(b"")
        session = route.session if resumes else None
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=route.server_name, session=session)

    def connect(self) -> None:
        super().connect()
        began_us = monotonic_us()
        while not self._shake_hands():
            self._flush_all()
            if not self._receive():
                self.wait_readable()
        self._flush_all()
        route = self.route
        route.handshakes.add(monotonic_us() - began_us)
        if self._tls.session_reused:
            route.resumed_handshakes += 1
        else:
            route.full_handshakes += 1
        if not route.tls_version:
            route.tls_version = self._tls.version() or ""

    def settle(self, within_us: int) -> None:
        """After the handshake, hear what the server says about it, for a while: in TLS 1.3 it judges our certificate after we are done."""
        deadline_us, self.deadline_us = self.deadline_us, monotonic_us() + within_us
        try:
            self.wait_readable()
            self.read_some()
        except BrokenError as broken:
            if broken.outcome is not Outcome.TIMED_OUT:
                raise
        finally:
            self.deadline_us = deadline_us

    @property
    def protocol(self) -> str | None:
        """What both ends agreed on by ALPN."""
        return self._tls.selected_alpn_protocol()

    def end(self) -> None:
        super().end()
        route = self.route
        if route.wants_sessions and self.idle_since_us - route.session_us > SESSION_FRESH_US:
            session = self._tls.session
            if session is not None and session.has_ticket:
                route.session, route.session_us = session, self.idle_since_us

    def is_quiet(self) -> bool:
        return self._socket is not None and (super().is_quiet() or self._swallow())

    def close(self) -> None:
        if self._socket is not None and self._greenlet is None:
            with suppress(ssl.SSLError, ValueError):
                self._tls.unwrap()  # the peer's own goodbye is not waited for
            with suppress(BrokenError):
                self._flush()
        super().close()

    # Bytes out.

    def send(self, data: bytes | memoryview) -> int:
        return self.send_parts((data,))

    def send_parts(self, parts: Sequence[bytes | memoryview]) -> int:
        """How many plain bytes have left as a whole; 0 when the kernel is full: then the same bytes must be given again."""
        if not self._taken_bytes:
            self._taken_bytes = self._encrypt(parts)
        self._flush()
        if self._unsent:
            return 0
        taken, self._taken_bytes = self._taken_bytes, 0
        return taken

    # Bytes in.

    def read_some(self) -> int:
        count = self._receive()
        if not count:
            return 0
        answer = self.answer
        try:
            while plain := cast(int, self._tls.read(READ_BYTES, _PLAIN)):  # with a buffer it returns a count
                answer.feed(_PLAIN_VIEW[:plain])
            ended = True
        except ssl.SSLWantReadError:
            ended = False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            ended = True
        except ssl.SSLError as error:
            raise _failed(error, self.route) from None
        if self._outgoing.pending:
            self._flush()
        if ended:
            if answer.complete:
                answer.reusable = False
            else:
                answer.meet_end_of_stream()
        return count

    # Inside.

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            raise BrokenError(Outcome.RESET, f"{self.route.host} closed the connection during the TLS handshake") from None
        except ssl.SSLError as error:
            with suppress(BrokenError):
                self._flush()  # the alert that tells the peer why
            raise _failed(error, self.route) from None
        return True

    def _receive(self) -> int:
        """Read from the socket once; how many bytes (the end counts as one), 0 when nothing is there."""
        try:
            count = self.receive_into(READ_BUFFER)
        except BlockingIOError:
            return 0
        if not count:
            self._incoming.write_eof()
            return 1
        self._incoming.write(memoryview(READ_BUFFER)[:count])
        return count

    def _encrypt(self, parts: Sequence[bytes | memoryview]) -> int:
        taken = 0
        try:
            for part in parts:
                view = memoryview(part)[: WRITE_BYTES_LIMIT - taken]
                while view:
                    count = self._tls.write(view)
                    taken += count
                    view = view[count:]
                if taken >= WRITE_BYTES_LIMIT:
                    break
        except ssl.SSLError as error:
            raise _failed(error, self.route) from None
        return taken

    def _flush(self) -> None:
        """Hand the kernel as much as it takes of what OpenSSL has written."""
        while self._unsent or self._outgoing.pending:
            if not self._unsent:
                self._unsent = memoryview(self._outgoing.read())
            count = super().send(self._unsent)
            if not count:
                return
            self._unsent = self._unsent[count:]

    def _flush_all(self) -> None:
        self._flush()
        while self._unsent:
            self.wait_writable(reads=False)
            self._flush()

    def _be_readable_idle(self) -> None:
        if not self._swallow():
            super()._be_readable_idle()

    def _swallow(self) -> bool:
        """Take in what came while idle; whether it was TLS's own business (a session ticket), and the connection is still good."""
        try:
            self._receive()
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return True
        except (ssl.SSLError, BrokenError):
            return False
        return False


def _failed(error: ssl.SSLError, route: Route) -> BrokenError:
    return BrokenError(Outcome.TLS_FAILED, sentence_of(error, route.host, route.server_name))


def sentence_of(error: ssl.SSLError, host: str, name: str) -> str:
    """Why TLS failed, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code, message = error.verify_code, error.verify_message
        if code == _EXPIRED:
            return f"the certificate of {host} has expired"
        if code == _NOT_YET_VALID:
            return f"the certificate of {host} is not valid yet"
        if code in _OTHER_NAME:
            return f"the certificate of {host} is for another name than {name}"
        if code in _UNKNOWN_AUTHORITY:
            return f"the certificate of {host} is signed by nobody who is trusted here ({message}); want its CA in network.ca_file"
        return f"the certificate of {host} is not accepted ({message})"
    reason = error.reason or str(error)
    if any(mark in reason for mark in _ASKED_FOR_CERTIFICATE):
        return f"{host} ended the TLS handshake ({_words(reason)}); it may want a certificate in network.client_certificate"
    if "UNKNOWN_CA" in reason:
        return f"{host} does not accept our certificate: it does not know who signed it"
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason:
        return f"{host} speaks no TLS there"
    if "PROTOCOL" in reason and ("VERSION" in reason or "UNSUPPORTED" in reason):
        return f"{host} speaks no version of TLS that network.minimum_tls allows"
    return f"TLS with {host} failed ({_words(reason)})"


def _words(reason: str) -> str:
    return reason.lower().replace("_", " ")
