"""The objects of a site, for one process: put, read back, removed and listed, each within a bound and with a name for what went wrong.

At most `puts_limit` photos are on their way at once, and each has `put_seconds` for all its tries together, the wait for its turn
included. obstore repeats what failed for want of an answer, or with 5xx, after waits drawn from a range that doubles (exponential backoff
with jitter), as often as `repeats_limit` says. A put is one request with the whole photo (S3 takes parts of a multipart upload from 5 MiB
on, and photos are smaller), so there is no half object; a put again under the same name changes nothing.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

import obstore

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile_objects import Objects
from gelombang_server.metrics import Metrics
from gelombang_server.objects.address import TROUBLES, Address, told

READ_BYTES = 262_144
REMOVE_LIMIT = 1_000
"""Names in one request, as S3 takes them."""
ANSWERS = {Code.OBJECTS_GONE: "gone", Code.OBJECTS_SLOW: "slow", Code.OBJECTS_REFUSED: "refused"}


class Bucket:
    """Use from the thread of one running event loop."""

    def __init__(self, address: Address, objects: Objects, metrics: Metrics) -> None:
        self._store = address.store
        self._objects = objects
        self._turns = asyncio.Semaphore(objects.puts_limit)
        self._in_progress = 0
        puts = metrics.counter(telemetry.OBJECT_PUTS)
        self._answers = {answer: puts.labels(answer) for answer in ("stored", *ANSWERS.values())}
        self._seconds = metrics.histogram(telemetry.OBJECT_PUT_SECONDS)
        metrics.gauge(telemetry.OBJECT_PUTS_LIMIT).set(objects.puts_limit)
        metrics.at_scrape(lambda: metrics.gauge(telemetry.OBJECT_PUTS_IN_PROGRESS).set(self._in_progress))

    async def put(self, name: str, pieces: Sequence[bytes]) -> None:
        """The object is in the store, and the store has said so. Raises Problem: objects_gone, objects_slow, objects_refused.

        A caller that is cancelled ends the request; whether the object is there is then not known.
        """
        began_us = monotonic_us()
        try:
            async with asyncio.timeout(self._objects.put_seconds), self._turns:
                self._in_progress += 1
                try:
                    await obstore.put_async(self._store, name, iter(pieces), use_multipart=False)
                finally:
                    self._in_progress -= 1
        except TROUBLES as error:
            problem = told(error)
            self._answers[ANSWERS[problem.code]].inc()
            if problem.code is Code.OBJECTS_REFUSED:
                # It does not pass by itself, and people are told no more than that it was refused.
                print(f"the object store refused {name}: {str(error).partition(chr(10))[0]}", file=sys.stderr)
            raise problem from error
        finally:
            self._seconds.observe((monotonic_us() - began_us) / MICROSECONDS)
        self._answers["stored"].inc()

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """An object's bytes in pieces. Raises Problem as `put` does; an object that is not there is objects_refused."""
        try:
            async with asyncio.timeout(self._objects.put_seconds):
                found = await obstore.get_async(self._store, name)
            pieces = aiter(found.stream(min_chunk_size=READ_BYTES))
            while True:
                async with asyncio.timeout(self._objects.put_seconds):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield bytes(piece)
        except TROUBLES as error:
            raise told(error) from error

    async def remove(self, names: Sequence[str]) -> None:
        """Whatever of them is there. Raises Problem as `put` does."""
        try:
            for at in range(0, len(names), REMOVE_LIMIT):
                async with asyncio.timeout(self._objects.put_seconds):
                    await obstore.delete_async(self._store, list(names[at : at + REMOVE_LIMIT]))
        except FileNotFoundError:
            return
        except TROUBLES as error:
            raise told(error) from error

    async def names(self, prefix: str) -> AsyncIterator[list[str]]:
        """The names below a prefix, a thousand or so at a time. Raises Problem as `put` does."""
        try:
            pages = aiter(obstore.list(self._store, prefix))
            while True:
                async with asyncio.timeout(self._objects.put_seconds):
                    page = await anext(pages, None)
                if page is None:
                    return
                yield [found["path"] for found in page]
        except TROUBLES as error:
            raise told(error) from error
