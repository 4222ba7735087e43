"""Figures that a benchmark writes into a page: the lines between two marks of a Markdown file, and nothing else of it."""

from collections.abc import Sequence
from pathlib import Path


def write_between(path: Path, name: str, lines: Sequence[str]) -> None:
    """Put `lines` between `<!-- name -->` and `<!-- /name -->`. Ends the program when the file has no such marks."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, has_begin, rest = path.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise SystemExit(f"{path} has no lines {begin} and {end}; want them around the place for the figures")
    path.write_text(before + begin + "\n" + "\n".join(lines) + "\n" + end + after)
