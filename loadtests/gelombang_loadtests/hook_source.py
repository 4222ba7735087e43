"""The inbox behind a function of the operator's own (`source = "hook"`)."""

import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module

from gelombang.clock import utc_now
from gelombang.errors import InputError
from gelombang.inbox import FOUND_FIELDS, HookInbox
from gelombang_loadtests.answers import as_text
from gelombang_loadtests.complaints import to_stderr
from gelombang_loadtests.inbox_sources import Key, Message


class HookSource:
    """`source = "hook"`: the function is asked for everybody who waits, one after the other."""

    def __init__(self, name: str, inbox: HookInbox) -> None:
        self._name = name
        self._inbox = inbox
        self._function: Callable[[str, str, datetime], object] | None = None
        self._since = utc_now()
        self._has_complained = False

    def open(self) -> None:
        module, _, name = self._inbox.function.partition(":")
        try:
            found = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise InputError(f"inbox {self._name}: {self._inbox.function} can't be imported ({error}); want module:function") from None
        if not callable(found):
            raise InputError(f"inbox {self._name}: {self._inbox.function} is a {type(found).__name__}; want a function")
        self._function = found
        self._since = utc_now()

    def batch(self, waiting: Sequence[Key]) -> list[Message] | None:
        assert self._function is not None
        found: list[Message] = []
        failed = False
        for address, kind in waiting[: self._inbox.batch_limit]:
            try:
                answer = self._function(address, kind, self._since)
            except Exception as error:
                # Somebody else's code: the run goes on without this message, and the others of the round are asked for all the same.
                failed = True
                self._complain(error)
                continue
            if isinstance(answer, dict):
                texts = {name: text for name in FOUND_FIELDS if (text := as_text(answer.get(name))) is not None}
                found.append({"address": address, "kind": kind, **texts})
        return None if failed and not found else found

    def close(self) -> None:
        """There is none."""

    def _complain(self, error: Exception) -> None:
        """The first failure is told with its place; its text may hold a secret and is not."""
        if self._has_complained:
            return
        self._has_complained = True
        frame = traceback.extract_tb(error.__traceback__)[-1]
        to_stderr(f"inbox {self._name}: {self._inbox.function} raised {type(error).__name__} ({frame.name}, line {frame.lineno})")
