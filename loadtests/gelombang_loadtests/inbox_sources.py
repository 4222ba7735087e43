"""The sources behind an inbox: what is new there, asked in batches. Each runs in the Locust process, where blocking calls let others run.

A source is opened before the run: it then says in one sentence why it can't be asked, and remembers what is there already, because only
messages that come after that are anybody's. During the run a round that failed is None, and is counted; nobody is told twice of a message.
"""

import imaplib
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Protocol

from gelombang.errors import InputError, TargetUnreachableError
from gelombang.inbox import FOUND_FIELDS, HttpInbox, ImapInbox
from gelombang.templates import filled
from gelombang_loadtests.answers import JsonValue, as_text, json_of, pointed

Key = tuple[str, str]
"""(address, kind)"""
Message = dict[str, str]

ANSWER_BYTES_LIMIT = 16_000_000
TEXT_CHARACTERS_LIMIT = 200_000
"""How much of one message is searched."""
SEEN_LIMIT = 200_000
"""Messages remembered as told; the oldest makes room."""


class Source(Protocol):
    """Where messages come from."""

    def open(self) -> None:
        """Look once, before the run. Raises TargetUnreachableError or InputError with a sentence."""
        ...

    def batch(self, waiting: Sequence[Key]) -> list[Message] | None:
        """What is new; None when it could not be asked. `waiting` are those who wait for a message, longest first."""
        ...

    def close(self) -> None:
        """No connection stays; the next batch would make a new one."""
        ...


def read_text(kinds: Mapping[str, str], pattern: re.Pattern[str], address: str, kind_text: str, text: str) -> Message | None:
    """A text as a message; None when it is of no kind, or when the pattern finds nothing."""
    kind = next((kind for kind, words in kinds.items() if words in kind_text), None) if kinds else kind_text
    found = list(pattern.finditer(text[:TEXT_CHARACTERS_LIMIT]))
    if kind is None or not found:
        return None
    message = {"address": address, "kind": kind}
    for match in found:
        for name in FOUND_FIELDS:
            value = match.groupdict().get(name)
            if value is not None:
                message.setdefault(name, value)
    return message


