"""Secrets: `${env:NAME}` and `${file:PATH}` in the texts of a scenario.

A scenario, plan, ledger, record, page and error hold the reference and never what it stands for. Each process that sends requests looks the
values up itself, when it starts, and keeps them in its memory; what is missing is said before anybody arrives. Values of feeds and values
captured from answers are not searched for references.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from gelombang.errors import Fault, FileError
from gelombang.templates import secret_references, texts_below

FILE_BYTES_LIMIT = 65_536
"""Of one secret."""


_REFERENCE = re.compile(r"\$\{((?:env|file):[^{}]+)\}")

M = TypeVar("M", bound=BaseModel)


class Secrets(Mapping[str, str]):
    """The values of some references (`env:NAME`, `file:PATH`), all there."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, reference: str) -> str:
        return self._values[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def filled(self, text: str) -> str:
        """A text with its references replaced, and nothing else."""
        return str(filled_references(text, self))

    def in_model(self, model: M) -> M:
        """A copy of a part of a scenario with the references in all of its texts replaced; it must never be written."""
        data = model.model_dump(mode="json", by_alias=True, exclude_none=True)
        if not any(secret_references(text) for _, text in texts_below(data, "")):
            return model
        return type(model).model_validate(filled_references(data, self))


def look_up_secrets(model: BaseModel, shown: str, environment: Mapping[str, str] = os.environ) -> Secrets:
    """The values of all references below a scenario (or a part of one). Raises FileError that names each reference without a value."""
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for where, text in texts_below(model.model_dump(mode="json", by_alias=True, exclude_none=True), ""):
        for reference in secret_references(text):
            if reference in values:
                continue
            try:
                values[reference] = _value(reference, environment)
            except _MissingError as missing:
                faults.append(Fault(f"{where.removeprefix('.')}: ${{{reference}}}", missing.found, missing.wanted))
    if faults:
        raise FileError(shown, list(dict.fromkeys(faults)))
    return Secrets(values)


def look_up_text(text: str, shown: str, environment: Mapping[str, str] = os.environ) -> str:
    """One text with its references replaced; it must never be written. Raises FileError that names each reference without a value."""
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for reference in secret_references(text):
        try:
            values[reference] = _value(reference, environment)
        except _MissingError as missing:
            faults.append(Fault(f"${{{reference}}}", missing.found, missing.wanted))
    if faults:
        raise FileError(shown, list(dict.fromkeys(faults)))
    return Secrets(values).filled(text)


def filled_references(value: object, secrets: Secrets) -> object:
    """A value of JSON with the references in its texts replaced, and nothing else."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: secrets[found[1]], value)
    if isinstance(value, dict):
        return {key: filled_references(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [filled_references(item, secrets) for item in value]
    return value


def place_secret_files(value: object, find: Callable[[str], Path | None]) -> None:
    """Put absolute paths in the references to files that `find` finds, below a table of a scenario's data; others are left."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, item in items:
        if isinstance(item, str):
            placed = item
            for reference in secret_references(item):
                kind, _, path = reference.partition(":")
                found = find(path) if kind == "file" else None
                if found is not None:
                    placed = placed.replace(f"${{{reference}}}", f"${{file:{found.resolve()}}}")
            value[key] = placed  # type: ignore[index]  # the key comes from the value itself
        else:
            place_secret_files(item, find)


class _MissingError(Exception):
    def __init__(self, found: str, wanted: str) -> None:
        self.found = found
        self.wanted = wanted


def _value(reference: str, environment: Mapping[str, str]) -> str:
    kind, _, name = reference.partition(":")
    if kind == "env":
        if name not in environment:
            raise _MissingError("not set", f"the variable {name} in the environment of this command")
        value = environment[name]
    else:
        value = _file_value(Path(name))
    if not value:
        raise _MissingError("empty", "a value")
    if "\0" in value:
        raise _MissingError("text with a zero byte", "text")
    return value


def _file_value(path: Path) -> str:
    wanted = f"a file with the secret, UTF-8, at most {FILE_BYTES_LIMIT} bytes"
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_LIMIT + 1)
        if len(text) > FILE_BYTES_LIMIT:
            raise _MissingError(f"more than {FILE_BYTES_LIMIT} bytes", wanted)
        # The line end that editors and `echo` put there is no part of a secret.
        return text.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _MissingError("no UTF-8", wanted) from None
    except OSError as error:
        raise _MissingError(f"a file that can't be read ({error.strerror})", wanted) from None
