"""What callgrind wrote: instructions by function.

Promise: the sum over functions is the file's own total, or the file is refused; a function is what it is called and the library it lies in.
Idea: the format is a list of cost lines under a current function ("Callgrind Format Specification", Valgrind manual, section 7): names are
given once with a number and later by the number alone, and the line after `calls=` is what the called function took, which is counted where
it is its own. Left out: source lines, inlined parts, and who called whom.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gelombang.errors import InputError

_NAME = re.compile(r"\((\d+)\)(?: (.*))?")
_COST = re.compile(r"(?:[+-]?\d+|\*)(?: (\d+))?")
_TOTAL = re.compile(r"(?:totals|summary): (\d+)")


def instructions_by_function(path: Path) -> Counter[str]:
    """Each function's own instructions. Raises InputError for what is no whole profile of one event."""
    names: dict[str, dict[str, str]] = {"ob": {}, "fn": {}}
    found: Counter[str] = Counter()
    here, total, library, is_inclusive = "", None, "", False
    for line in _lines(path):
        key, is_setting, value = line.partition("=")
        if is_setting:
            if key in ("ob", "cob", "fn", "cfn"):
                name = _named(names[key[-2:]], value)
                library = Path(name).name if key == "ob" else library
                here = f"{name} [{library}]" if key == "fn" else here
            is_inclusive = key == "calls"
        elif match := _COST.fullmatch(line):
            if not is_inclusive:
                found[here] += int(match[1] or 0)
            is_inclusive = False
        elif match := _TOTAL.match(line):
            total = int(match[1])
    if total is None or found.total() != total:
        raise InputError(f"{path} is no whole profile ({found.total()} instructions of {total}); want one that callgrind finished")
    return found


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(errors="replace") as file:
            for line in file:
                yield line.strip()
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); want a profile of callgrind") from None


def _named(known: dict[str, str], value: str) -> str:
    match = _NAME.fullmatch(value)
    if match is None:
        return value
    number, name = match[1], match[2]
    if name is not None:
        known[number] = name
    return known[number]
