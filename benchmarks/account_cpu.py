"""CPU of the server for the account part of a registration: account, link in the mail, data, code asked for, code.

`PYTHONPATH=tests/wire python benchmarks/account_cpu.py [--only-accounts] [--people N] [--rounds N] [--kept FILE]`. The server and its
people share this process, and their connections are pretended: bytes go straight to the server's protocol, a fresh one for each step, as
people come who think for longer than the keep-alive. So no sockets of the kernel's are in the figure, and what the people themselves do
is. Passwords are hashed with 64 KiB, once. `--kept` begins with a copy of a database that is full already.
"""

import argparse
import asyncio
import gc
import json
import shutil
import socket
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop
from serversite import listener, plan, prepare, profile

from gelombang.clock import process_cpu_seconds
from gelombang.runplan import ScaleNumbers
from gelombang_server.config import SITE_FOLDER
from gelombang_server.outbox import Message
from gelombang_server.schema import DATABASE_FILE
from gelombang_server.worker import Worker, open_context

AT_ONCE = 40
QUICK = {
    "mail_per_second": 1e6,
    "sms_per_second": 1e6,
    "mail_delay_seconds": {"value": 0.001},
    "sms_delay_seconds": {"value": 0.001},
}


class Pretended(asyncio.Transport):
    """A client at the other end of a server's protocol."""

    def __init__(self, protocol: asyncio.Protocol, any_socket: socket.socket) -> None:
        super().__init__({"socket": any_socket, "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._protocol = protocol
        self._is_closing = False
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        protocol.connection_made(self)

    async def ask(self, request: bytes) -> bytes:
        self._protocol.data_received(request)
        return await self._answer

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self._answer.set_result(data)

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)


class People:
    """Those who register at one worker."""

    def __init__(self, worker: Worker) -> None:
        assert worker.outbox is not None
        assert worker._public.server is not None
        self._outbox, self._make, self._socket = worker.outbox, worker._public.server, socket.socket()
        self._came: dict[str, Message] = {}
        self._waiting: dict[str, asyncio.Future[Message]] = {}

    async def read_mail(self) -> None:
        last = self._outbox.last
        while True:
            for message in await self._outbox.wait_after(last, 1_000, 10.0):
                last = message.id
                if (waiting := self._waiting.pop(message.address, None)) is not None:
                    waiting.set_result(message)
                else:
                    self._came[message.address] = message

    async def register(self, numbers: Iterator[int], only_accounts: bool) -> None:
        for n in numbers:
            email, phone = f"orang.nomor-{n}@mail.example", f"+62{800_000_000 + n}"
            account = {"name": "Orang", "email": email, "password": "rahasia-sekali"}
            session = (await self._step("POST", "/api/v1/accounts", account, 201))["session"]
            if only_accounts:
                continue
            await self._step("GET", (await self._mail(email)).content, {}, 200)
            nik = f"99{1 + n // 980_000 % 98:02d}{1 + n // 9_999 % 98:02d}311290{1 + n % 9_999:04d}"
            data = {"nik": nik, "kk": None, "birth_date": "1990-12-31", "address": "Jalan Contoh 1"}
            await self._step("PUT", "/api/v1/me/data", data, 202, session)
            await self._mail(email)
            await self._step("POST", "/api/v1/me/otp", {"phone": phone}, 202, session)
            await self._step("PUT", "/api/v1/me/otp", {"code": (await self._mail(phone)).content}, 200, session)

    async def _step(self, method: str, path: str, body: dict[str, Any], wanted: int, session: str = "") -> dict[str, Any]:
        data = json.dumps(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        head += f"Authorization: Bearer {session}\r\n\r\n"
        connection = Pretended(self._make(), self._socket)
        answer = await connection.ask((head + data).encode())
        connection.close()
        assert int(answer[9:12]) == wanted, answer
        return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))

    async def _mail(self, address: str) -> Message:
        if (came := self._came.pop(address, None)) is not None:
            return came
        waiting = self._waiting[address] = asyncio.get_running_loop().create_future()
        return await waiting


async def measure(folder: Path, options: argparse.Namespace) -> list[float]:
    """Microseconds a person, round by round."""
    site = profile(
        "hardened",
        messages=QUICK,
        password={"memory_bytes": 65_536, "time_cost": 1},
        registry={"lookups_per_second": 1e6, "latency_seconds": 0.0},
    )
    site = site.model_copy(update={"uploads": site.uploads.model_copy(update={"checks": None})})
    if options.kept is not None:
        (folder / SITE_FOLDER).mkdir()
        shutil.copyfile(options.kept, folder / SITE_FOLDER / DATABASE_FILE)
    prepare(folder)
    context = open_context(plan(folder, site, scale=ScaleNumbers()), 0, "http://127.0.0.1:9")
    worker = Worker(context, listener(), listener())
    await worker.start()
    gc.collect()
    gc.freeze()
    people, found = People(worker), []
    # Who only makes an account never reads the mail, and holds none.
    reading = None if options.only_accounts else asyncio.create_task(people.read_mail())
    for round_ in range(options.rounds):
        numbers = iter(range(round_ * options.people, (round_ + 1) * options.people))
        before = process_cpu_seconds()
        await asyncio.gather(*(people.register(numbers, options.only_accounts) for _ in range(AT_ONCE)))
        found.append((process_cpu_seconds() - before) / options.people * 1e6)
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4_096
        print(f"{found[-1]:,.0f} us a person; {resident / 1e6:.1f} MB resident", flush=True)
    if reading is not None:
        reading.cancel()
    await worker.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-accounts", action="store_true")
    parser.add_argument("--people", type=int, default=1_000, help="in a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--kept", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="account-cpu-") as text:
        found = uvloop.run(measure(Path(text), options))
    print(f"median {statistics.median(found):,.0f} us ({min(found):,.0f} to {max(found):,.0f})")


if __name__ == "__main__":
    main()
