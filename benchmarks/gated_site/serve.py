"""`python serve.py PORT FOLDER`: the API process with its background work, until SIGTERM. What the paired gate of this repository asks."""

import asyncio
import gc
import signal
import sys
from pathlib import Path

import uvloop
from opened import NOBODY, bound, prepared

from gelombang_server.worker import Worker, open_context


async def serve(port: int, folder: Path) -> None:
    context = open_context(prepared(folder), 0, NOBODY)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, context.stopping.set)
    worker = Worker(context, bound(port), bound(0))
    try:
        await worker.start()
        gc.collect()
        gc.freeze()
        await context.stopping.wait()
    finally:
        await worker.stop()
    if context.failure is not None:
        raise context.failure


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
