"""Names for what a recording has none for: steps after their paths, captures after the place where they stand."""

import re
from collections.abc import Collection

_NO_NAMES = frozenset({"api", "rest", "public", "index", "index.html", "index.php", "www"})
_VAGUE = frozenset({"id", "token", "url", "key", "code", "value", "href", "name", "link", "uuid"})
_VERSION = re.compile(r"v\d+")
_ID = re.compile(
    r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=.*\d)(?=.*[a-f])[0-9a-f]{8,}"
    r"|(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{8,}|(?=.*\d)[A-Za-z0-9_.~=-]{16,}"
)


def is_id(segment: str) -> bool:
    """Whether a segment of a path looks like the name of one thing and not of a kind of things."""
    return _ID.fullmatch(segment) is not None


def shape_of(path: str) -> str:
    """A path with its ids taken out: what two recordings have in common."""
    return "/".join("*" if is_id(segment) else segment for segment in path.split("/"))


def step_name(method: str, path: str, taken: Collection[str]) -> str:
    """A name after the last telling words of the path, unlike those that are taken."""
    segments = [_slug(segment, "-") for segment in path.lower().split("/") if segment and not is_id(segment)]
    telling = [s for s in segments if s and s not in _NO_NAMES and not _VERSION.fullmatch(s)]
    name = _begun("-".join(telling[-2:]) or "home", "step-")[:26].rstrip("-")
    return _free(name if name not in taken else f"{name}-{method.lower()}", taken, "-")


def capture_name(words: str, taken: Collection[str]) -> str:
    """A placeholder's name after a rule or a field, unlike those that are taken."""
    parts = [part for part in re.split(r"[^a-z0-9]+", words.lower()) if part and not part.isdigit()]
    kept = parts[-2:] if len(parts) > 1 and parts[-1] in _VAGUE else parts[-1:]
    return _free(_begun("_".join(kept) or "value", "value_")[:26].rstrip("_"), taken, "_")


def _slug(text: str, between: str) -> str:
    return re.sub(r"[^a-z0-9]+", between, text.lower()).strip(between)


def _begun(text: str, before: str) -> str:
    return text if text[:1].isalpha() else before + text


def _free(name: str, taken: Collection[str], between: str) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}{between}{number}" in taken:
        number += 1
    return f"{name}{between}{number}"
