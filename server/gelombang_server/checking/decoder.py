"""One process that checks photos, seen from the server: handed several at a time, and started again when it died.

Several, because a photo takes a millisecond and its way there and back several turns of a loop that may rest after each: one by one, a site
whose loops rest checked 72 a second of the 114 that came. It looks at them in order, so the photo over which it died is the first that has
no answer. One over which it died twice is undecodable. Once is not enough: somebody may have killed it over a sound one.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gelombang.attempt import Code
from gelombang_server.sealing import KEY_VARIABLE

DEATHS_LIMIT = 2
"""Over one photo."""
PHOTOS_AT_ONCE = 16
"""Handed to a process together."""


class Decoder:
    """Starts its process when it is first asked, and again after it died."""

    def __init__(self, pixels_limit: int, cpu_seconds_limit: float) -> None:
        self._limits = (str(pixels_limit), str(cpu_seconds_limit))
        self._process: Process | None = None

    async def check(self, paths: Sequence[Path]) -> list[Code]:
        """The verdicts on stored photos, in their order; at most `PHOTOS_AT_ONCE`, whose paths fit into a pipe."""
        assert len(paths) <= PHOTOS_AT_ONCE
        found: list[Code] = []
        deaths = 0
        while len(found) < len(paths):
            process = self._process or await self._start()
            told = await _answers(process, paths[len(found) :])
            found += told
            if len(found) == len(paths):
                break
            await self.close()
            deaths = 1 if told else deaths + 1
            if deaths == DEATHS_LIMIT:
                found.append(Code.PHOTO_UNDECODABLE)
                deaths = 0
        return found

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


async def _answers(process: Process, paths: Sequence[Path]) -> list[Code]:
    """What the process says of the first photos, until it has answered for all or died."""
    assert process.stdin is not None
    assert process.stdout is not None
    found: list[Code] = []
    if process.stdin.is_closing():
        return found
    with suppress(ConnectionError):
        process.stdin.write("".join(f"{path}\n" for path in paths).encode())
        await process.stdin.drain()
        while len(found) < len(paths) and (line := await process.stdout.readline()):
            found.append(Code[line.decode().strip()])
    return found
