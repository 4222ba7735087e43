"""What is wrong with the files in a `dashboards/` folder: stale against the code, against the linter's rules, or no PromQL.

Nothing here needs Prometheus; the command asks its `promtool` besides.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from gelombang_dashboards.build import committed_files
from gelombang_dashboards.expression_lint import syntax_fault
from gelombang_dashboards.lint import faults, queries
from gelombang_dashboards.prometheus import RULE_FILES

BUILD = "gelombang dashboards build"
_EXPRESSION = re.compile(r'^\s*(?:- )?expr: (".*")$')


@dataclass(frozen=True, slots=True)
class Checked:
    """One file, or one thing that was done with it."""

    what: str
    holds: str
    """What was looked at, in words, for when nothing is wrong."""
    faults: Sequence[str]


def check_files(folder: Path) -> Iterator[Checked]:
    """Each generated file of the folder, in the order in which it is written."""
    written = dict(committed_files())
    for name, text in written.items():
        path = folder / name
        try:
            found = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            yield Checked(str(name), "", [f"is missing; want `{BUILD}`"])
            continue
        except (OSError, ValueError) as error:
            yield Checked(str(name), "", [f"can't be read ({error}); want text"])
            continue
        words, more = _content(name, found)
        yield Checked(str(name), f"as built{words}", [*_stale(found, text), *more])
    for path in sorted((folder / "grafana").glob("*.json")):
        if path.relative_to(folder) not in written:
            yield Checked(str(path.relative_to(folder)), "", ["is a page that the code does not write; want it away, or in the catalogue"])


def _stale(found: str, wanted: str) -> list[str]:
    if found == wanted:
        return []
    lines = zip_longest(found.splitlines(), wanted.splitlines())
    first = next((number for number, (is_there, is_built) in enumerate(lines, start=1) if is_there != is_built), 1)
    return [f"is stale from line {first} on; want `{BUILD}`"]


def _content(name: Path, text: str) -> tuple[str, list[str]]:
    """What it holds, in words, and what is wrong with that."""
    if name.parent == Path("grafana"):
        return _page(text)
    if name.name not in RULE_FILES:
        return "", []
    found = [(number, match[1]) for number, line in enumerate(text.splitlines(), start=1) if (match := _EXPRESSION.match(line))]
    wrong = [f"line {number}: {fault}" for number, quoted in found if (fault := _fault_of(quoted)) is not None]
    return f"; {len(found)} expressions, each PromQL", wrong


def _fault_of(quoted: str) -> str | None:
    try:
        expression: str = json.loads(quoted)
    except ValueError as error:
        return f"not a quoted text: {error}"
    return syntax_fault(expression)


def _page(text: str) -> tuple[str, list[str]]:
    try:
        dashboard: object = json.loads(text)
    except ValueError as error:
        return "", [f"is no JSON: {error}"]
    if not isinstance(dashboard, dict):
        return "", ["is no dashboard; want a JSON object"]
    wrong = faults(dashboard)
    return "" if wrong else f"; {queries(dashboard)} queries, each PromQL; no fault by the linter's rules", wrong
