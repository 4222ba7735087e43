"""What can be wrong with a scenario's feeds before a run: files, columns that nobody has, feeds that nobody reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from gelombang.errors import Fault, FileError, InputError
from gelombang.feed_file import scan_feed
from gelombang.templates import placeholders
from gelombang.validation import did_you_mean

PREFIX = "feed."
Columns = Mapping[str, Sequence[str] | None]
"""By feed; None where the file has a fault, which is said once."""


def place_feeds(section: object, find: Callable[[str], Path | None]) -> Iterator[Fault]:
    """Scan the files of `[feed.NAME]` and put what they hold beside their names; a fault for each thing wrong with them."""
    for name, feed in section.items() if isinstance(section, dict) else ():
        if not isinstance(feed, dict):
            continue
        if "content" in feed:
            yield Fault(f"feed.{name}.content", "written by hand", "only the file's name")
        file = feed.get("file")
        if not isinstance(file, str):
            continue
        found = find(file)
        if found is None:
            yield Fault(f"feed.{name}.file", f"{file!r}, which is not there", "a CSV file, by its path or beside the scenario")
            continue
        try:
            feed["content"] = scan_feed(found, file).model_dump()
        except FileError as error:
            yield from (Fault(f"feed.{name}: {file}: {fault.where}", fault.found, fault.wanted) for fault in error.faults)
        except InputError as error:
            text, _, wanted = str(error).partition("; want ")
            yield Fault(f"feed.{name}.file", text, wanted)


def columns_of(section: object) -> Columns:
    """The columns of each feed of a section that `place_feeds` has gone through."""
    columns: dict[str, Sequence[str] | None] = {}
    for name, feed in section.items() if isinstance(section, dict) else ():
        content = feed.get("content") if isinstance(feed, dict) else None
        columns[str(name)] = content.get("columns") if isinstance(content, dict) else None
    return columns


def column_fault(where: str, name: str, columns: Columns) -> Fault | None:
    """The fault of a placeholder `feed.NAME.column`; None when there is such a column."""
    _, feed, column = name.split(".", 2)
    if feed not in columns:
        wanted = did_you_mean(feed, columns)
        return Fault(where, f"{{{name}}}", f"a feed of this scenario: {wanted}" if wanted else f"a table [feed.{feed}] with its file")
    known = columns[feed]
    if known is None or column in known:
        return None
    return Fault(where, f"{{{name}}}", f"a column of feed.{feed}: {did_you_mean(column, known)}")


def unread_feeds(columns: Columns, texts: Sequence[str]) -> Iterator[Fault]:
    """Feeds that no step asks a value of."""
    read = {name.split(".")[1] for text in texts for name in placeholders(text) if name.startswith(PREFIX)}
    for feed, known in columns.items():
        if feed not in read:
            example = known[0] if known else "column"
            yield Fault(f"feed.{feed}", "read by no step", f"a placeholder such as {{feed.{feed}.{example}}} in a step")


def unread_columns(section: object, columns: Columns, texts: Sequence[str]) -> Iterator[Fault]:
    """Columns of feeds that are read, which no step asks for and which are not said to be spare."""
    read = {name for text in texts for name in placeholders(text) if name.startswith(PREFIX)}
    feeds_read = {name.split(".")[1] for name in read}
    for feed, known in columns.items():
        table = section.get(feed) if isinstance(section, dict) else None
        spare = table.get("spare_columns", ()) if isinstance(table, dict) else ()
        for column in known or ():
            if feed in feeds_read and f"{PREFIX}{feed}.{column}" not in read and column not in spare:
                wanted = f"a placeholder {{feed.{feed}.{column}}} in a step, or {column!r} among its spare_columns"
                yield Fault(f"feed.{feed}", f"a file with the column {column!r}, which no step uses", wanted)
