"""Where the keys of a TOML file stand, against files whose writer knows in which line it put what."""

import tomllib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from gelombang.places import Key, Place, places_of

NAMES = ["a", "b-1", "c d", "é", "x.y", '"', "1"]
SCALARS = ["1", "-2.5e3", "true", '"t # no comment"', "'[x]'", '"""\nlines = 1\n[no.table]\n"""', "2020-04-11T19:00:00+07:00"]


@dataclass
class Written:
    """A file that grows line by line, and where each key went."""

    text: str = ""
    lines: dict[tuple[Key, ...], int] = field(default_factory=dict)

    def put(self, piece: str) -> None:
        self.text += piece

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1


def quoted(name: str) -> str:
    return name if name in ("a", "b-1", "1") else "'\"'" if name == '"' else f'"{name}"'


def write_value(draw: st.DrawFn, out: Written, path: tuple[Key, ...], depth: int) -> None:
    """A value after its `=`, or an item of a list."""
    out.lines[path] = out.line
    form = draw(st.sampled_from(["scalar", "scalar", "inline", "list"])) if depth else "scalar"
    if form == "scalar":
        out.put(draw(st.sampled_from(SCALARS)))
    elif form == "inline":
        out.put("{ ")
        for i, name in enumerate(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))):
            out.put(", " * (i > 0) + quoted(name) + " = ")
            out.lines[(*path, name)] = out.line
            write_value(draw, out, (*path, name), depth - 1)
        out.put(" }")
    else:
        out.put("[ # list\n")
        for i in range(draw(st.integers(0, 3))):
            write_value(draw, out, (*path, i), depth - 1)
            out.put("," + draw(st.sampled_from(["", "\n", " # one\n\n"])))
        out.put("]")


def write_table(draw: st.DrawFn, out: Written, path: tuple[Key, ...], header: tuple[str, ...], depth: int) -> None:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    forms = [draw(st.sampled_from(["pair", "table", "tables"])) if depth else "pair" for _ in names]
    for name, form in zip(names, forms, strict=True):
        if form == "pair":
            line = out.line
            out.put(f"{quoted(name)} = ")
            write_value(draw, out, (*path, name), 2)
            out.lines[(*path, name)] = line
            out.put(draw(st.sampled_from(["\n", " # said\n", "\n\n"])))
    for name, form in zip(names, forms, strict=True):
        inner = (*header, quoted(name))
        if form == "table":
            out.lines[(*path, name)] = out.line
            out.put(f"[{'.'.join(inner)}]\n")
            write_table(draw, out, (*path, name), inner, depth - 1)
        elif form == "tables":
            for i in range(draw(st.integers(1, 3))):
                out.lines.setdefault((*path, name), out.line)
                out.lines[(*path, name, i)] = out.line
                out.put(f"[[ {' . '.join(inner)} ]] # item\n")
                write_table(draw, out, (*path, name, i), inner, depth - 1)


@st.composite
def files(draw: st.DrawFn) -> Written:
    out = Written()
    write_table(draw, out, (), (), 2)
    return out


def flat(place: Place, path: tuple[Key, ...] = ()) -> dict[tuple[Key, ...], int]:
    found: dict[tuple[Key, ...], int] = {}
    for key, below in place.below.items():
        found[(*path, key)] = below.line
        found |= flat(below, (*path, key))
    return found


@given(files())
def test_every_key_has_the_line_in_which_it_was_written(file: Written) -> None:
    tomllib.loads(file.text)
    assert flat(places_of(file.text, "x.toml")) == file.lines


@given(files())
def test_a_path_as_faults_write_it_leads_to_its_line(file: Written) -> None:
    data = tomllib.loads(file.text)
    root = places_of(file.text, "x.toml")
    for path, line in file.lines.items():
        where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
        if all(not isinstance(key, str) or key not in ("x.y", "1", "c d") for key in path):
            assert root.found(where, data).line == line
            assert root.found(f"{where}.nothing", data).line == line
            assert root.found(f"{where}: more", data).line == line
