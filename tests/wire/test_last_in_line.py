"""A process that stops reads what was sent to it before."""

import socket
from pathlib import Path

from serversite import RUN, listener, plan, prepare, profile

from gelombang.attempt_id import AttemptId
from gelombang.ledger import SERVER_ROW, read_rows
from gelombang_server.last_in_line import let_in_who_waits
from gelombang_server.worker import Worker, open_context

PEOPLE = 300
"""More than a loop accepts at one go."""


async def test_requests_that_nobody_had_read_when_the_process_stops_have_their_rows(tmp_path: Path) -> None:
    prepare(tmp_path)
    public, harness = listener(), listener()
    worker = Worker(open_context(plan(tmp_path, profile("april-2020")), 0, "http://127.0.0.1:9"), public, harness)
    await worker.start()
    clients = []
    for person in range(PEOPLE):
        # Without an await in between: the loop sees none of them before it is told to stop.
        client = socket.create_connection(public.getsockname())
        trace = f"00-{AttemptId(RUN, person, 0, 0, 1).trace_id()}-{1:016x}-01"
        client.sendall(f"GET /api/v1/me HTTP/1.1\r\nHost: x\r\ntraceparent: {trace}\r\n\r\n".encode())
        clients.append(client)
    for client in clients[: PEOPLE // 2]:
        client.close()
    await worker.stop()
    for client in clients[PEOPLE // 2 :]:
        assert client.recv(16).startswith(b"HTTP/1.1 401")
        client.close()
    rows = read_rows(tmp_path / "ledger-server-0.bin", SERVER_ROW)
    assert sorted(rows["person"].tolist()) == list(range(PEOPLE))


async def test_a_door_that_is_closed_already_is_not_waited_for() -> None:
    bound = listener()
    assert not await let_in_who_waits(bound)
    bound.close()
