"""Everybody's phone: one task per process that long-polls the harness for mail and SMS, and hands each to the person who waits for it.

The mails of people who are not waiting yet are kept, newest per address and kind, up to a bound. Mail for people whom another generator
process walks, or who will never read it, is dropped. An unreachable harness is asked again and counted: people then run out of patience,
which the run shows.
"""

from collections.abc import Callable
from typing import Protocol

from gelombang.clock import MICROSECONDS
from gelombang_loadtests.answers import as_text, json_of, pointed
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.loop import Loop

KEPT_LIMIT = 500_000
"""Messages kept for people who are not waiting for them; the oldest makes room."""
PAGE_LIMIT = 2_000
"""Messages asked for at once."""
LONG_POLL_SECONDS = 2.0
ERROR_PAUSE_SECONDS = 0.2

Key = tuple[str, str]
"""(address, kind)"""
Message = dict[str, str]


class Fetch(Protocol):
    """Asks the harness for messages after an id. None when it could not be asked."""

    def __call__(self, after: int, limit: int, wait_seconds: float, /) -> bytes | None: ...


class Phone:
    """The inboxes of this process's people. `run` is the body of a task of its own."""

    def __init__(
        self, loop: Loop, fetch: Fetch | None, is_ours: Callable[[str], bool], is_read: Callable[[Key], bool] = lambda _: True
    ) -> None:
        """`is_read` says whether whoever does not wait for such a message yet will ever read it."""
        self._loop = loop
        self._fetch = fetch
        self._is_ours = is_ours
        self._is_read = is_read
        self._waiting: dict[Key, Applicant] = {}
        self._kept: dict[Key, Message] = {}
        self._stopping = False
        self.received = 0
        self.dropped = 0
        """Messages that had to make room unread."""
        self.failures = 0
        """Times that the harness could not be asked."""

    @property
    def rings(self) -> bool:
        """Whether messages can come at all."""
        return self._fetch is not None

    def take(self, key: Key) -> Message | None:
        """The kept message, which is gone afterwards."""
        return self._kept.pop(key, None)

    def wait(self, key: Key, applicant: Applicant) -> None:
        """Hand the next such message to the applicant and wake them."""
        self._waiting[key] = applicant

    def forget(self, key: Key) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(key, None)

    def deliver(self, message: Message, wake: Callable[[Applicant], None]) -> None:
        """One message has come; who waits for it gets it into their hand and is woken."""
        key = (message.get("address", ""), message.get("kind", ""))
        if not self._is_ours(key[0]):
            return
        self.received += 1
        applicant = self._waiting.pop(key, None)
        if applicant is not None:
            applicant.message = message
            wake(applicant)
            return
        if not self._is_read(key):
            return
        self._kept.pop(key, None)
        if len(self._kept) >= KEPT_LIMIT:
            self._kept.pop(next(iter(self._kept)))
            self.dropped += 1
        self._kept[key] = message

    def stop(self) -> None:
        self._stopping = True

    def run(self, wake: Callable[[Applicant], None]) -> None:
        """Fetch and deliver until stopped."""
        if self._fetch is None:
            return
        after = 0
        while not self._stopping:
            page = json_of(self._fetch(after, PAGE_LIMIT, LONG_POLL_SECONDS) or b"")
            messages, last = pointed(page, "/messages"), pointed(page, "/last")
            if not isinstance(messages, list) or not isinstance(last, int):
                self.failures += 1
                self._loop.sleep_until(self._loop.now_us() + int(ERROR_PAUSE_SECONDS * MICROSECONDS))
                continue
            after = max(after, last)
            for message in messages:
                if isinstance(message, dict):
                    self.deliver({name: text for name, value in message.items() if (text := as_text(value)) is not None}, wake)
