"""Who was made on a service of the operator's own: `created.csv` in a run's folder, and `cleaned.csv` with those who are gone again.

A person's row is with the kernel before their first request leaves, so that also a run that was killed says whom it may have made. Rows are
whole: each is one write to a file that all generator processes append to. Some of those in the file may not exist on the service, when
their first request failed; `gelombang cleanup` asks for them all the same.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gelombang.clock import utc_now
from gelombang.errors import HostError, RecordError

CREATED_FILE = "created.csv"
CLEANED_FILE = "cleaned.csv"
_CREATED_COLUMNS = ("person", "email", "phone", "feed_rows", "at")
_CLEANED_COLUMNS = ("person", "at")


@dataclass(frozen=True, slots=True)
class Created:
    """One identity. `feed_rows` is such as `accounts:17`, counted from 0."""

    person: int
    email: str
    phone: str
    feed_rows: str
    at: str


class _Rows:
    """A CSV file that is only appended to, a row in one write."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags | os.O_EXCL, 0o600)
            os.write(self._file, (",".join(columns) + "\n").encode())
        except FileExistsError:
            self._file = os.open(path, flags, 0o600)

    def add(self, *values: object) -> None:
        """Append one row. Values hold no comma, quote or line end."""
        try:
            os.write(self._file, (",".join(map(str, values)) + "\n").encode())
        except OSError as error:
            raise HostError(f"{self._path} can't be written ({error.strerror}); want free disk") from error

    def close(self) -> None:
        """Nothing may be added afterwards."""
        os.close(self._file)


class CreatedRows:
    """Writes `created.csv`."""

    def __init__(self, folder: Path) -> None:
        self._rows = _Rows(folder / CREATED_FILE, _CREATED_COLUMNS)

    def add(self, person: int, email: str, phone: str, feed_rows: Mapping[str, int]) -> None:
        """Somebody is about to send their first request."""
        rows = " ".join(f"{feed}:{row}" for feed, row in feed_rows.items())
        self._rows.add(person, email, phone, rows, utc_now().isoformat(timespec="milliseconds"))

    def close(self) -> None:
        """Nothing may be added afterwards."""
        self._rows.close()


class CleanedRows:
    """Writes `cleaned.csv`."""

    def __init__(self, folder: Path) -> None:
        self._rows = _Rows(folder / CLEANED_FILE, _CLEANED_COLUMNS)

    def add(self, person: int) -> None:
        """Somebody's teardown steps have all passed."""
        self._rows.add(person, utc_now().isoformat(timespec="milliseconds"))

    def close(self) -> None:
        """Nothing may be added afterwards."""
        self._rows.close()


def read_created(folder: Path) -> list[Created]:
    """Everybody in `created.csv`, each once, in the order of arrival. Raises RecordError when there is no such file, or it is none."""
    found: dict[int, Created] = {}
    for row in _read(folder / CREATED_FILE, _CREATED_COLUMNS):
        found.setdefault(int(row[0]), Created(int(row[0]), *row[1:]))
    return [found[person] for person in sorted(found)]


def read_cleaned(folder: Path) -> frozenset[int]:
    """Everybody in `cleaned.csv`; nobody when there is no such file."""
    if not (folder / CLEANED_FILE).exists():
        return frozenset()
    return frozenset(int(row[0]) for row in _read(folder / CLEANED_FILE, _CLEANED_COLUMNS))


def _read(path: Path, columns: tuple[str, ...]) -> Iterator[list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} can't be read ({error}); want the folder of a run against a service of your own") from error
    # A last row without its line end belongs to a process that was killed before it sent anything for that person.
    whole = text[: text.rfind("\n") + 1]
    rows = csv.reader(whole.splitlines())
    if (header := next(rows, [])) != list(columns):
        raise RecordError(f"{path} begins with {','.join(header)!r}; want {','.join(columns)}")
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns) or not (row[0].isascii() and row[0].isdigit()):
            raise RecordError(f"{path}: line {number} is {','.join(row)!r}; want {len(columns)} fields, a person's number first")
        yield row
