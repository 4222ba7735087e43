"""A JSON body with placeholders: laid out once, and then filled with each person's values.

A shape for `%` holds what stands still; a value is escaped as JSON and goes where its placeholder was. JSON escapes mark by mark, so the
parts of a text may be escaped one by one.
"""

from collections.abc import Mapping

import orjson

from gelombang.templates import taken_apart


class JsonTemplate:
    """A JSON value whose texts hold placeholders; everything else stays as it is."""

    __slots__ = ("_names", "_shape")

    def __init__(self, value: object) -> None:
        pieces: list[bytes] = []
        names: list[str] = []
        _lay_out(value, pieces, names)
        self._shape = b"".join(pieces)
        self._names = tuple(names)

    def filled(self, values: Mapping[str, str]) -> bytes:
        """The value as compact JSON. Raises KeyError with the first name that has no value."""
        return self._shape % tuple([orjson.dumps(values[name])[1:-1] for name in self._names])


def _lay_out(value: object, pieces: list[bytes], names: list[str]) -> None:
    """Append what stands still in a JSON value, with `%s` for each placeholder."""
    if isinstance(value, str):
        shape, found = taken_apart(value)
        pieces.append(orjson.dumps(shape))
        names += found
    elif isinstance(value, dict):
        for i, (key, item) in enumerate(value.items()):
            pieces.append((b",%b:" if i else b"{%b:") % orjson.dumps(key).replace(b"%", b"%%"))
            _lay_out(item, pieces, names)
        pieces.append(b"}" if value else b"{}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            pieces.append(b"," if i else b"[")
            _lay_out(item, pieces, names)
        pieces.append(b"]" if value else b"[]")
    else:
        pieces.append(orjson.dumps(value))
