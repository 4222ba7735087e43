"""Plain data as YAML text: mappings and lists in block style, values as JSON writes them, which YAML reads as it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Yaml: TypeAlias = "str | int | float | bool | Sequence[Yaml] | Mapping[str, Yaml] | None"


def yaml_text(value: Yaml, head: str = "") -> str:
    """The document, with comment lines of `head` before it and a newline at its end."""
    comments = "".join(f"# {line}\n" for line in head.splitlines())
    return comments + "\n".join(_lines(value)) + "\n"


def _lines(value: Yaml) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _entry(f"{key}:", inner, "  ")
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for inner in value:
            first, *rest = _lines(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield json.dumps(value, ensure_ascii=False)


def _entry(key: str, value: Yaml, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str) and value:
        yield key
        yield from (f"{indent}{line}" for line in _lines(value))
    else:
        yield f"{key} {json.dumps(value, ensure_ascii=False)}"
