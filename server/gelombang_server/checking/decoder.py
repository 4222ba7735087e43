"""One process that checks photos, seen from the server: asked for one photo at a time, given up when it takes too long."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from gelombang.attempt import Code
from gelombang_server.sealing import KEY_VARIABLE


class Decoder:
    """Starts its process when it is first asked, and again after it died or was killed over a photo."""

    def __init__(self, pixels_limit: int, seconds_limit: float) -> None:
        self._pixels_limit = pixels_limit
        self._seconds_limit = seconds_limit
        self._process: Process | None = None

    async def check(self, path: Path) -> Code:
        """The verdict on a stored photo; who takes longer than the limit, or kills the decoder, is undecodable."""
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._seconds_limit):
                process.stdin.write(f"{path}\n".encode())
                await process.stdin.drain()
                line = await process.stdout.readline()
        except (TimeoutError, ConnectionError):
            line = b""
        if not line:
            await self.close()
            return Code.PHOTO_UNDECODABLE
        return Code[line.decode().strip()]

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> Process:
        command = (sys.executable, "-m", "gelombang_server.checking.process", str(self._pixels_limit))
        # What reads hostile files has no business with the key of identity numbers.
        environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
        # Its standard input ends with this process, however that ends, and with it the decoder.
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)
        return self._process
