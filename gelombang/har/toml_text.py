"""Values as TOML writes them in one line (TOML 1.0), for files that people go on editing."""

import json
import re
from collections.abc import Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else toml_value(name)


def toml_value(value: object) -> str:
    """Text, number, boolean, list or table; there is no null in TOML."""
    match value:
        case str() if '"' in value and "'" not in value and value.isprintable():
            return f"'{value}'"  # a literal string: JSON in it stays readable
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(toml_value(item) for item in value)}]"
        case Mapping():
            return f"{{ {', '.join(f'{toml_key(str(key))} = {toml_value(item)}' for key, item in value.items())} }}" if value else "{}"
    raise AssertionError(f"{type(value).__name__} has no place in TOML")


def fits_toml(value: object) -> bool:
    """Whether TOML can hold a JSON value: no null, whole numbers of 64 bits, no empty key trouble."""
    match value:
        case None:
            return False
        case bool() | str() | float():
            return True
        case int():
            return -(1 << 63) <= value < 1 << 63
        case list():
            return all(fits_toml(item) for item in value)
        case dict():
            return all(fits_toml(item) for item in value.values())
    return False
