"""All inboxes of one generator process: a phone for each, and one task that polls each source by the wall clock.

Every process polls for itself and keeps what is not its people's within the phone's bound: who an address belongs to is not known where
addresses come from a feed.
"""

from collections.abc import Callable, Mapping

import gevent

from gelombang.clock import MICROSECONDS
from gelombang.inbox import HARNESS, FixedInbox, HookInbox, HttpInbox, ImapInbox, Inbox
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.hook_source import HookSource
from gelombang_loadtests.inbox_sources import HttpSource, ImapSource, Source
from gelombang_loadtests.loop import Loop
from gelombang_loadtests.phone import Key, Message, Phone

Wake = Callable[[Applicant], None]


class FixedPhone(Phone):
    """The same message for everybody, there at once."""

    def __init__(self, loop: Loop, inbox: FixedInbox) -> None:
        super().__init__(loop, None, lambda _: True)
        self._values = {name: value for name, value in (("code", inbox.code), ("link", inbox.link)) if value}

    def take(self, key: Key) -> Message | None:
        self.received += 1
        return {"address": key[0], "kind": key[1], **self._values}


class PolledPhone(Phone):
    """Asks a source every `poll_seconds`."""

    def __init__(self, loop: Loop, source: Source, poll_seconds: float) -> None:
        super().__init__(loop, None, lambda _: True)
        self._source = source
        self._poll_us = int(poll_seconds * MICROSECONDS)

    @property
    def rings(self) -> bool:
        return True

    def run(self, wake: Wake) -> None:
        due_us = self._loop.now_us()
        try:
            while not self._stopping:
                messages = self._source.batch(list(self._waiting))
                if messages is None:
                    self.failures += 1
                for message in messages or ():
                    self.deliver(message, wake)
                due_us = max(due_us + self._poll_us, self._loop.now_us())
                self._loop.sleep_until(due_us)
        finally:
            self._source.close()


class Inboxes:
    """The phones by the name of their inbox. `run` is the body of a task of its own."""

    def __init__(self, harness: Phone, others: Mapping[str, Phone]) -> None:
        self._phones = {HARNESS: harness, **others}

    def of(self, name: str) -> Phone:
        """The phone of the inbox that a message step names."""
        return self._phones[name]

    @property
    def rings(self) -> bool:
        """Whether messages can come at all."""
        return any(phone.rings for phone in self._phones.values())

    @property
    def failures(self) -> int:
        """Times that an inbox could not be asked."""
        return sum(phone.failures for phone in self._phones.values())

    def stop(self) -> None:
        for phone in self._phones.values():
            phone.stop()

    def run(self, wake: Wake) -> None:
        """Fetch and deliver until stopped; what one of them raises ends all."""
        tasks = [gevent.spawn(phone.run, wake) for phone in self._phones.values() if phone.rings]
        try:
            gevent.joinall(tasks, raise_error=True)
        finally:
            gevent.killall(tasks, block=False)


def opened(sections: Mapping[str, Inbox], secrets: Mapping[str, str]) -> dict[str, Source]:
    """The sources of a scenario, each looked at once. Raises TargetUnreachableError or InputError for one that can't be asked."""
    sources = {name: _source(name, inbox, secrets) for name, inbox in sections.items() if not isinstance(inbox, FixedInbox)}
    for source in sources.values():
        source.open()
    return sources


def inboxes(loop: Loop, harness: Phone, sections: Mapping[str, Inbox], sources: Mapping[str, Source]) -> Inboxes:
    """The phones of a scenario's inboxes, on sources that are open."""
    phones: dict[str, Phone] = {}
    for name, inbox in sections.items():
        phones[name] = FixedPhone(loop, inbox) if isinstance(inbox, FixedInbox) else PolledPhone(loop, sources[name], inbox.poll_seconds)
    return Inboxes(harness, phones)


def _source(name: str, inbox: HttpInbox | ImapInbox | HookInbox, secrets: Mapping[str, str]) -> Source:
    match inbox:
        case HttpInbox():
            return HttpSource(name, inbox, secrets)
        case ImapInbox():
            return ImapSource(name, inbox, secrets)
        case HookInbox():
            return HookSource(name, inbox)
