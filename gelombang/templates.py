"""Texts with `{placeholders}`: which ones a text asks for, and the text with values in their places.

One rule for live requests and for the check of a scenario. A brace that doesn't enclose a name is text, so JSON and CSS in a template
need no escape. `{feed.NAME.column}` is a value of the person's row in a feed; `${env:NAME}` and `${file:PATH}` are secrets. All are filled
in one pass, so a value is never read as a template.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

_PLACEHOLDER = re.compile(r"\$\{((?:env|file):[^{}]+)\}|\{((?:feed\.[a-z][a-z0-9_]*\.)?[A-Za-z0-9_ -]+)\}")

_TEXTS_KEPT_LIMIT = 1_024
"""Texts that are kept taken apart: those of a scenario's steps come again and again."""

PERSON_FIELDS = ("name", "email", "phone", "nik", "kk", "birth_date", "address", "password")
"""What every person brings along; the rest of the placeholders are captures."""


def placeholders(text: str) -> list[str]:
    """The names that a text asks for, in order; secrets are not among them."""
    return [name for _, name in _PLACEHOLDER.findall(text) if name]


def secret_references(text: str) -> list[str]:
    """The secrets that a text asks for, in order: `env:NAME` or `file:PATH`."""
    return [reference for reference, _ in _PLACEHOLDER.findall(text) if reference]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder and secret replaced. Raises KeyError with the first name that has no value."""
    if "{" not in text:
        return text
    shape, names = taken_apart(text)
    return shape % tuple([values[name] for name in names])


@lru_cache(_TEXTS_KEPT_LIMIT)
def taken_apart(text: str) -> tuple[str, tuple[str, ...]]:
    """A text as a shape for `%` and the names whose values go into it."""
    pieces = _PLACEHOLDER.split(text)
    shape = "%s".join([piece.replace("%", "%%") for piece in pieces[::3]])
    return shape, tuple([secret or name for secret, name in zip(pieces[1::3], pieces[2::3], strict=True)])


def texts_below(value: object, where: str) -> Iterator[tuple[str, str]]:
    """Every text inside a value of JSON or TOML, with its path."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_below(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from texts_below(item, f"{where}[{i}]")
