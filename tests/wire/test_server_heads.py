"""What is no HTTP: a problem document, counted, and nothing written."""

import asyncio
import json
from pathlib import Path

import pytest
from serversite import plan, profile, serving

SECRET = b"9900000000000001"
HEADS = {
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + SECRET + b"\r\n\r\n",
    "an unknown method": b"G<T /" + SECRET + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\n" + SECRET + b"\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + SECRET + b"x\r\n\r\n",
    "two ways to say how long": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a header that is too large": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
    "a line that is too long": b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
}


async def answer(url: str, head: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers and body of what comes back until the connection ends."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    whole = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    top, _, body = whole.partition(b"\r\n\r\n")
    line, *rows = top.split(b"\r\n")
    return line, {name.lower(): value.strip() for name, _, value in (row.partition(b":") for row in rows)}, body


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_a_head_that_is_no_http_is_answered_by_a_problem_document_and_counted(
    tmp_path: Path, head: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(plan(tmp_path, profile("april-2020"))) as site:
        line, headers, body = await answer(site.url, head)
        assert line.split()[1] == b"400"
        assert headers[b"content-type"] == b"application/problem+json"
        assert (headers[b"server"], headers[b"x-content-type-options"]) == (b"gelombang", b"nosniff")
        assert json.loads(body)["code"] == "malformed_request"
        assert SECRET not in body
        assert site.sample("problems_total", code="malformed_request") == 1
        assert site.sample("requests_total", route="unknown", status="400") == 1
        assert (await site.ask("GET", "/healthz"))[0] == 200
    assert capfd.readouterr().err == ""
    assert not caplog.records
