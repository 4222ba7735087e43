"""Where the keys of a TOML file stand: a line for every table, key and item of a list.

The standard library's reader gives values without places, so the same text is read a second time by tree-sitter's grammar of TOML, from
whose tree this takes names and lines, and nothing else. Files that extend one another give one tree, in which each key has the place where
its value was last given.

Leaves out columns, and whether the text is TOML: what the grammar can't read has no place, and a fault there names what is around it.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Key = str | int
"""A name in a table, or a place in a list."""

_LANGUAGE = Language(tree_sitter_toml.language())
_AFTER_A_KEY = ("", ".", "[", " ", ":")


@dataclass(slots=True)
class Place:
    """A table, list or value, and the places below it."""

    source: str
    """The file, or the option of the command line that gave it."""
    line: int
    """From 1; 0 where there are no lines."""
    below: dict[Key, "Place"] = field(default_factory=dict)

    def at(self, keys: Sequence[Key], source: str, line: int) -> "Place":
        """The place of these keys, one after the other, said to be given there now; new where there was none."""
        place = self
        for key in keys:
            place = place.below.setdefault(key, Place(source, line))
        place.source, place.line = source, line
        return place

    def found(self, where: str, data: object) -> "Place":
        """The place of the longest beginning of a path such as `journey[2].body.json.email` that is in `data` and has one."""
        key = next((key for key in sorted(self.below, key=_length, reverse=True) if _begins_with(where, key) and _has(data, key)), None)
        if key is None:
            return self
        inner = data[key]  # type: ignore[index]  # _has says so
        return self.below[key].found(where[_length(key) :].removeprefix("."), inner)


def places_of(text: str, source: str) -> Place:
    """The places of a file's keys; the file itself has line 0."""
    root = Place(source, 0)
    here = root
    for node in Parser(_LANGUAGE).parse(text.encode()).root_node.children:
        if node.type == "pair":
            _put_pair(root, source, node)
        elif node.type in ("table", "table_array_element"):
            here = _table(root, source, node)
            for pair in node.children:
                if pair.type == "pair":
                    _put_pair(here, source, pair)
    return root


def laid_over(under: Place, over: Place) -> Place:
    """The places of two files of which one extends the other."""
    below = dict(under.below)
    for key, place in over.below.items():
        below[key] = laid_over(below[key], place) if key in below else place
    return Place(over.source, over.line, below)


def _table(root: Place, source: str, node: Node) -> Place:
    """The table that a header in brackets begins."""
    keys = next((_keys(child) for child in node.named_children if child.type.endswith("_key")), ())
    line = node.start_point.row + 1
    place = root
    for key in keys[:-1]:
        place = place.below.setdefault(key, Place(source, line))
        place = place.below.get(len(place.below) - 1, place)  # the newest item, where it is a list of tables
    if node.type == "table":
        return place.at(keys[-1:], source, line)
    items = place.below.setdefault(keys[-1], Place(source, line)) if keys else place
    return items.at((len(items.below),), source, line)


def _put_pair(into: Place, source: str, node: Node) -> None:
    parts = [child for child in node.named_children if child.type != "comment"]
    if len(parts) == 2:
        _put_value(into.at(_keys(parts[0]), source, node.start_point.row + 1), source, parts[1])


def _put_value(place: Place, source: str, node: Node) -> None:
    if node.type == "inline_table":
        for pair in node.children:
            if pair.type == "pair":
                _put_pair(place, source, pair)
    elif node.type == "array":
        for i, item in enumerate(child for child in node.named_children if child.type != "comment"):
            _put_value(place.at((i,), source, item.start_point.row + 1), source, item)


def _keys(node: Node) -> tuple[str, ...]:
    """`a."b c".d` as names; none where it is no key."""
    try:
        table: object = tomllib.loads(f"{(node.text or b'').decode()} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(table, dict):
        ((name, table),) = table.items()
        names.append(name)
    return tuple(names)


def _length(key: Key) -> int:
    return len(key if isinstance(key, str) else f"[{key}]")


def _begins_with(where: str, key: Key) -> bool:
    if isinstance(key, int):
        return where.startswith(f"[{key}]")
    return where.startswith(key) and where[len(key) :][:1] in _AFTER_A_KEY


def _has(data: object, key: Key) -> bool:
    if isinstance(key, str):
        return isinstance(data, dict) and key in data
    return isinstance(data, list) and key < len(data)
