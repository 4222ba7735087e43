"""What an answer holds: captured values, conditions, and the sentence for the log when something is not there.

Texts are searched in the first TEXT_LIMIT_BYTES of a body alone, so that no answer can keep the generator busy for long.
"""

import re
from collections.abc import Callable, Mapping

from gelombang.markup import Page
from gelombang.step_parts import Capture, Condition
from gelombang_loadtests.answers import as_text, json_of, pointed
from gelombang_loadtests.exchanged import Answer

TEXT_LIMIT_BYTES = 1_048_576
BEGINNING_BYTES = 200

_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_:.-]+)", re.IGNORECASE)

CookieOf = Callable[[str], str | None]
"""What a cookie of that name holds after the answer."""


class Holdings:
    """One answer, each part of it read when it is first asked for."""

    __slots__ = ("_answer", "_cookie_of", "_json", "_json_read", "_page", "_text")

    def __init__(self, answer: Answer, cookie_of: CookieOf) -> None:
        self._answer = answer
        self._cookie_of = cookie_of
        self._json: object = None
        self._json_read = False
        self._page: Page | None = None
        self._text: str | None = None

    def captured(self, captures: Mapping[str, Capture]) -> tuple[dict[str, str], str]:
        """The values that a step captures, or, as a second, a sentence about the first one that found nothing."""
        found: dict[str, str] = {}
        for name, capture in captures.items():
            value = self._captured(capture)
            if value is None:
                way, rule = next(iter(capture.model_dump(exclude_none=True).items()))
                return {}, f"capture {name} ({way} {rule}) found nothing; {self._beginning()}"
            found[name] = value
        return found, ""

    def breach(self, condition: Condition) -> str:
        """How the answer does not hold it, as a sentence; empty when it does."""
        if _holds(condition, self._place(condition)):
            return ""
        given = condition.model_dump(include=set(Condition.model_fields), exclude_none=True)
        asked = " ".join(f"{key} {value!r}" for key, value in given.items())
        return f"({asked}) does not hold; {self._beginning()}"

    def _captured(self, capture: Capture) -> str | None:
        if capture.json_pointer is not None:
            return as_text(pointed(self.json, capture.json_pointer))
        if capture.header is not None:
            return self._header(capture.header)
        if capture.cookie is not None:
            return self._cookie_of(capture.cookie)
        if capture.regex is not None:
            match = re.search(capture.regex, self.text)
            return None if match is None else match[1]
        assert capture.css is not None
        if self._page is None:
            self._page = Page(self.text)
        return self._page.value(capture.css)

    def _place(self, condition: Condition) -> object:
        if condition.header is not None:
            return self._header(condition.header)
        if condition.json_pointer is not None:
            return pointed(self.json, condition.json_pointer)
        return self.text

    @property
    def json(self) -> object:
        """The body as JSON; None when it is none."""
        if not self._json_read:
            self._json = json_of(self._answer.body)
            self._json_read = True
        return self._json

    @property
    def text(self) -> str:
        """The body as text, in the charset that the answer names."""
        if self._text is None:
            named = _CHARSET.search(self._answer.headers.get(b"content-type", b"").decode("latin-1"))
            body = self._answer.body[:TEXT_LIMIT_BYTES]
            try:
                self._text = body.decode(named[1] if named else "utf-8", "replace")
            except LookupError:
                self._text = body.decode("utf-8", "replace")
        return self._text

    def _header(self, name: str) -> str | None:
        value = self._answer.headers.get(name.lower().encode("latin-1", "replace"))
        return None if value is None else value.decode("latin-1")

    def _beginning(self) -> str:
        beginning = self._answer.body[:BEGINNING_BYTES].decode("utf-8", "replace")
        return f"status {self._answer.status}, the answer begins {beginning!r}"


def _holds(condition: Condition, value: object) -> bool:
    if condition.equals is not None:
        return _same(value, condition.equals)
    text = as_text(value)
    if text is None:
        return False
    if condition.contains is not None:
        return condition.contains in text
    assert condition.matches is not None
    return re.search(condition.matches, text) is not None


def _same(value: object, wanted: str | bool | int | float) -> bool:
    """A text is compared with the value as a later step would use it: "3" is 3. True is not 1."""
    if isinstance(wanted, str):
        return as_text(value) == wanted
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted
