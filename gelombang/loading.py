"""Reading scenarios and profiles: from a path or a name that comes along to a checked value, or all the faults at once.

Each fault names file and line, what stands there and what was probably meant. `--set key=value` is laid over everything that the file and
those that it extends say (`gelombang.toml_file`). Curves are looked for beside the file that is read, then beside those that it extends.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from gelombang.curve import rate_of, read_curve
from gelombang.errand_check import errand_faults, errand_texts, values_before_arrivals
from gelombang.errors import Fault, FileError, InputError
from gelombang.feed_check import columns_of, place_feeds, unread_columns, unread_feeds
from gelombang.inbox import Inboxes, inbox_faults
from gelombang.journey_check import Given, Outline, outline_faults, outlines
from gelombang.network import place_files
from gelombang.profile import Profile
from gelombang.resources import profiles_folder, scenarios_folder
from gelombang.scenario import CurveRows, Scenario
from gelombang.secrets import look_up_secrets, place_secret_files
from gelombang.step_files import place_step_files
from gelombang.steps import PhotoKind, Step
from gelombang.toml_file import TomlFile, fault_of, find_file, names_in, read_toml
from gelombang.validation import did_you_mean, faults_of

_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_INBOXES: TypeAdapter[Inboxes] = TypeAdapter(Inboxes)

M = TypeVar("M", bound=BaseModel)


def load_scenario(path_or_name: str | Path, settings: Sequence[str] = ()) -> Scenario:
    """A scenario without faults, its curve's rows taken in. Raises InputError when there is no such file, FileError with every fault."""
    file = _scenario_file(path_or_name, settings)
    faults: list[Fault] = []
    rows = _curve_rows(file, faults)
    faults += place_files(file.data.get("network"), file.beside)
    faults += place_step_files(file.data, file.folders)
    faults += place_feeds(file.data.get("feed"), file.beside)
    place_secret_files(file.data, file.beside)
    scenario = _validated(file.data, Scenario, faults)
    steps = outlines(file.data.get("journey"))
    photos = _table(_table(file.data.get("people")).get("photos"))
    columns = columns_of(file.data.get("feed"))
    faults += outline_faults(steps, [kind for kind in PhotoKind if kind in photos], Given(columns, values_before_arrivals(file.data)))
    faults += errand_faults(file.data, columns)
    texts = [*(text for step in steps for _, text in step.texts), *errand_texts(file.data)]
    faults += unread_feeds(columns, texts)
    faults += unread_columns(file.data.get("feed"), columns, texts)
    faults += _inbox_faults(file.data)
    faults += _name_faults(file.data, steps)
    if scenario is not None and rows is not None:
        scenario = scenario.model_copy(update={"arrivals": scenario.arrivals.model_copy(update={"rows": rows})})
    if scenario is not None and (rows is not None or scenario.arrivals.phases):
        faults += _window_faults(scenario)
    if faults or scenario is None:
        raise FileError(file.shown, _in_file_order(faults, file, steps))
    return scenario


def load_profile(path_or_name: str | Path) -> Profile:
    """A profile without faults. Raises InputError when there is no such file, FileError with every fault."""
    path = find_file(path_or_name, profiles_folder(), "profile")
    file = read_toml(path, str(path_or_name) if Path(path_or_name).is_file() else path.name)
    faults: list[Fault] = []
    profile = _validated(file.data, Profile, faults)
    if faults or profile is None:
        raise FileError(file.shown, _in_file_order(faults, file, []))
    return profile


def require_secrets(scenario: Scenario, path_or_name: str | Path, settings: Sequence[str] = ()) -> None:
    """Raises FileError that names each secret of a scenario that has no value here, by the line that asks for it."""
    try:
        look_up_secrets(scenario, str(path_or_name))
    except FileError as error:
        file = _scenario_file(path_or_name, settings)
        raise FileError(file.shown, _in_file_order(error.faults, file, outlines(file.data.get("journey")))) from None


def _scenario_file(path_or_name: str | Path, settings: Sequence[str]) -> TomlFile:
    path = find_file(path_or_name, scenarios_folder(), "scenario")
    file = read_toml(path, str(path_or_name) if Path(path_or_name).is_file() else path.name)
    file.change_by(settings)
    return file


def _validated(data: dict[str, object], model: type[M], faults: list[Fault]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults += faults_of(error, model)
        return None


def _curve_rows(file: TomlFile, faults: list[Fault]) -> CurveRows | None:
    arrivals = _table(file.data.get("arrivals"))
    if "rows" in arrivals:
        faults.append(Fault("arrivals.rows", "written by hand", "a curve file or phases"))
    curve = arrivals.get("curve")
    if not isinstance(curve, str):
        return None
    found = file.beside(curve)
    if found is None:
        faults.append(Fault("arrivals.curve", f"{curve!r}, which is not there", f"a CSV file beside {file.shown}"))
        return None
    try:
        return read_curve(found, curve)
    except FileError as error:
        faults += [Fault(f"arrivals.curve: {curve}: {fault.where}", fault.found, fault.wanted) for fault in error.faults]
    except InputError as error:
        faults.append(fault_of(error, "arrivals.curve"))
    return None


def _window_faults(scenario: Scenario) -> list[Fault]:
    try:
        rate_of(scenario.arrivals)
    except InputError as error:
        return [fault_of(error, "arrivals")]
    return []


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


def _in_file_order(faults: Iterable[Fault], file: TomlFile, steps: Sequence[Outline]) -> list[Fault]:
    """With their lines, by the file and line in which they stand; a step's name beside its number."""
    sources: dict[str, int] = {file.shown: -1}

    def named(fault: Fault) -> Fault:
        found = _STEP_NUMBER.match(fault.where)
        name = steps[int(found[1])].name if found and int(found[1]) < len(steps) else ""
        return replace(fault, where=f"{fault.where} (step {name})") if name else fault

    located = [named(file.located(fault)) for fault in faults]
    for fault in located:
        sources.setdefault(fault.source, len(sources))
    return list(dict.fromkeys(sorted(located, key=lambda fault: (sources[fault.source], fault.line))))


_STEP_NUMBER = re.compile(r"journey\[(\d+)\]")


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
