"""tus over three server processes that know nothing of each other but the site's folder: no request has to find the process before it."""

import asyncio
import http.client
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gelombang.clock import monotonic_us
from gelombang.ledger import SERVER_ROW, read_all
from gelombang.runplan import ScaleNumbers, ServerPlan, read_model, write_model
from gelombang_server.sessions import issue_session, read_session_key
from tests.support.upload_site import FAST_STORE, jpeg, sha256, traceparent, until
from tests.system.test_server_command import ended, orders, running
from tests.wire.serversite import profile

pytestmark = pytest.mark.system
PHOTO = jpeg(900_000)
CHUNK = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


class Processes:
    """The three addresses, and one person."""

    def __init__(self, folder: Path, ready: dict[str, Any]) -> None:
        self.urls: list[str] = ready["uploads_urls"]
        self.pids: list[int] = ready["pids"]
        session = issue_session(read_session_key(folder / "site"), 1, monotonic_us() + 3_600_000_000)
        self._session = f"Bearer {session}"

    def ask(self, process: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str]]:
        """Status and headers, in lower case."""
        connection = http.client.HTTPConnection(urlsplit(self.urls[process]).netloc, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, {"Tus-Resumable": "1.0.0", **named})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    def create(self, process: int) -> str:
        """The upload's path, the same in all."""
        metadata = "kind a3Rw"
        answer = self.ask(process, "POST", "/api/v1/me/tus", Authorization=self._session, Upload_Length="900000", Upload_Metadata=metadata)
        assert answer[0] == 201
        return answer[1]["location"]

    def send(self, process: int, path: str, offset: int, body: bytes, **more: str) -> tuple[int, dict[str, str]]:
        return self.ask(process, "PATCH", path, body, Upload_Offset=str(offset), Content_Type=CHUNK["Content-Type"], **more)

    def offset(self, process: int, path: str) -> int:
        status, headers = self.ask(process, "HEAD", path)
        assert status == 200
        return int(headers["upload-offset"])

    def begin_to_send(self, process: int, path: str, offset: int, body: bytes) -> socket.socket:
        """A PATCH of all that is left, of which only `body` comes."""
        address = urlsplit(self.urls[process])
        assert address.hostname
        connection = socket.create_connection((address.hostname, address.port), 20)
        lines = [f"PATCH {path} HTTP/1.1", "Host: x", f"Upload-Offset: {offset}", f"Content-Length: {len(PHOTO) - offset}"]
        lines += [f"{name}: {value}" for name, value in CHUNK.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return connection


@contextmanager
def three(folder: Path) -> Iterator[tuple[Any, Processes]]:
    site = profile("hardened", store=FAST_STORE, uploads={"processes": 3, "checks": None})
    config = orders(folder, "hardened", scale=ScaleNumbers())
    write_model(config, read_model(config, ServerPlan).model_copy(update={"profile": site}))
    with running(config) as (server, ready):
        yield server, Processes(folder, ready)


def until_written(folder: Path) -> None:
    """Wait until a process has written of what it gathered: it holds the upload."""
    asyncio.run(until(lambda: any(path.stat().st_size for path in (folder / "site" / "photos" / "partial").glob("*.tus")), 20))


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def stored(folder: Path) -> list[bytes]:
    connection = sqlite3.connect(folder / "site" / "gelombang.sqlite3")
    rows = connection.execute("SELECT path, sha256 FROM photos").fetchall()
    connection.close()
    photos = [(folder / "site" / "photos" / path).read_bytes() for path, _ in rows]
    assert [sha256(photo) for photo in photos] == [digest for _, digest in rows]
    return photos


def test_after_a_cut_any_process_knows_the_true_offset_and_goes_on(tmp_path: Path) -> None:
    with three(tmp_path) as (server, site):
        assert len(set(site.urls)) == 3
        path = site.create(0)
        with site.begin_to_send(1, path, 0, PHOTO[:400_000]):
            until_written(tmp_path)
        # A request elsewhere ends the one that was cut, whether or not its process has noticed.
        first = site.offset(2, path)
        assert 0 < first <= 400_000
        status, headers = site.send(0, path, first, PHOTO[first:500_000], traceparent=traceparent(1, 1))
        assert (status, headers["upload-offset"]) == (204, "500000")
        assert site.send(1, path, 400_000, PHOTO[400_000:])[1]["upload-offset"] == "500000"
        assert site.send(2, path, 500_000, PHOTO[500_000:], traceparent=traceparent(1, 1, 2))[0] == 204
        assert [site.offset(process, path) for process in range(3)] == [900_000] * 3
        server.send_signal(signal.SIGTERM)
        assert ended(server) == (0, "")
    assert stored(tmp_path) == [PHOTO]
    assert sorted(read_all(tmp_path, "ledger-server-*.bin", SERVER_ROW)["status"]) == [204, 204]


def test_a_ghost_in_another_process_lets_go_of_the_upload(tmp_path: Path) -> None:
    with three(tmp_path) as (_, site):
        path = site.create(0)
        with site.begin_to_send(0, path, 0, PHOTO[:600_000]) as ghost:
            until_written(tmp_path)
            # Its line is dead: nothing more comes, and nobody closes it.
            offset = site.offset(1, path)
            assert site.send(1, path, offset, PHOTO[offset:])[0] == 204
            assert is_closed(ghost)
    assert stored(tmp_path) == [PHOTO]


def test_what_came_outlives_the_death_of_every_process(tmp_path: Path) -> None:
    with three(tmp_path) as (server, site):
        path = site.create(0)
        status, _ = site.send(0, path, 0, PHOTO[:300_000])
        assert status == 204
        for pid in [server.pid, *site.pids]:
            os.kill(pid, signal.SIGKILL)
        server.wait(20)
    with three(tmp_path) as (_, site):
        assert site.offset(2, path) == 300_000
        assert site.send(2, path, 300_000, PHOTO[300_000:])[0] == 204
    assert stored(tmp_path) == [PHOTO]
