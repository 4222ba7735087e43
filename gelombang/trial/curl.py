"""A request as a line for a POSIX shell: pasted, it sends the same again. Hidden values stand in it as shell variables."""

import re
import shlex
from collections.abc import Sequence

from gelombang.trial.masking import Mask

INLINE_BYTES_LIMIT = 4_096
"""Larger bodies are read from a file."""
_LEFT_OUT = frozenset({"host", "content-length", "connection", "traceparent"})


def curl_line(method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, body_file: str, mask: Mask) -> str:
    """One line. A body that is no short text is `@body_file`."""
    words = ["curl", "-sS", "-i"]
    if method == "HEAD":
        words.append("-I")
    elif method != ("POST" if body else "GET"):
        words += ["-X", method]
    words.append(_quoted(url, mask))
    for name, value in headers:
        if name.lower() not in _LEFT_OUT:
            words += ["-H", _header(name, value, mask)]
    if body:
        text = inline_text(body)
        words += ["--data-binary", f"@{shlex.quote(body_file)}" if text is None else _quoted(text, mask)]
    return " ".join(words)


def inline_text(body: bytes) -> str | None:
    """A body that fits into a command line as text; None when it doesn't."""
    if len(body) > INLINE_BYTES_LIMIT or b"\0" in body or body.startswith(b"@"):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _header(name: str, value: str, mask: Mask) -> str:
    """A header as one shell word. Credentials that the mask can only cut, such as a cookie, are a variable: half of one is of no use."""
    if mask.text(value) == value != mask.header(name, value):
        variable = re.sub(r"[^a-z0-9]", "_", name.lower())
        return f'{shlex.quote(f"{name}: ")}"${variable}"'
    return _quoted(f"{name}: {value}", mask)


def _quoted(text: str, mask: Mask) -> str:
    """The text as one shell word: what the mask hides as a variable in double quotes, everything else in single ones."""
    if not mask.variables:
        return shlex.quote(text)
    pattern = re.compile("|".join(map(re.escape, sorted(mask.variables, key=len, reverse=True))))
    word, at = "", 0
    for found in pattern.finditer(text):
        word += shlex.quote(text[at : found.start()]) if found.start() > at else ""
        word += f'"{mask.variables[found[0]]}"'
        at = found.end()
    return word + (shlex.quote(text[at:]) if at < len(text) or not word else "")