class _Seen:
    """Names of messages, bounded."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def is_new(self, name: str) -> bool:
        if name in self._names:
            return False
        if len(self._names) >= SEEN_LIMIT:
            self._names.pop(next(iter(self._names)))
        self._names[name] = None
        return True


class HttpSource:
    """`source = "http"`."""

    def __init__(self, name: str, inbox: HttpInbox, secrets: Mapping[str, str]) -> None:
        self._name = name
        self._inbox = inbox
        self._url = filled(inbox.url, secrets)
        self._headers = {key: filled(value, secrets) for key, value in inbox.headers.items()}
        self._message_url = inbox.message_url
        self._secrets = secrets
        self._pattern = re.compile(inbox.pattern)
        self._seen = _Seen()
        context = ssl.create_default_context(cafile=inbox.ca_file) if self._url.startswith("https") else None
        # No proxy: an inbox is named by its own address, and ours is asked off the measured way.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def open(self) -> None:
        try:
            entries = self._entries()
        except (OSError, ValueError) as error:
            raise TargetUnreachableError(f"inbox {self._name} does not answer at {self._inbox.url} ({_reason(error)})") from None
        if entries is None:
            raise InputError(f"inbox {self._name} has no list at {self._inbox.messages} in what {self._inbox.url} answers; want one")
        for entry in entries:
            if self._name_of(entry) is None:
                raise InputError(f"inbox {self._name} has a message with nothing at {self._inbox.id}; want a text or number")

    def batch(self, waiting: Sequence[Key]) -> list[Message] | None:
        del waiting
        try:
            entries = self._entries()
            if entries is None:
                return None
            found = []
            # The list begins with the newest, and whoever waits gets the oldest that they have not seen.
            for entry in reversed(entries):
                name = self._name_of(entry)
                if name is not None:
                    found.append(self._message(entry, name))
        except (OSError, ValueError):
            return None
        return [message for message in found if message is not None]

    def close(self) -> None:
        """Every request has a connection of its own."""

    def _entries(self) -> list[JsonValue] | None:
        """Entries not seen before; None when there is no list."""
        listed = pointed(self._asked(self._url), self._inbox.messages)
        if not isinstance(listed, list):
            return None
        return [entry for entry in listed[: self._inbox.batch_limit] if self._seen.is_new(str(self._name_of(entry)))]

    def _name_of(self, entry: JsonValue) -> str | None:
        return as_text(pointed(entry, self._inbox.id))

    def _message(self, entry: JsonValue, name: str) -> Message | None:
        inbox = self._inbox
        whole = entry if self._message_url is None else self._asked(filled(self._message_url, {**self._secrets, "id": name}))
        fields = (pointed(entry, inbox.address), pointed(entry, inbox.kind), pointed(whole, inbox.text))
        address, kind, text = (as_text(value) for value in fields)
        if address is None or kind is None or text is None:
            return None
        return read_text(inbox.kinds, self._pattern, address, kind, text)

    def _asked(self, url: str) -> JsonValue:
        request = urllib.request.Request(url, headers=self._headers)
        try:
            with self._opener.open(request, timeout=self._inbox.answer_seconds) as answer:
                body = answer.read(ANSWER_BYTES_LIMIT + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise
        if len(body) > ANSWER_BYTES_LIMIT:
            raise ValueError(f"more than {ANSWER_BYTES_LIMIT} bytes")
        return json_of(body)


class ImapSource:
    """`source = "imap"`: messages are read and never marked; a connection that broke is made again with the next round."""

    def __init__(self, name: str, inbox: ImapInbox, secrets: Mapping[str, str]) -> None:
        self._name = name
        self._inbox = inbox
        self._user, self._password = filled(inbox.user, secrets), filled(inbox.password, secrets)
        self._pattern = re.compile(inbox.pattern)
        self._connection: imaplib.IMAP4 | None = None
        self._last = 0
        """Number (UID) of the last message that was looked at."""

    def open(self) -> None:
        where = f"{self._inbox.host}:{self._inbox.port}"
        try:
            numbers = self._new_numbers()
        except (OSError, ValueError, imaplib.IMAP4.error) as error:
            self.close()
            raise TargetUnreachableError(f"inbox {self._name} does not answer at {where} ({_reason(error)})") from None
        self._last = max([self._last, *numbers])

    def batch(self, waiting: Sequence[Key]) -> list[Message] | None:
        del waiting
        try:
            numbers = self._new_numbers()[: self._inbox.batch_limit]
            found = [self._message(raw) for raw in self._fetched(numbers)]
        except (OSError, ValueError, imaplib.IMAP4.error):
            self.close()
            return None
        self._last = max([self._last, *numbers])
        return [message for message in found if message is not None]

    def _new_numbers(self) -> list[int]:
        connection = self._connected()
        _, lines = connection.uid("SEARCH", f"UID {self._last + 1}:*")
        listed = lines[0] if lines and isinstance(lines[0], bytes) else b""
        return sorted(number for number in map(int, listed.split()) if number > self._last)

    def _fetched(self, numbers: Sequence[int]) -> list[bytes]:
        if not numbers:
            return []
        _, parts = self._connected().uid("FETCH", ",".join(map(str, numbers)), "(BODY.PEEK[])")
        return [part[1] for part in parts if isinstance(part, tuple)]

    def _message(self, raw: bytes) -> Message | None:
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain", "html"))
        addresses = getaddresses([str(mail.get("To", ""))])
        if body is None or not addresses:
            return None
        return read_text(self._inbox.kinds, self._pattern, addresses[0][1], str(mail.get("Subject", "")), body.get_content())

    def _connected(self) -> imaplib.IMAP4:
        if self._connection is not None:
            # A selected mailbox tells of new messages when it is asked for anything.
            self._connection.noop()
            return self._connection
        inbox = self._inbox
        if inbox.tls:
            context = ssl.create_default_context(cafile=inbox.ca_file)
            connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(inbox.host, inbox.port, ssl_context=context, timeout=inbox.answer_seconds)
        else:
            connection = imaplib.IMAP4(inbox.host, inbox.port, timeout=inbox.answer_seconds)
        self._connection = connection
        connection.login(self._user, self._password)
        status, _ = connection.select(inbox.mailbox, readonly=True)
        if status != "OK":
            raise ValueError(f"no mailbox {inbox.mailbox}")
        return connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.shutdown()
            except OSError:
                return


def _reason(error: Exception) -> str:
    """What an operator can do something with; never a text of the other side that could hold a secret."""
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return f"{type(reason).__name__}: {reason}" if isinstance(reason, OSError) else type(reason).__name__
