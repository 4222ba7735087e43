"""Reading scenarios and profiles: from a path or a name that comes along to a checked value, or all the faults at once.

A scenario may say `extends = "other.toml"`: its tables are laid over the other's, key by key; lists are replaced whole. What lies inside a
list is reached by the table `change`: `"journey.test.think_seconds" = { value = 60.0 }`. `--set key=value` is laid over all of that.
Curves are looked for beside the file that is read, then beside those that it extends.
"""

import copy
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from gelombang.curve import rate_of, read_curve
from gelombang.errand_check import errand_faults, errand_texts, values_before_arrivals
from gelombang.errors import Fault, FileError, InputError
from gelombang.feed_check import columns_of, place_feeds, unread_feeds
from gelombang.inbox import Inboxes, inbox_faults
from gelombang.journey_check import Given, Outline, outline_faults, outlines
from gelombang.network import place_files
from gelombang.profile import Profile
from gelombang.resources import profiles_folder, scenarios_folder
from gelombang.scenario import CurveRows, Scenario
from gelombang.secrets import place_secret_files
from gelombang.settings import apply_settings, put_value
from gelombang.step_files import place_step_files
from gelombang.steps import PhotoKind, Step, reserved_faults
from gelombang.validation import did_you_mean, faults_of

FILE_BYTES_LIMIT = 1_000_000
EXTENDS_LIMIT = 5
"""How many files may extend one another."""

_REPLACED_BY_PHASES = frozenset({"curve", "from_seconds", "for_seconds"})
"""What an extended scenario says of its curve, which phases take the place of."""
_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_INBOXES: TypeAdapter[Inboxes] = TypeAdapter(Inboxes)

M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class _File:
    """A TOML file with everything that it extends laid under it."""

    shown: str
    data: dict[str, object]
    folders: list[Path] = field(default_factory=list)
    """Where what it names is looked for, first to last."""


def load_scenario(path_or_name: str | Path, settings: Sequence[str] = ()) -> Scenario:
    """A scenario without faults, its curve's rows taken in. Raises InputError when there is no such file, FileError with every fault."""
    path = find_file(path_or_name, scenarios_folder(), "scenario")
    file = _read(path, str(path_or_name) if Path(path_or_name).is_file() else path.name)
    file.data = apply_settings(file.data, settings)
    faults: list[Fault] = []
    rows = _curve_rows(file, faults)
    faults += place_files(file.data.get("network"), lambda name: _beside(file, name))
    faults += place_step_files(file.data, file.folders)
    faults += place_feeds(file.data.get("feed"), lambda name: _beside(file, name))
    place_secret_files(file.data, lambda name: _beside(file, name))
    scenario = _validated(file.data, Scenario, faults)
    steps = outlines(file.data.get("journey"))
    photos = _table(_table(file.data.get("people")).get("photos"))
    columns = columns_of(file.data.get("feed"))
    faults += outline_faults(steps, [kind for kind in PhotoKind if kind in photos], Given(columns, values_before_arrivals(file.data)))
    faults += errand_faults(file.data, columns)
    faults += unread_feeds(columns, [*(text for step in steps for _, text in step.texts), *errand_texts(file.data)])
    faults += _reserved(file.data, scenario)
    faults += _inbox_faults(file.data)
    faults += _name_faults(file.data, steps)
    if scenario is not None and rows is not None:
        scenario = scenario.model_copy(update={"arrivals": scenario.arrivals.model_copy(update={"rows": rows})})
    if scenario is not None and (rows is not None or scenario.arrivals.phases):
        faults += _window_faults(scenario)
    if faults or scenario is None:
        raise FileError(file.shown, _in_file_order(faults, file.data, steps))
    return scenario


def load_profile(path_or_name: str | Path) -> Profile:
    """A profile without faults. Raises InputError when there is no such file, FileError with every fault."""
    path = find_file(path_or_name, profiles_folder(), "profile")
    file = _read(path, str(path_or_name) if Path(path_or_name).is_file() else path.name)
    faults: list[Fault] = []
    profile = _validated(file.data, Profile, faults)
    if faults or profile is None:
        raise FileError(file.shown, _in_file_order(faults, file.data, []))
    return profile


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


