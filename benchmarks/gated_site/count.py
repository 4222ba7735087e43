"""`python count.py ORDERS FOLDER`: the API process and its client in one loop, for the instruction lane.

Promise: between two runs of the same orders nothing differs but what the machine's clock does. Idea: everything is imported once; then each
run is a child that is forked, opens a site of its own, and asks what it is told, one request at a time. There is no background work, whose
ticks would depend on how slow the counter makes the process; threads hand the interpreter over only when they wait; and the second that
answers are dated with stands still. A line of JSON for each child says which process did which run. With `"trace": true` nothing is forked
and a line says how many bytecodes each Python function ran for a request, in the loop's thread. Left out: uploads, whose store waits by the
clock.
"""

import asyncio
import gc
import json
import os
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop
from aiohttp import web
from counter import begin_counting
from opened import NOBODY, bound, prepared

from gelombang_server.app import build_app
from gelombang_server.heads import HeadsRunner
from gelombang_server.worker import close_context, open_context

SWITCH_SECONDS = 1_000.0
KEEP_ALIVE_SECONDS = 3_600.0
SECOND = 1_586_566_800.0
WARM_UP = 5
"""Requests of each route before the counted ones."""


class Client(asyncio.Protocol):
    """One connection; one request at a time."""

    def connection_made(self, transport: Any) -> None:
        self._transport, self._parts, self._answer = transport, b"", asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._parts += data
        head, found, body = self._parts.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]):
            self._parts = b""
            self._answer.set_result((int(head[9:12]), body))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer: tuple[int, bytes] = await self._answer
        return answer


class Asker:
    """Makes requests of what the orders say; `{n}` counts up."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._saved: dict[str, str] = {}
        self._number = 0

    async def ask(self, request: dict[str, Any]) -> bytes:
        """The body of the wanted answer."""
        self._number += 1
        head = [f"{request['method']} {request['path']} HTTP/1.1", "Host: 127.0.0.1"]
        head += [f"{name}: {value}" for name, value in request["headers"].items()]
        body = self._filled(request["body"] or "").encode()
        if body:
            head.append(f"Content-Length: {len(body)}")
        status, answer = await self._client.ask(self._filled("\r\n".join([*head, "", ""])).encode() + body)
        if status != request["status"]:
            raise SystemExit(f"{request['method']} {request['path']} answered {status}; want {request['status']}")
        return answer

    async def set_up(self, requests: list[dict[str, Any]]) -> None:
        for request in requests:
            answer = json.loads(await self.ask(request))
            self._saved |= {name: str(answer[pointer.strip("/")]) for name, pointer in request["save"].items()}

    def _filled(self, text: str) -> str:
        for name, value in (*self._saved.items(), ("n", f"{self._number:06d}")):
            text = text.replace("{" + name + "}", value)
        return text


class Bytecodes:
    """Counts what the interpreter runs, by function."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, _: object) -> "Bytecodes":
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            code = frame.f_code
            self.found[f"{Path(*Path(code.co_filename).parts[-2:])}:{code.co_qualname}"] += 1
        return self


async def run(folder: Path, orders: dict[str, Any], counts: dict[str, int], trace: bool) -> dict[str, dict[str, float]]:
    """Ask so many of each route; with `trace` what each took."""
    context = open_context(prepared(folder), 0, NOBODY)
    app = build_app(context, serves_api=True, serves_uploads=False)
    runner = HeadsRunner(app, context.metrics, access_log=None, handle_signals=False, keepalive_timeout=KEEP_ALIVE_SECONDS)
    await runner.setup()
    listener = bound(0)
    await web.SockSite(runner, listener).start()
    _, client = await asyncio.get_running_loop().create_connection(Client, *listener.getsockname())
    asker, taken = Asker(client), {}
    await asker.set_up(orders["setup"])
    for route in orders["route"]:
        for _ in range(WARM_UP):
            await asker.ask(route)
    gc.collect()
    gc.freeze()
    if orders["starts_counting"] and not trace:
        begin_counting()
    for route in orders["route"]:
        counted, bytecodes = counts[route["name"]], Bytecodes()
        sys.settrace(bytecodes if trace else None)
        for _ in range(counted):
            await asker.ask(route)
        sys.settrace(None)
        taken[route["name"]] = {name: number / counted for name, number in bytecodes.found.items()}
    await runner.cleanup()
    await close_context(context)
    return taken


def main() -> None:
    orders, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    sys.setswitchinterval(SWITCH_SECONDS)
    time.time = lambda: SECOND
    for place, counts in enumerate(orders["runs"]):
        if orders["trace"]:
            print(json.dumps(_loop(folder / str(place), orders, counts, True)), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _loop(folder / str(place), orders, counts, False)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        if os.waitpid(pid, 0)[1]:
            raise SystemExit(1)
        print(json.dumps({"run": place, "pid": pid}), flush=True)


def _loop(folder: Path, orders: dict[str, Any], counts: dict[str, int], trace: bool) -> dict[str, dict[str, float]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(folder, orders, counts, trace))


if __name__ == "__main__":
    main()
