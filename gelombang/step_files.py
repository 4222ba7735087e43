"""The operator's own files that steps send: found beside the scenario when it is read, so that a run's plan stands by itself.

A path is looked for beside the scenario and then beside those that it extends. What is missing, empty or too large is a fault of the file,
before anybody is sent anywhere. Files keep their real size, whatever `--bytes` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gelombang.errors import Fault
from gelombang.hooks import place_hooks

FILE_LIMIT_BYTES = 268_435_456
"""Of one file."""
FOLDER_FILES_LIMIT = 100_000


def place_step_files(data: Mapping[str, object], folders: Sequence[Path]) -> Iterator[Fault]:
    """Put absolute paths in the place of those that a scenario's steps name, hooks too; a fault for each that can't be used."""
    for table in ("setup", "shared", "journey", "teardown"):
        yield from _bodies(data.get(table), table, folders)
        yield from place_hooks(data.get(table), table, folders)


def files_of(folder: Path) -> list[Path]:
    """The files of a folder by name, hidden ones left out. Raises OSError."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _bodies(steps: object, table: str, folders: Sequence[Path]) -> Iterator[Fault]:
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict):
            yield from _bodies(step.get("parallel"), f"{table}[{i}].parallel", folders)
        body = step.get("body") if isinstance(step, dict) else None
        if not isinstance(body, dict):
            continue
        yield from _place(body, "file", f"{table}[{i}].body.file", folders)
        tus = body.get("tus")
        if isinstance(tus, dict):
            for key in ("file", "folder"):
                yield from _place(tus, key, f"{table}[{i}].body.tus.{key}", folders)
        parts = body.get("multipart")
        for name, part in parts.items() if isinstance(parts, dict) else ():
            if isinstance(part, dict):
                yield from _place(part, "folder", f"{table}[{i}].body.multipart.{name}.folder", folders)


def _place(table: dict[str, object], key: str, where: str, folders: Sequence[Path]) -> Iterator[Fault]:
    name = table.get(key)
    if not isinstance(name, str):
        return
    is_folder = key == "folder"
    places = (folder / name for folder in folders)
    there = next((place for place in places if (place.is_dir() if is_folder else place.is_file())), None)
    if there is None:
        yield Fault(where, f"{name!r}, which is not there", f"a {key} beside the scenario")
        return
    path = there.resolve()
    try:
        yield from _faults(path, name, is_folder, where)
    except OSError as error:
        yield Fault(where, f"{name!r}, which can't be read ({error.strerror})", f"a {key} that can be read")
    table[key] = str(path)


def _faults(path: Path, name: str, is_folder: bool, where: str) -> Iterator[Fault]:
    files = files_of(path) if is_folder else [path]
    if not 0 < len(files) <= FOLDER_FILES_LIMIT:
        yield Fault(where, f"{name!r} with {len(files)} files", f"1 to {FOLDER_FILES_LIMIT} files")
        return
    large = next((file for file in files if file.stat().st_size > FILE_LIMIT_BYTES), None)
    if large is not None:
        yield Fault(where, f"{large.name}, {large.stat().st_size} bytes", f"at most {FILE_LIMIT_BYTES} bytes in a file")
