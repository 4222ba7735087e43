"""What a page or a terminal may show of a text: secrets never, sessions only their beginning.

A secret is what came from outside (`${env:NAME}`, `${file:PATH}`): each of its spellings (as it is, percent-encoded, inside JSON) becomes
its name. A value that looks like a session by the name it was captured under, and headers that carry one, are cut to a few characters, so
that two of them can be told apart and none can be used. Mask first and cut afterwards: a cut through a secret would leave half of it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

SECRET_CHARACTERS_MIN = 3
"""A shorter secret would be found in every other word."""
SHORT_FROM_CHARACTERS = 9
"""Values this long are shown shortened; a shorter one is no session."""
KEPT_CHARACTERS = 6

_SESSION_NAME = re.compile(
    r"session|token|csrf|xsrf|secret|passw|credential|cookie|auth|jwt|ticket|signature|api_?key|(^|[_.-])sid$", re.IGNORECASE
)
_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_JSON_FIELD = re.compile(r'("(?P<name>[^"\\]{1,60})"\s*:\s*")(?P<value>[^"\\…‹]{9,})(?=")')
_SCHEMES = ("Bearer ", "Basic ", "Token ")


def looks_like_session(name: str) -> bool:
    """Whether a value of this name should not be shown whole."""
    return _SESSION_NAME.search(name) is not None


def shortened(value: str) -> str:
    """The beginning of a value and its length."""
    if len(value) < SHORT_FROM_CHARACTERS:
        return value
    return f"{value[:KEPT_CHARACTERS]}…({len(value)} characters)"


class Mask:
    """Hides values in texts. `secrets` maps a name such as `env:TOKEN` to its value."""

    def __init__(self, secrets: Mapping[str, str], show_sessions: bool = False) -> None:
        self._show_sessions = show_sessions
        self._replacements: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        """Every hidden value, with the shell expression that stands for it in a copyable line."""
        for name, value in secrets.items():
            if len(value) >= SECRET_CHARACTERS_MIN:
                self._hide(value, f"‹{name}›", _expression(name))

    def learn(self, name: str, value: str) -> None:
        """A value that the journey met under this name; hidden from now on when it looks like a session."""
        if self._show_sessions or not looks_like_session(name) or len(value) < SHORT_FROM_CHARACTERS:
            return
        if not any(known in value for known in self._replacements):
            self._hide(value, shortened(value), _expression(name))

    def text(self, text: str) -> str:
        """The text with every hidden value replaced."""
        if not self._replacements:
            return text
        return self._pattern.sub(lambda found: self._replacements[found[0]], text)

    def is_in(self, data: bytes) -> bool:
        """Whether a hidden value stands in some bytes: they must not be kept in a file."""
        return any(spelling.encode() in data for spelling in self._replacements)

    def json_text(self, text: str) -> str:
        """An answer's text: also the fields that look like sessions by their names, captured or not."""
        masked = self.text(text)
        if self._show_sessions:
            return masked
        return _JSON_FIELD.sub(
            lambda found: found[1] + (shortened(found["value"]) if looks_like_session(found["name"]) else found["value"]), masked
        )

    def header(self, name: str, value: str) -> str:
        """A header's value; those that carry credentials are cut."""
        masked = self.text(value)
        if masked != value or self._show_sessions or name.lower() not in _HEADERS:
            return masked
        scheme = next((scheme for scheme in _SCHEMES if value.startswith(scheme)), "")
        return scheme + shortened(value.removeprefix(scheme))

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """All of them."""
        return [(name, self.header(name, value)) for name, value in headers]

    def _hide(self, value: str, shown: str, expression: str) -> None:
        for spelling in (value, quote(value, safe=""), quote_plus(value), quote(value), json.dumps(value)[1:-1]):
            self._replacements.setdefault(spelling, shown)
            self.variables.setdefault(spelling, expression)
        longest_first = sorted(self._replacements, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))


def _expression(name: str) -> str:
    """`$TOKEN`, `$(cat PATH)` or `$session`: what a shell puts in the value's place."""
    kind, _, rest = name.partition(":")
    if kind == "file":
        return f"$(cat {rest})"
    return "$" + re.sub(r"[^A-Za-z0-9_]", "_", rest or kind)
