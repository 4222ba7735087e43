"""`--set key=value`: one value of a scenario changed from the command line.

The key is a path of names with dots between them. In a list, a number is a place (`arrivals.phases.0.for_seconds`) and a name is the step
or objective of that name (`journey.email.read_ratio`). The value is TOML, and text where TOML can't read it.
"""

import copy
import tomllib
from collections.abc import Sequence

from gelombang.errors import InputError
from gelombang.validation import did_you_mean

_NAMES = ("step", "name")


def apply_settings(data: dict[str, object], settings: Sequence[str]) -> dict[str, object]:
    """A copy of a scenario's data with every setting in its place, in order. Raises InputError for one that has none."""
    changed = copy.deepcopy(data)
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not all(path.strip().split(".")):
            raise InputError(f"--set is {setting!r}; want KEY=VALUE such as patience.return_ratio=0.8")
        try:
            put_value(changed, path.strip(), _value(text.strip()))
        except InputError as error:
            raise InputError(f"--set {setting}: {error}") from None
    return changed


def put_value(data: dict[str, object], path: str, value: object) -> None:
    """Put one value in its place, changing `data`. Raises InputError when there is no such place; new keys of tables are put there."""
    keys = path.split(".")
    here: object = data
    for i, key in enumerate(keys):
        last = i == len(keys) - 1
        if isinstance(here, dict):
            if last:
                here[key] = value
            else:
                here = here.setdefault(key, {})
        elif isinstance(here, list):
            place = _place(here, key)
            if last:
                here[place] = value
            else:
                here = here[place]
        else:
            raise InputError(f"{'.'.join(keys[:i])} is {here!r}; want a table or list that has a {key!r}")


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _place(items: list[object], key: str) -> int:
    if key.isdecimal() and int(key) < len(items):
        return int(key)
    names = [next((str(item[k]) for k in _NAMES if k in item), "") if isinstance(item, dict) else "" for item in items]
    if key in names:
        return names.index(key)
    known = [name for name in names if name]
    raise InputError(f"{key!r} is not in the list; want {did_you_mean(key, known) if known else f'a number below {len(items)}'}")
