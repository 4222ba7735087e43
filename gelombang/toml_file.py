"""A TOML file with everything that it extends laid under it: its data, and where each of its keys stands.

A scenario may say `extends = "other.toml"`: its tables are laid over the other's, key by key; lists are replaced whole. What lies inside a
list is reached by the table `change`: `"journey.test.think_seconds" = { value = 60.0 }`.
"""

import copy
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gelombang.errors import Fault, FileError, InputError
from gelombang.places import Place, laid_over, places_of
from gelombang.resources import scenarios_folder
from gelombang.settings import put_setting, put_value
from gelombang.validation import did_you_mean

FILE_BYTES_LIMIT = 1_000_000
EXTENDS_LIMIT = 5
"""How many files may extend one another."""

_REPLACED_BY_PHASES = frozenset({"curve", "from_seconds", "for_seconds"})
"""What an extended scenario says of its curve, which phases take the place of."""


@dataclass(slots=True)
class TomlFile:
    """What was read, as it can be changed and checked."""

    shown: str
    data: dict[str, object]
    places: Place
    folders: list[Path] = field(default_factory=list)
    """Where what it names is looked for, first to last."""

    def change_by(self, settings: Sequence[str]) -> None:
        """Lay the values of `--set` over it, in order. Raises InputError for one that has no place."""
        self.data = copy.deepcopy(self.data)
        for setting in settings:
            self.places.at(put_setting(self.data, setting), f"{self.shown} with --set {setting}", 0).below = {}

    def beside(self, name: str) -> Path | None:
        """The file of that name that stands beside it, or beside one that it extends."""
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)

    def located(self, fault: Fault) -> Fault:
        """The fault with the file and line of what it is about."""
        if fault.line:
            return fault
        place = self.places.found(fault.where, self.data)
        return replace(fault, source=place.source, line=place.line)


def read_toml(path: Path, shown: str, by_name: bool = True) -> TomlFile:
    """Raises InputError for a file that can't be read, FileError for one that is no TOML or extends what it can't. `by_name`: a scenario
    that comes along may be extended by its name."""
    return _read(path, shown, (), by_name)


def names_in(folder: Path) -> list[str]:
    """The names of the TOML files that come along in a folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def find_file(path_or_name: str | Path, folder: Path, what: str) -> Path:
    """The file of that path, or the one of that name that comes along. Raises InputError with the names that were probably meant."""
    path = Path(path_or_name)
    if path.is_file():
        return path
    name = str(path_or_name)
    known = names_in(folder)
    if name in known:
        return folder / f"{name}.toml"
    raise InputError(f"{what} {name} is neither a file nor a name that comes along; want a path, or {did_you_mean(Path(name).stem, known)}")


def fault_of(error: InputError, where: str) -> Fault:
    """An error's one sentence as a fault of a file."""
    found, _, wanted = str(error).partition("; want ")
    return Fault(where, found.removeprefix(f"{where} "), wanted or "another")


def _read(path: Path, shown: str, below: Sequence[Path], by_name: bool) -> TomlFile:
    text = _text(path, shown)
    data = _parsed(text, shown)
    file = TomlFile(shown, data, places_of(text, shown), [path.resolve().parent])
    extends = data.pop("extends", None)
    if extends is None:
        return file
    changes = data.pop("change", {})
    if not isinstance(changes, dict):
        raise _faulty(file, Fault("change", repr(changes), "a table of paths and their values"))
    if not isinstance(extends, str):
        raise _faulty(
            file, Fault("extends", repr(extends), "the path or name of another scenario" if by_name else "the path of another file")
        )
    chain = [*below, path.resolve()]
    if len(chain) >= EXTENDS_LIMIT:
        raise _faulty(file, Fault("extends", f"the {len(chain)}th in a row", f"at most {EXTENDS_LIMIT} files that extend one another"))
    beside = file.folders[0] / extends
    if not by_name and not beside.is_file():
        raise _faulty(file, Fault("extends", f"{extends!r}, which is no file beside {shown}", "the path of another file, from there"))
    try:
        base = beside if beside.is_file() else find_file(extends.removesuffix(".toml"), scenarios_folder(), "scenario")
    except InputError as error:
        raise _faulty(file, fault_of(error, "extends")) from None
    if base.resolve() in chain:
        raise _faulty(file, Fault("extends", f"{extends!r}, which extends this one", "a chain of files with an end"))
    return _changed(_over(_read(base, base.name, chain, by_name), file), changes)


def _text(path: Path, shown: str) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_LIMIT:
            raise InputError(f"{shown} has {path.stat().st_size} bytes; want a TOML file of at most {FILE_BYTES_LIMIT}")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown} can't be read ({error}); want a TOML file in UTF-8") from None


def _parsed(text: str, shown: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        where = place.rstrip(")") if message else "the file"
        words = where.replace(",", "").split()
        line = int(words[1]) if words[0] == "line" and words[1].isdecimal() else 0
        raise FileError(shown, [Fault(where, f"no TOML ({message or error})", "TOML 1.0", line=line)]) from None


def _over(under: TomlFile, over: TomlFile) -> TomlFile:
    data = _tables_over(under.data, over.data)
    return TomlFile(over.shown, data, laid_over(under.places, over.places), [*over.folders, *under.folders])


def _tables_over(under: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    merged = {key: value for key, value in under.items() if not (key in _REPLACED_BY_PHASES and "phases" in over)}
    if "curve" in over:
        merged.pop("phases", None)
    for key, value in over.items():
        lower = merged.get(key)
        merged[key] = _tables_over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


def _changed(file: TomlFile, changes: dict[str, object]) -> TomlFile:
    changed = copy.deepcopy(file.data)
    for path, value in changes.items():
        given = file.places.below["change"].below.get(path, file.places)
        try:
            keys = put_value(changed, path, value)
        except InputError as error:
            raise _faulty(file, replace(fault_of(error, f"change.{path}"), source=given.source, line=given.line)) from None
        file.places.at(keys, given.source, given.line).below = given.below
    return replace(file, data=changed)


def _faulty(file: TomlFile, fault: Fault) -> FileError:
    """Of a table that is gone from the data already, so that its place is looked for by its name alone."""
    place = file.places.below.get(fault.where, file.places)
    return FileError(file.shown, [fault if fault.line else replace(fault, source=place.source, line=place.line)])
