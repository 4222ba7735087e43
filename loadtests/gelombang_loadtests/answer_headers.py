"""The headers of an answer, parsed when somebody asks for one: most answers are judged by their status alone.

The parser has checked the head already (`incoming`), so that taking it apart is splitting lines. Lines of one name are joined (RFC 9110,
section 5.3): by commas, but those of Set-Cookie by line breaks, because its dates have commas of their own.
"""

import re
from collections.abc import Iterator, Mapping

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(rb"\r?\n(?![ \t])")
_FOLD = re.compile(rb"\r?\n[ \t]+")


class AnswerHeaders(Mapping[bytes, bytes]):
    """Lower-case names. `head` holds the heads of `interim` answers (1xx) before the one that is meant."""

    __slots__ = ("_found", "_head", "_interim")

    def __init__(self, head: bytes, interim: int) -> None:
        self._head = head
        self._interim = interim
        self._found: dict[bytes, bytes] | None = None

    def __getitem__(self, name: bytes) -> bytes:
        return self._parsed()[name]

    def may_hold(self, name: bytes) -> bool:
        """False when there is surely no such header (a lower-case name): cheaper than taking the head apart for nothing."""
        return name in self._found if self._found is not None else name in self._head.lower()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def __repr__(self) -> str:
        return f"AnswerHeaders({self._parsed()})"

    def _parsed(self) -> dict[bytes, bytes]:
        if self._found is None:
            self._found = _taken_apart(_EMPTY_LINE.split(self._head, self._interim + 1)[self._interim]) if self._head else {}
            self._head = b""
        return self._found


def _taken_apart(head: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in _LINE.split(head)[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        name = name.lower()
        value = _FOLD.sub(b" ", value).strip(b" \t")
        known = found.get(name)
        found[name] = value if known is None else known + (b"\n" if name == b"set-cookie" else b", ") + value
    return found


def surely_lacks(headers: Mapping[bytes, bytes], name: bytes) -> bool:
    """Whether headers don't have this lower-case name, as far as can be said without taking a head apart."""
    return isinstance(headers, AnswerHeaders) and not headers.may_hold(name)


NO_HEADERS = AnswerHeaders(b"", 0)
"""Of an answer that never came."""
