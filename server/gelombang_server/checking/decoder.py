"""One process that checks photos, seen from the server: asked for one photo at a time, and started again when it died.

A photo over which it died twice is undecodable. Once is not enough: somebody may have killed it over a sound one.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from gelombang.attempt import Code
from gelombang_server.sealing import KEY_VARIABLE

DEATHS_LIMIT = 2
"""Over one photo."""


class Decoder:
    """Starts its process when it is first asked, and again after it died."""

    def __init__(self, pixels_limit: int, cpu_seconds_limit: float) -> None:
        self._limits = (str(pixels_limit), str(cpu_seconds_limit))
        self._process: Process | None = None

    async def check(self, path: Path) -> Code:
        """The verdict on a stored photo."""
        for _ in range(DEATHS_LIMIT):
            process = self._process or await self._start()
            if line := await _answer(process, path):
                return Code[line.decode().strip()]
            await self.close()
        return Code.PHOTO_UNDECODABLE

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> Process:
        command = (sys.executable, "-m", "gelombang_server.checking.process", *self._limits)
        # What reads hostile files has no business with the key of identity numbers, nor with those of the store of photos.
        environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE and not name.startswith("AWS_")}
        # Its standard input ends with this process, however that ends, and with it the decoder.
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)
        return self._process


async def _answer(process: Process, path: Path) -> bytes:
    """The process's line; nothing when it died."""
    assert process.stdin is not None
    assert process.stdout is not None
    if process.stdin.is_closing():
        return b""
    try:
        process.stdin.write(f"{path}\n".encode())
        await process.stdin.drain()
        return await process.stdout.readline()
    except ConnectionError:
        return b""
