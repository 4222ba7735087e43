"""A value for a schema: the document's own example where it has one, otherwise the plainest value that the schema allows.

Names of things (ids, tokens, codes) are made up for each of two people, so that the guessing can tell what has to be captured from what
stays the same. A schema's pattern is not obeyed; who reads it by hand is told.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gelombang.har.people import field_of
from gelombang.openapi.document import Document, Node

VALUES_LIMIT = 5_000
"""Values in one body; from there on objects are empty."""
OPTIONS_DEPTH_LIMIT = 20
"""`allOf` within `oneOf` and so on; deeper ones are passed over."""
TEXT_CHARACTERS_LIMIT = 10_000

_NAME = re.compile(r"(^|[a-z_-])id$|uuid|guid|token|jwt|session$|secret|nonce|csrf|^code$|otp|(ref|reference)$", re.IGNORECASE)
_FORMATS = {
    "date": "2027-01-04",
    "date-time": "2027-01-04T09:00:00+07:00",
    "time": "09:00:00",
    "email": "someone@people.example",
    "uri": "http://site.example/",
    "url": "http://site.example/",
    "hostname": "site.example",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "Z2Vsb21iYW5n",
}


@dataclass(slots=True)
class Maker:
    """Makes up names of things for person `who` (0 or 1): the same sequence for both, with values that differ."""

    who: int
    count: int = 0

    def made(self, is_number: bool, is_uuid: bool = False) -> str | int:
        self.count += 1
        if is_number:
            return 7_000_000 + 2 * self.count + self.who
        if is_uuid:
            return f"00000000-0000-4000-8000-{16 * self.count + self.who:012x}"
        return f"made-value-{self.count:04d}-{'ab'[self.who]}"


def is_name_of_a_thing(name: str, schema: Node) -> bool:
    """Whether the value says which thing, and not how it is."""
    return schema.get("format") == "uuid" or _NAME.search(name) is not None


@dataclass(slots=True)
class Sampler:
    """Values for schemas. `source` gives what an earlier answer held under a name, if there is such a thing."""

    document: Document
    maker: Maker
    source: Callable[[str], object] = field(default=lambda name: None)
    doubts: list[str] = field(default_factory=list)
    """Names of values that nobody can make up."""
    _values: int = 0

    def value(self, schema: object, name: str, where: str, whole: bool, within: frozenset[int] = frozenset()) -> object:
        """A value for the schema at a place. `whole`: an answer, with everything that it may hold, and names of things of its own."""
        node = self._merged(schema, where, 0)
        itself = id(self.document.node(schema, where)) if isinstance(schema, Mapping) else 0
        self._values += 1
        kind = _kind(node)
        is_a_name = kind in ("string", "integer") and is_name_of_a_thing(name, node)
        if is_a_name and whole:
            return self.maker.made(kind == "integer", node.get("format") == "uuid")
        known = _given(node)
        if known is not None and not (whole and (node.get("properties") or node.get("items"))):
            return self.with_sources(known, name)
        if itself in within or self._values > VALUES_LIMIT:
            return [] if kind == "array" else {} if kind == "object" else None
        below = within | {itself}
        if kind == "object":
            return self._object(node, where, whole, below)
        if kind == "array":
            items = node.get("items")
            return [one for one in [self.value(items, name, f"{where}/items", whole, below)] if one is not None] if items else []
        if is_a_name:
            earlier = self.source(name)
            return earlier if earlier is not None else self.maker.made(kind == "integer", node.get("format") == "uuid")
        if kind in ("integer", "number"):
            return _number(node, kind)
        if kind == "boolean":
            return True
        return self._text(node, name, whole)

    def with_sources(self, value: object, name: str) -> object:
        """An example, with the names of things that an earlier answer held in place of its own."""
        if isinstance(value, Mapping):
            return {str(key): self.with_sources(one, str(key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.with_sources(one, name) for one in value]
        earlier = self.source(name) if is_name_of_a_thing(name, {}) else None
        return value if earlier is None else earlier

    def _object(self, node: Node, where: str, whole: bool, within: frozenset[int]) -> dict[str, object]:
        properties = self.document.node(node.get("properties", {}), f"{where}/properties")
        required = node.get("required")
        wanted = set(properties) if whole or not isinstance(required, list) else {str(name) for name in required}
        found: dict[str, object] = {}
        for name, schema in properties.items():
            one = {} if isinstance(schema, bool) else self.document.node(schema, f"{where}/properties/{name}")
            if name in wanted and not one.get("writeOnly" if whole else "readOnly"):
                found[name] = self.value(one, name, f"{where}/properties/{name}", whole, within)
        return found

    def _text(self, node: Node, name: str, whole: bool) -> str:
        if "pattern" in node and not whole and field_of(("json", f"/{name}")) is None:
            self.doubts.append(f"{name} has a pattern and no example")
        text = _FORMATS.get(str(node.get("format")), f"a {name}" if name else "text")
        least, most = _whole_number(node.get("minLength"), 0), _whole_number(node.get("maxLength"), TEXT_CHARACTERS_LIMIT)
        return text.ljust(min(least, TEXT_CHARACTERS_LIMIT), "x")[: max(most, 0)]

    def _merged(self, schema: object, where: str, depth: int) -> Node:
        """A schema without its alternatives: all of `allOf`, the first of the others."""
        if isinstance(schema, bool):
            return {}
        node = self.document.node(schema, where)
        if depth >= OPTIONS_DEPTH_LIMIT:
            return node
        merged: dict[str, object] = {key: value for key, value in node.items() if key not in ("allOf", "oneOf", "anyOf")}
        for key in ("allOf", "oneOf", "anyOf"):
            options = node.get(key)
            chosen = options if key == "allOf" else _without_null(options)
            for i, option in enumerate(chosen if isinstance(chosen, list) else []):
                _merge(merged, self._merged(option, f"{where}/{key}/{i}", depth + 1), self.document, where)
        return merged


def _without_null(options: object) -> list[object]:
    if not isinstance(options, list):
        return []
    return [option for option in options if not (isinstance(option, Mapping) and option.get("type") == "null")][:1]


def _merge(merged: dict[str, object], other: Node, document: Document, where: str) -> None:
    for key, value in other.items():
        before = merged.get(key)
        if key == "properties" and before is not None:
            merged[key] = {**document.node(before, where), **document.node(value, where)}
        elif key == "required" and isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *value]
        else:
            merged.setdefault(key, value)


def _given(node: Node) -> object:
    """What the document itself says the value is."""
    for key in ("const", "example", "default"):
        if node.get(key) is not None:
            return node[key]
    for key in ("examples", "enum"):
        values = node.get(key)
        if isinstance(values, list) and values:
            return values[0]
    return None


def _kind(node: Node) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if kind is None:
        kind = "object" if "properties" in node else "array" if "items" in node else "string"
    return str(kind)


def _number(node: Node, kind: str) -> int | float:
    least = node.get("minimum", node.get("exclusiveMinimum"))
    value = least if isinstance(least, int | float) and not isinstance(least, bool) else 1
    if isinstance(node.get("exclusiveMinimum"), int | float):
        value += 1
    most = node.get("maximum")
    if isinstance(most, int | float) and value > most:
        value = most
    return int(value) if kind == "integer" else value


def _whole_number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
