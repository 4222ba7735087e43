"""The threads that wait for the disk, or hash passwords: one line of work, and results that reach the event loop together.

A future of the standard pool takes locks of its own and wakes the loop for each result; with eight threads beside the loop, the
interpreter's lock went to and fro more often than the disk was asked. Here results are put down in a list, and only the first of them wakes
the loop: photos that one sync of their folder made durable go on in one turn of the loop, and into one commit of the database.

Work that was cancelled before a thread took it is not done; what a thread has taken goes on to its end. The line is bounded by its callers:
each holds a body, and bodies are bounded by `uploads.bodies_limit`; or a password, bounded by `password.queue_limit`.
"""

import asyncio
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Work(Protocol):
    """A piece of work, whatever its result is."""

    error: BaseException | None
    is_dropped: bool

    @property
    def is_cancelled(self) -> bool:
        """Whether who asked for it was cancelled meanwhile."""

    @property
    def is_heard(self) -> bool:
        """Whether somebody asked to be told."""

    def do(self) -> None:
        """In a thread. Raises what the work raises; its end may be told by another thread."""

    def settle(self) -> None:
        """In the loop: tell who waits for it."""


class Waiting(Generic[T]):
    """A piece of work and who waits for it. Its result is set in a thread, then told once."""

    __slots__ = ("_future", "_work", "error", "is_dropped", "result")

    result: T

    def __init__(self, work: Callable[["Waiting[T]"], None], future: "asyncio.Future[T] | None" = None) -> None:
        self._work = work
        self._future = future
        self.error: BaseException | None = None
        self.is_dropped = False

    @property
    def is_cancelled(self) -> bool:
        return self._future is not None and self._future.cancelled()

    @property
    def is_heard(self) -> bool:
        return self._future is not None

    def do(self) -> None:
        self._work(self)

    def settle(self) -> None:
        future = self._future
        if future is None or future.done():
            return
        if self.is_dropped:
            future.cancel()
        elif self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self.result)


class CommitThreads:
    """`limit` threads at most, begun when they are needed. Ask from the thread of one running event loop."""

    def __init__(self, limit: int, name: str = "photo-commit") -> None:
        assert limit > 0
        self._limit = limit
        self._name = name
        self._line: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._told: deque[Work] = deque()
        self._is_woken = False
        """The loop is about to look at what was told."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self.in_progress = 0
        """Pieces of work in a thread, or waiting for one."""
        self.is_closed = False

    def ask(self, work: Callable[[Waiting[T]], None]) -> "asyncio.Future[T]":
        """`work` in a thread, given what it, or who finishes it, hands to `tell`; what it raises is told at once."""
        loop = self._loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self.in_progress += 1
        self._put(Waiting(work, future))
        return future

    def later(self, work: Callable[[], None]) -> None:
        """`work` in a thread, for nobody; its error is written down."""
        self._put(Waiting[None](lambda _: work()))

    def tell(self, finished: Iterable[Work]) -> None:
        """In a thread: these are over. Those who ask for them hear it in one turn of the loop."""
        self._told.extend(finished)
        # Set after the list was filled, and taken back before it is emptied: nothing stays in it unheard.
        if not self._is_woken and self._loop is not None and not self._loop.is_closed():
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._settle)

    def close(self) -> None:
        """Wait for what is in a thread; what waits for one is cancelled. In any thread."""
        self.is_closed = True
        dropped = []
        try:
            while (waiting := self._line.get_nowait()) is not None:
                waiting.is_dropped = True
                dropped.append(waiting)
        except Empty:
            self.tell(waiting for waiting in dropped if waiting.is_heard)
        for _ in self._threads:
            self._line.put(None)
        for thread in self._threads:
            thread.join()

    def _put(self, waiting: Work) -> None:
        if self.is_closed:
            raise RuntimeError(f"the threads of {self._name} have ended")
        if len(self._threads) < min(self._limit, max(1, self.in_progress)):
            thread = Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._line.put(waiting)

    def _settle(self) -> None:
        self._is_woken = False
        while self._told:
            self.in_progress -= 1
            self._told.popleft().settle()

    # in threads

    def _run(self) -> None:
        while self._go_on():
            pass

    def _go_on(self) -> bool:
        """The next piece of work; it holds a photo, and no thread that waits holds on to the last one's."""
        waiting = self._line.get()
        if waiting is None:
            return False
        try:
            if waiting.is_cancelled:
                self.tell((waiting,))
            else:
                waiting.do()
        except BaseException as error:
            if waiting.is_heard:
                waiting.error = error
                self.tell((waiting,))
            else:
                traceback.print_exc(file=sys.stderr)
        return True
