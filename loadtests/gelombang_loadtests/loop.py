"""What the engine asks of an event loop: time, lightweight tasks, and a sleep that can be ended early.

The engine, the walker and the phone know only this protocol, so that the same code runs on gevent inside Locust and on virtual time in
tests.
"""

from collections.abc import Callable
from typing import Protocol


class Loop(Protocol):
    """Cooperative tasks on one thread: between two of its calls nothing else runs."""

    def now_us(self) -> int:
        """Microseconds since the run's zero; negative before it."""
        ...

    def spawn(self, work: Callable[[], None]) -> None:
        """Run `work` as a task of its own, soon. An exception that it lets out is a programmer error."""
        ...

    def sleep_until(self, when_us: int) -> None:
        """Suspend the calling task until then."""
        ...

    def wait_until(self, when_us: int) -> None:
        """Suspend the calling task until then or until `wake`; a `wake` before the call ends it at once. One task only."""
        ...

    def wake(self) -> None:
        """End the `wait_until` in progress, or the next one."""
        ...

    def kill_spawned(self) -> None:
        """End every spawned task that is still there; returns when they are gone."""
        ...
