"""One HTTP/1.1 exchange as one person's line carries it: a request out, an answer back, each phase timed.

Promises: `exchange` never raises for what a server or a network does: whatever comes back, or doesn't, is an `Answer` with an outcome and
the phase it happened in. It ends at the person's deadline. An answer that comes while the body is still being sent is read and believed
(RFC 9112, section 9.5), also when the server then resets the connection.

A reused connection that dies before any byte of an answer, and before more than the first piece of the request was sent, was stale: the
request goes out once more on a fresh connection, as browsers do, when its method is idempotent (RFC 9110, section 9.2.2) or no application
can have read it. `Answer.connections` says so. Redirects and cookies are left out; TLS and proxies are the connection's business.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from gelombang.attempt import Outcome, Phase
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.person import Person
from gelombang_loadtests.answer_headers import NO_HEADERS
from gelombang_loadtests.broken import BrokenError
from gelombang_loadtests.connection import Connection
from gelombang_loadtests.exchanged import Answer, Request, prepare
from gelombang_loadtests.pool import PersonConnections
from gelombang_loadtests.route import Route
from gelombang_loadtests.uplink import PACED_FROM_BYTES, ROUND_TRIP_FROM_SECONDS, Line, Outgoing, piece_bytes
from gelombang_loadtests.waiting_socket import Wake

HEADS_KEPT_LIMIT = 1_024
"""Heads that are kept made, for requests that nobody prepared: most people ask for the same few paths."""

# Looked up once: an attribute of an enum costs 0.1 µs, and an exchange asks for ten.
_CONNECT, _SEND, _WAIT, _RECEIVE = Phase.CONNECT, Phase.SEND, Phase.WAIT, Phase.RECEIVE

_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"))
WITH_BODY = frozenset((b"POST", b"PUT", b"PATCH"))
_PROXY_WANTS_CREDENTIALS = 407
_NETWORKS_OWN = frozenset((Outcome.TLS_FAILED, Outcome.PROXY_REFUSED))


def exchange(
    pool: PersonConnections, request: Request, line: Line | Person, deadline_us: int, later: Callable[[], int] | None = None
) -> Answer:
    """Send the request and read its answer before `deadline_us` (monotonic). Raises only HostError: this machine is at its limit.

    A person stands for their own line. With `later`, the deadline is only the earliest that it can be, and `later` says which it is.
    """
    began_us = monotonic_us()
    whole = request.whole
    message: _Message | None = (whole, ()) if whole else _message_of(request)
    if message is None:
        return Answer(Outcome.PROTOCOL, Phase.NONE, error="a value in the request's head has a line break")
    if deadline_us <= began_us:
        return Answer(Outcome.TIMED_OUT, Phase.NONE, error="patience had run out before the request")
    try:
        connection = pool.take(request.host, request.port, request.tls, began_us, deadline_us)
    except BrokenError as lost:
        return Answer(lost.outcome, Phase.CONNECT, connect_us=monotonic_us() - began_us, error=lost.error)
    route = connection.route
    if route.prefix:
        message = _in_absolute_form(message[0], route), message[1]
    answer = _blank(Answer)
    answer.connections, answer.headers = 1, NO_HEADERS
    while True:
        connection.begin(deadline_us, request.method == b"HEAD", later)
        incoming = connection.answer
        try:
            broken = _run(connection, message, line, answer, began_us)
        except BaseException:
            pool.drop(connection)  # the greenlet was killed, or this machine is at its limit
            raise
        answer.bytes_received = incoming.bytes_received
        if broken is None:
            answer.status, answer.headers, answer.body = incoming.status, incoming.headers, incoming.body
            pool.give_back(connection, began_us + answer.connect_us + answer.send_us + answer.wait_us + answer.receive_us)
            if route.prefix and answer.status == _PROXY_WANTS_CREDENTIALS:
                answer.outcome_error, answer.error = Outcome.PROXY_REFUSED, f"the proxy {route.proxy} wants other credentials (407)"
                route.remember(answer.error)
            return answer
        stale = connection.reused and broken.outcome is Outcome.RESET and not connection.answer.bytes_received
        pool.drop(connection)
        if stale and answer.bytes_sent <= _first_piece_bytes(message, line) and (broken.unprocessed or request.method in _IDEMPOTENT):
            answer = Answer(connections=2)
            connection = pool.take_fresh(route)
            continue
        answer.outcome_error, answer.error = broken.outcome, broken.error
        if broken.outcome in _NETWORKS_OWN:
            route.remember(broken.error)
        return answer


def _first_piece_bytes(message: "_Message", line: Line | Person) -> int:
    """What may have been sent before a stale connection showed itself."""
    head, parts = message
    return len(head) + (piece_bytes(line.uplink_bytes_per_second) if parts else 0)


def _in_absolute_form(head: bytes, route: Route) -> bytes:
    """A head as a forwarding proxy wants it (RFC 9112, section 3.2.2)."""
    method, _, rest = head.partition(b" ")
    line, _, headers = rest.partition(b"\r\n")
    return b"%b %b%b\r\n%b%b" % (method, route.prefix, line, route.forwarded, headers)


_prepared = lru_cache(HEADS_KEPT_LIMIT)(prepare)


# The fields that nothing is said about are their class's: saying them all each time costs as much as the rest of a small exchange's notes.
_blank = Answer.__new__


_Message = tuple[bytes, Sequence[bytes | memoryview]]
"""A request as bytes: a head with a small body joined to it and no parts, or a head and the parts of a body that isn't small."""


