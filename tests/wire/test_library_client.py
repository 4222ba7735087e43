"""`client = "library"`: Locust's FastHttpSession behind the same Answer."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.scripted_server import answering, read_head, reset, serving, until_closed
from tests.wire.tls_site import Authority, Proxy, Site, running, server_context

SCRIPT = Path(__file__).parent / "library_client.py"


def asked(port: int, tls: bool = False, host: str = "127.0.0.1", **more: object) -> dict[str, object]:
    return {"method": "GET", "target": "/x?y=1", "host": host, "port": port, "tls": tls, "within_us": 10_000_000, **more}


class Library:
    """A process that asks by Locust's client."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._said() == "ready\n"

    def answers(self, *requests: dict[str, object], at_once: bool = False, **network: object) -> list[dict[str, Any]]:
        """What came of these requests of one person."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"network": network, "requests": requests, "at_once": at_once}) + "\n")
        self._process.stdin.flush()
        found: list[dict[str, Any]] = json.loads(self._said())
        return found

    def close(self) -> None:
        self._process.communicate(timeout=20)

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    process = Library()
    yield process
    process.close()


def test_two_tabs_of_a_person_ask_at_the_same_time(library: Library) -> None:
    both = threading.Barrier(2, timeout=8)

    def script(connection: Any) -> None:
        read_head(connection)
        both.wait()  # neither is answered before the other has asked
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with serving(script, script) as server:
        found = library.answers(asked(server.port), asked(server.port), at_once=True)
    assert [answer["body"] for answer in found] == ["ok", "ok"]


def test_answers_of_every_status_are_answers_and_nothing_is_followed_or_kept(library: Library) -> None:
    texts = [
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbusy",
        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
    ]
    heads = []

    def script(connection: Any) -> None:
        for text in texts:
            heads.append(read_head(connection))
            connection.sendall(text)

    with serving(script) as server:
        found = library.answers(asked(server.port), asked(server.port), asked(server.port))
    assert [(answer["outcome"], answer["phase"], answer["status"], answer["body"]) for answer in found] == [
        (None, "RECEIVE", 302, ""),
        (None, "RECEIVE", 503, "busy"),
        (None, "RECEIVE", 201, "ok"),
    ]
    assert found[0]["headers"]["set-cookie"] == "a=1\nb=2"
    assert found[1]["headers"]["retry-after"] == "3"
    assert not any(b"ookie" in head for head in heads)
    assert all(b"x-mark: here" in head.lower() for head in heads)
    assert {answer["times"] for answer in found} == {0}


def test_what_breaks_is_told_apart(library: Library) -> None:
    def hang(connection: Any) -> None:
        read_head(connection)
        until_closed(connection)

    def broken(connection: Any) -> None:
        read_head(connection)
        reset(connection)

    with serving(
        hang, broken, answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    ) as server:
        post = {"method": "POST", "body": "x"}
        hurried = asked(server.port, within_us=300_000)
        found = library.answers(hurried, asked(server.port, **post), asked(server.port, **post), asked(server.port))
        closed = server.port
    assert [answer["outcome"] for answer in found] == ["TIMED_OUT", "RESET", "PROTOCOL", None]
    assert [answer["outcome"] for answer in library.answers(asked(closed))] == ["CONNECT_REFUSED"]


def test_tls_is_checked_as_the_lean_client_checks_it(library: Library, tmp_path: Path) -> None:
    authority = Authority.made(tmp_path)
    mine = tmp_path / "mine.pem"
    authority.certificate("person@mail.example").private_key_and_cert_chain_pem.write_to_path(str(mine))
    fine = Site(server_context(authority.certificate("localhost"), clients=authority))
    expired = Site(server_context(authority.certificate("localhost", expired=True)))
    with running(fine), running(expired):
        requests = [asked(site.port, tls=True, host="localhost") for site in (fine, expired)]
        certificate = {"localhost": {"certificate": str(mine)}}
        found = library.answers(*requests, ca_file=str(authority.file), client_certificate=certificate)
    assert [(answer["status"], answer["outcome"]) for answer in found] == [(200, None), (0, "TLS_FAILED")]
    assert found[1]["error"] == "the certificate of localhost has expired"
    assert fine.seen.clients[0]


def test_a_proxy_carries_https_or_refuses(library: Library, tmp_path: Path) -> None:
    authority = Authority.made(tmp_path)
    refusing = Proxy(refusal=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    with running(Site(server_context(authority.certificate("shop.example")))) as site, running(Proxy()) as proxy, running(refusing):
        request = asked(site.port, tls=True, host="shop.example")
        [through] = library.answers(request, ca_file=str(authority.file), proxy=f"http://127.0.0.1:{proxy.port}")
        [refused] = library.answers(request, ca_file=str(authority.file), proxy=f"http://127.0.0.1:{refusing.port}")
    assert (through["status"], through["body"]) == (200, "ok")
    assert refused["outcome"] == "PROXY_REFUSED"
