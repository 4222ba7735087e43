"""`--set key=value`: one value of a scenario changed from the command line.

The key is a path of names with dots between them. In a list, a number is a place (`arrivals.phases.0.for_seconds`) and a name is the step
or objective of that name (`journey.email.read_ratio`). The value is TOML, and text where TOML can't read it.
"""

import tomllib

from gelombang.errors import InputError
from gelombang.places import Key
from gelombang.validation import did_you_mean

_NAMES = ("step", "name")


def put_setting(data: dict[str, object], setting: str) -> tuple[Key, ...]:
    """Put the value of one `--set` in its place, changing `data`; the keys of that place. Raises InputError when there is none."""
    path, equals, text = setting.partition("=")
    if not equals or not all(path.strip().split(".")):
        raise InputError(f"--set is {setting!r}; want KEY=VALUE such as patience.return_ratio=0.8")
    try:
        return put_value(data, path.strip(), _value(text.strip()))
    except InputError as error:
        raise InputError(f"--set {setting}: {error}") from None


def put_value(data: dict[str, object], path: str, value: object) -> tuple[Key, ...]:
    """Put one value in its place, changing `data`; the keys of that place. New keys of tables are put there. Raises InputError when there
    is no such place."""
    names = path.split(".")
    keys: list[Key] = []
    here: object = data
    for i, name in enumerate(names):
        last = i == len(names) - 1
        if isinstance(here, dict):
            keys.append(name)
            if last:
                here[name] = value
            else:
                here = here.setdefault(name, {})
        elif isinstance(here, list):
            place = _place(here, name)
            keys.append(place)
            if last:
                here[place] = value
            else:
                here = here[place]
        else:
            raise InputError(f"{'.'.join(names[:i])} is {here!r}; want a table or list that has a {name!r}")
    return tuple(keys)


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