def _read(path: Path, shown: str, below: Sequence[Path] = ()) -> _File:
    data = _parsed(path, shown)
    folder = path.resolve().parent
    extends = data.pop("extends", None)
    if extends is None:
        return _File(shown, data, [folder])
    changes = data.pop("change", {})
    if not isinstance(changes, dict):
        raise FileError(shown, [Fault("change", repr(changes), "a table of paths and their values")])
    chain = [*below, path.resolve()]
    if not isinstance(extends, str):
        raise FileError(shown, [Fault("extends", repr(extends), "the path or name of another scenario")])
    if len(chain) >= EXTENDS_LIMIT:
        raise FileError(shown, [Fault("extends", f"the {len(chain)}th in a row", f"at most {EXTENDS_LIMIT} files that extend one another")])
    beside = folder / extends
    try:
        base = beside if beside.is_file() else find_file(extends.removesuffix(".toml"), scenarios_folder(), "scenario")
    except InputError as error:
        raise FileError(shown, [_fault_of(error, "extends")]) from None
    if base.resolve() in chain:
        raise FileError(shown, [Fault("extends", f"{extends!r}, which extends this one", "a chain of files with an end")])
    under = _read(base, base.name, chain)
    return _File(shown, _changed(shown, _laid_over(under.data, data), changes), [folder, *under.folders])