def _message_of(request: Request) -> _Message | None:
    """None when a header's value would break the head: nothing of it may be sent."""
    body = request.body
    head = request.prepared or _prepared(request.method, request.target, request.host, request.port, (), request.tls)
    if request.headers:
        own = b"".join([b"%b: %b\r\n" % header for header in request.headers])
        if own.count(b"\n") != len(request.headers):
            return None
        head += own
    if isinstance(body, bytes):
        if not body and request.method not in WITH_BODY:
            return head + b"\r\n", ()
        if len(body) < PACED_FROM_BYTES:
            return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body), ()
        return b"%bContent-Length: %d\r\n\r\n" % (head, len(body)), (body,)
    body_bytes = sum(map(len, body))
    head = b"%bContent-Length: %d\r\n\r\n" % (head, body_bytes)
    return (head, body) if body_bytes >= PACED_FROM_BYTES else (b"".join((head, *body)), ())


def _run(connection: Connection, message: _Message, line: Line | Person, answer: Answer, began_us: int) -> BrokenError | None:
    """One try on one connection; None when a whole answer was read. `answer` gets phase, times and bytes sent."""
    mark_us = began_us
    head, parts = message
    incoming = connection.answer
    answer.phase = _CONNECT
    try:
        if not connection.reused:
            connection.connect()
            now_us = monotonic_us()
            answer.connect_us = now_us - mark_us
            mark_us = now_us
        answer.phase = _SEND
        try:
            if parts:
                sent = _send_paced(connection, head, parts, line, answer)
            else:
                answer.bytes_sent = sent_bytes = connection.send(head)
                sent = sent_bytes == len(head) or _send_rest(connection, head[sent_bytes:], answer)
        except BrokenError as broken:
            if broken.outcome is not Outcome.RESET or not _answered_before_reset(connection):
                raise
            sent = False
        now_us = monotonic_us()
        answer.send_us = now_us - mark_us
        mark_us = now_us
        if sent:
            # Until the answer has begun for the person: its first bytes are there (interim answers aside), and the round trip has passed.
            answer.phase = _WAIT
            connection.wait_readable()
            if line.round_trip_seconds >= ROUND_TRIP_FROM_SECONDS:
                connection.pause(line.round_trip_seconds)
            connection.read_some()
            while not incoming.started and not incoming.complete:
                connection.wait_readable()
                connection.read_some()
            now_us = monotonic_us()
            answer.wait_us = now_us - mark_us
            mark_us = now_us
        answer.phase = _RECEIVE
        if not incoming.complete:
            while not incoming.complete:
                if not connection.read_some() and not incoming.complete:
                    connection.wait_readable()
            answer.receive_us = monotonic_us() - mark_us
        if not sent:
            incoming.reusable = False  # the rest of the body was never sent
    except BrokenError as broken:
        if answer.phase is Phase.WAIT and broken.outcome is Outcome.PROTOCOL:
            answer.phase = Phase.RECEIVE  # the first bytes of the answer were no HTTP
        _book(answer, monotonic_us() - mark_us)
        return broken
    return None


def _book(answer: Answer, spent_us: int) -> None:
    """The time in the phase that an exchange broke in."""
    match answer.phase:
        case Phase.CONNECT:
            answer.connect_us += spent_us
        case Phase.SEND:
            answer.send_us += spent_us
        case Phase.WAIT:
            answer.wait_us += spent_us
        case Phase.RECEIVE:
            answer.receive_us += spent_us
        case _:
            raise AssertionError(answer.phase)


def _send_rest(connection: Connection, rest: bytes, answer: Answer) -> bool:
    return _send_piece(connection, Outgoing((rest,)), len(rest), answer)


def _send_paced(connection: Connection, head: bytes, parts: Sequence[bytes | memoryview], line: Line | Person, answer: Answer) -> bool:
    """Send all of it; False when an answer came first that makes the rest pointless.

    The head at once, then the body in pieces, each when its last byte is due; together where the line takes them in a moment.
    """
    outgoing = Outgoing((head, *parts))
    total_bytes = outgoing.left_bytes
    per_piece_bytes = piece_bytes(line.uplink_bytes_per_second)
    byte_us = MICROSECONDS / line.uplink_bytes_per_second
    if total_bytes <= per_piece_bytes and total_bytes * byte_us < 1:
        return _send_piece(connection, outgoing, total_bytes, answer)
    if not _send_piece(connection, outgoing, len(head), answer):
        return False
    behind_limit_us = per_piece_bytes * byte_us
    origin_us: float = monotonic_us()
    while outgoing.left_bytes:
        size = min(per_piece_bytes, outgoing.left_bytes)
        due_us = origin_us + (total_bytes - outgoing.left_bytes + size) * byte_us
        now_us = monotonic_us()
        while now_us < due_us:
            if connection.pace(int(due_us) + 1) is Wake.READABLE and _is_answered(connection):
                return False
            now_us = monotonic_us()
        if now_us - due_us > behind_limit_us:
            origin_us += now_us - due_us - behind_limit_us
        if not _send_piece(connection, outgoing, size, answer):
            return False
    return True


def _send_piece(connection: Connection, outgoing: Outgoing, size: int, answer: Answer) -> bool:
    while size:
        count = connection.send_parts(outgoing.piece(size))
        if count:
            outgoing.leave(count)
            answer.bytes_sent += count
            size -= count
        elif connection.wait_writable() is Wake.READABLE and _is_answered(connection):
            return False
    return True


def _is_answered(connection: Connection) -> bool:
    """Read what came while the body is being sent: whether it makes the rest of the body pointless."""
    connection.read_some()
    return connection.answer.is_final_error()


def _answered_before_reset(connection: Connection) -> bool:
    """After a failed send: whether a whole answer had arrived. Never waits."""
    try:
        while not connection.answer.complete and connection.read_some():
            pass
    except BrokenError:
        return False
    return connection.answer.complete
