"""A profile as TOML, so that what a plan worked out can be run: only what the profile type holds, in its order."""

import json

from gelombang.profile import Profile


def profile_text(profile: Profile, comment: str) -> str:
    """The file's text; `comment` stands at its top. Reading it again gives the same profile."""
    lines = [f"# {line}" for line in comment.splitlines()]
    tables: list[tuple[str, dict[str, object]]] = []
    for name, value in profile.model_dump(mode="json", exclude_none=True).items():
        if name == "schema_version":
            continue
        if isinstance(value, dict):
            tables.append((name, value))
        else:
            lines.append(f"{name} = {_value(value)}")
    for name, table in tables:
        _table(lines, name, table)
    return "\n".join(lines) + "\n"


def _table(lines: list[str], name: str, table: dict[str, object]) -> None:
    lines += ["", f"[{name}]"]
    below = []
    for key, value in table.items():
        if isinstance(value, dict) and "kind" not in value:
            below.append((f"{name}.{key}", value))
        elif value != []:
            lines.append(f"{key} = {_value(value)}")
    for key, inner in below:
        _table(lines, key, inner)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_value(each)}" for key, each in value.items() if key != "kind")
        return f"{{ {inside} }}"
    assert isinstance(value, int | float)
    return repr(value)