def _parsed(path: Path, shown: str) -> dict[str, object]:
    try:
        if path.stat().st_size > FILE_BYTES_LIMIT:
            raise InputError(f"{shown} has {path.stat().st_size} bytes; want a TOML file of at most {FILE_BYTES_LIMIT}")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        where = place.rstrip(")") if message else "the file"
        raise FileError(shown, [Fault(where, f"no TOML ({message or error})", "TOML 1.0")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown} can't be read ({error}); want a TOML file in UTF-8") from None


def _laid_over(under: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    merged = {key: value for key, value in under.items() if not (key in _REPLACED_BY_PHASES and "phases" in over)}
    if "curve" in over:
        merged.pop("phases", None)
    for key, value in over.items():
        lower = merged.get(key)
        merged[key] = _laid_over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


def _changed(shown: str, data: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    changed = copy.deepcopy(data)
    for path, value in changes.items():
        try:
            put_value(changed, path, value)
        except InputError as error:
            raise FileError(shown, [_fault_of(error, f"change.{path}")]) from None
    return changed


def _validated(data: dict[str, object], model: type[M], faults: list[Fault]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults += faults_of(error, model)
        return None


def _curve_rows(file: _File, faults: list[Fault]) -> CurveRows | None:
    arrivals = _table(file.data.get("arrivals"))
    if "rows" in arrivals:
        faults.append(Fault("arrivals.rows", "written by hand", "a curve file or phases"))
    curve = arrivals.get("curve")
    if not isinstance(curve, str):
        return None
    found = _beside(file, curve)
    if found is None:
        faults.append(Fault("arrivals.curve", f"{curve!r}, which is not there", f"a CSV file beside {file.shown}"))
        return None
    try:
        return read_curve(found, curve)
    except FileError as error:
        faults += [Fault(f"arrivals.curve: {curve}: {fault.where}", fault.found, fault.wanted) for fault in error.faults]
    except InputError as error:
        faults.append(_fault_of(error, "arrivals.curve"))
    return None


def _beside(file: _File, name: str) -> Path | None:
    return next((folder / name for folder in file.folders if (folder / name).is_file()), None)


def _window_faults(scenario: Scenario) -> list[Fault]:
    try:
        rate_of(scenario.arrivals)
    except InputError as error:
        return [_fault_of(error, "arrivals")]
    return []


def _reserved(data: dict[str, object], scenario: Scenario | None) -> list[Fault]:
    if scenario is not None:
        return list(reserved_faults(scenario, ""))
    faults: list[Fault] = []
    steps = data.get("journey")
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        try:
            faults += reserved_faults(_STEP.validate_python(step), f"journey[{i}]")
        except ValidationError:
            continue
    return faults


def _inbox_faults(data: dict[str, object]) -> list[Fault]:
    """Of the inboxes and steps that are well formed; the others have faults of their own."""
    steps = data.get("journey")
    found: list[tuple[int, Step]] = []
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        try:
            found.append((i, _STEP.validate_python(step)))
        except ValidationError:
            continue
    try:
        return list(inbox_faults(_INBOXES.validate_python(data.get("inbox", {})), found))
    except ValidationError:
        return []


def _name_faults(data: dict[str, object], steps: Sequence[Outline]) -> list[Fault]:
    """Profiles and steps that are spoken of and don't exist."""
    known = names_in(profiles_folder())
    listed = data.get("profiles")
    places = [(f"profiles[{i}]", name) for i, name in enumerate(listed if isinstance(listed, list) else [])]
    objectives = data.get("objective")
    step_names = [step.name for step in steps]
    faults: list[Fault] = []
    for i, objective in enumerate(objectives if isinstance(objectives, list) else []):
        places += [(f"objective[{i}].{key}", _table(objective).get(key)) for key in ("profile", "times_profile")]
        asked = _table(objective).get("step")
        for j, name in enumerate(asked if isinstance(asked, list) else []):
            if name not in step_names:
                wanted = f"a step of this journey: {did_you_mean(str(name), step_names)}"
                faults.append(Fault(f"objective[{i}].step[{j}]", repr(name), wanted))
    faults += _stop_faults(data.get("stop"), step_names)
    places += [(f"expect.{name}", name) for name in _table(data.get("expect"))]
    for where, name in places:
        if isinstance(name, str) and name not in known and not Path(name).is_file():
            faults.append(Fault(where, repr(name), f"a profile: {did_you_mean(name, known)}"))
    return faults


def _stop_faults(stops: object, steps: Sequence[str]) -> list[Fault]:
    """Stop rules that speak of steps that don't exist, and two of one name."""
    faults: list[Fault] = []
    names: list[object] = []
    for i, stop in enumerate(stops if isinstance(stops, list) else []):
        asked = _table(stop).get("step")
        for j, name in enumerate(asked if isinstance(asked, list) else []):
            if name not in steps:
                faults.append(Fault(f"stop[{i}].step[{j}]", repr(name), f"a step of this journey: {did_you_mean(str(name), steps)}"))
        called = _table(stop).get("name")
        if called in names:
            faults.append(Fault(f"stop[{i}].name", repr(called), "a name of its own, because the record says which rule stopped a run"))
        names.append(called)
    return faults


def _in_file_order(faults: Iterable[Fault], data: dict[str, object], steps: Sequence[Outline]) -> list[Fault]:
    """By top-level table as the file has them, then by place in its list; a step's name beside its number."""
    order = {key: i for i, key in enumerate(data)}

    def place(fault: Fault) -> tuple[int, int]:
        found = _PLACE.match(fault.where)
        return (order.get(found["table"], len(order)), int(found["index"] or -1)) if found else (-1, -1)

    def named(fault: Fault) -> Fault:
        table, index = place(fault)
        if table == order.get("journey") and 0 <= index < len(steps) and steps[index].name:
            return Fault(f"{fault.where} (step {steps[index].name})", fault.found, fault.wanted)
        return fault

    return list(dict.fromkeys(named(fault) for fault in sorted(faults, key=place)))


_PLACE = re.compile(r"(?P<table>[a-z_]+)(\[(?P<index>\d+)\])?")


def _fault_of(error: InputError, where: str) -> Fault:
    found, _, wanted = str(error).partition("; want ")
    return Fault(where, found.removeprefix(f"{where} "), wanted or "another")


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
