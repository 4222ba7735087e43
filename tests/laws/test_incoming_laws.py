"""What was learned about a head says of an answer what the parser says of it, whatever came before and however it is cut into reads."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang_loadtests import incoming
from gelombang_loadtests.broken import BrokenError
from gelombang_loadtests.incoming import IncomingAnswer

# Few different ones, so that heads come again with other bytes behind them.
statuses = st.sampled_from((b"200 OK", b"204 No Content", b"304 Not Modified", b"503 Busy", b"100 Continue"))
lines = st.lists(
    st.sampled_from(
        (
            b"Content-Length: 2",
            b"content-length:0",
            b"Content-Length: 5",
            b"Transfer-Encoding: chunked",
            b"Connection: close",
            b"Connection: keep-alive",
            b"Date: Sat, 11 Apr 2020 12:00:00 GMT",
            b"Folded: a\r\n b",
        )
    ),
    max_size=3,
)
bodies = st.sampled_from(
    (b"", b"ok", b"no", b"0\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n", b"\r\n\r\nx", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
)
heads = st.builds(
    lambda version, status, fields, ends: version + b" " + status + ends + b"".join(line + ends for line in fields) + ends,
    st.sampled_from((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0")),
    statuses,
    lines,
    st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")),
)
exchanges = st.tuples(
    st.lists(heads, min_size=1, max_size=2),
    st.lists(st.tuples(st.integers(0, 1), bodies, st.booleans(), st.sampled_from((0, 0, 0, 9, 70))), min_size=4, max_size=12),
)
"""Heads, and answers: which head, what stands behind it, whether it answers HEAD, and where a first read ends."""


def said(connection: list[IncomingAnswer], read: list[bytes], without_body: bool) -> tuple[object, ...]:
    """What one exchange on a kept connection comes to; on a fresh one where the last can't be used again."""
    if not connection[0].reusable:
        connection[0] = IncomingAnswer()
    answer = connection[0]
    answer.begin(without_body)
    try:
        for piece in read:
            answer.feed(memoryview(piece))
    except BrokenError as broken:
        return broken.outcome, broken.error
    told = (answer.started, answer.headers_complete, answer.complete, answer.reusable, answer.is_final_error(), answer.bytes_received)
    return (*told, answer.status, dict(answer.headers), answer.body) if answer.complete else told


def walked(heads: list[bytes], answers: list[tuple[int, bytes, bool, int]], knowing: bool) -> list[tuple[object, ...]]:
    incoming._known_heads.clear()
    connection, found = [IncomingAnswer()], []
    for which, body, without_body, cut in answers:
        raw = heads[which % len(heads)] + body
        if not knowing:
            incoming._known_heads.clear()
        found.append(said(connection, [piece for piece in (raw[:cut], raw[cut:]) if piece], without_body))
    return found


@settings(max_examples=400)
@given(exchanges)
def test_a_known_head_says_what_the_parser_says(what: tuple[list[bytes], list[tuple[int, bytes, bool, int]]]) -> None:
    assert walked(*what, knowing=True) == walked(*what, knowing=False)


def test_a_head_that_came_before_is_not_parsed_again_and_the_oldest_makes_room() -> None:
    incoming._known_heads.clear()
    for number in range(incoming.KNOWN_HEADS_LIMIT + 1):
        raw = b"HTTP/1.1 200 OK\r\nETag: %d\r\nContent-Length: 2\r\n\r\nok" % number
        answer = IncomingAnswer()
        answer.feed(memoryview(raw))
        answer.begin()
        answer.close()  # there is no parser from here on
        answer.feed(memoryview(raw[:-2] + b"no"))
        assert (answer.status, answer.body, answer.headers[b"etag"], answer.reusable) == (200, b"no", b"%d" % number, True)
    assert len(incoming._known_heads) == incoming.KNOWN_HEADS_LIMIT
