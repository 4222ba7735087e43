"""What an HTTP answer says to a person: its problem document, and the time to come back.

Problem documents are RFC 9457; JSON pointers RFC 6901; Retry-After RFC 9110, section 10.2.3 (seconds or a date). Reading never raises for
what a server sent. What else an answer holds is `holdings`.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import orjson

from gelombang.attempt import Code
from gelombang.clock import utc_now

_CODES: Mapping[str, Code] = {code.name.lower(): code for code in Code}
JsonValue = object


def json_of(body: bytes) -> JsonValue:
    """The JSON value of a body; None when it is no JSON."""
    try:
        value: JsonValue = orjson.loads(body)
    except ValueError:
        return None
    return value


def pointed(value: JsonValue, pointer: str) -> JsonValue:
    """The value that a JSON pointer names; None when there is none."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def as_text(value: JsonValue) -> str | None:
    """A captured value as later steps use it: texts as they are, numbers and booleans as JSON writes them; None for anything else."""
    match value:
        case str():
            return value
        case bool() | int() | float():
            return orjson.dumps(value).decode()
    return None


class Reading:
    """One answer, read once."""

    __slots__ = ("_value", "code_text", "told_seconds")

    def __init__(self, status: int, headers: Mapping[bytes, bytes], body: bytes, wants_value: bool) -> None:
        refused = status >= 400
        self._value = json_of(body) if body and (wants_value or refused) else None
        self.code_text: str | None = None
        self.told_seconds: float | None = None
        """Wall seconds until the site wants to see the person again."""
        if refused:
            code = pointed(self._value, "/code")
            self.code_text = code if isinstance(code, str) else None
            self.told_seconds = _told_seconds(self._value, headers.get(b"retry-after"))

    @property
    def code(self) -> Code:
        """The problem's code where it is one of ours, NONE otherwise."""
        return _CODES.get(self.code_text, Code.NONE) if self.code_text else Code.NONE

    def value(self, pointer: str) -> JsonValue:
        """What a JSON pointer names in the body; None when there is none."""
        return pointed(self._value, pointer)


def reading_of(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Reading:
    """What an answer says by its problem document and headers; of one that refuses nothing, nothing is read."""
    return Reading(status, headers, body, wants_value=False) if status >= 400 else _NOTHING_SAID


_NOTHING_SAID = Reading(200, {}, b"", wants_value=False)


def _told_seconds(problem: JsonValue, header: bytes | None) -> float | None:
    told = pointed(problem, "/retry_after_seconds")
    if isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told):
        return max(float(told), 0.0)
    if header is None:
        return None
    text = header.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - utc_now()).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
