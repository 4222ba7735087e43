"""The JSON Schemas beside the files: made from the types, and not stale."""

import json
import tomllib
from pathlib import Path

import pytest

from gelombang.resources import profiles_folder, scenarios_folder
from gelombang.schema import JsonSchema, profile_schema, scenario_schema, text_of

SCENARIO = scenario_schema()
PROFILE = profile_schema()
REWRITE = "is stale; run python -m gelombang.schema"


def test_the_committed_schema_of_scenarios_is_that_of_the_types() -> None:
    assert (scenarios_folder() / "scenario.schema.json").read_text() == text_of(SCENARIO), REWRITE


def test_the_committed_schema_of_profiles_is_that_of_the_types() -> None:
    assert (profiles_folder() / "profile.schema.json").read_text() == text_of(PROFILE), REWRITE


@pytest.mark.parametrize("schema", [SCENARIO, PROFILE])
def test_a_schema_names_its_dialect_and_refuses_unknown_keys(schema: JsonSchema) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False


def test_docstrings_of_fields_are_descriptions() -> None:
    text = json.dumps(PROFILE)
    assert "How many uploads may have a turn at once: the upload slots." in text


@pytest.mark.parametrize("path", sorted(scenarios_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_every_scenario_names_its_schema_and_uses_keys_that_it_knows(path: Path) -> None:
    assert path.read_text().startswith("#:schema scenario.schema.json\n")
    assert unknown_keys(tomllib.loads(path.read_text()), SCENARIO, SCENARIO) == []


@pytest.mark.parametrize("path", sorted(profiles_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_names_its_schema_and_has_what_it_requires(path: Path) -> None:
    assert path.read_text().startswith("#:schema profile.schema.json\n")
    data = tomllib.loads(path.read_text())
    assert unknown_keys(data, PROFILE, PROFILE) == []
    alone = PROFILE["else"]
    assert isinstance(alone, dict)
    assert "extends" in data or set(alone["required"]) <= set(data)


def test_a_scenario_that_extends_another_may_leave_things_out() -> None:
    schema = SCENARIO
    assert "required" not in schema
    assert schema["if"] == {"required": ["extends"]}
    assert schema["else"] == {
        "required": ["name", "title", "opens_at", "profiles", "drain_seconds", "arrivals", "people", "patience", "journey"]
    }


def test_what_only_the_loader_writes_is_not_offered_to_people() -> None:
    assert '"rows"' not in text_of(SCENARIO)


def unknown_keys(value: object, schema: object, root: JsonSchema, where: str = "") -> list[str]:
    """Keys of tables that no fitting branch of a schema knows; enough of the standard for the schemas here."""
    branches = branches_of(schema, root)
    if isinstance(value, list):
        items = [branch["items"] for branch in branches if "items" in branch]
        return [found for i, item in enumerate(value) for found in unknown_keys(item, {"anyOf": items}, root, f"{where}[{i}]")]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for key, item in value.items():
        fitting = [branch["properties"][key] for branch in branches if key in branch.get("properties", {})]
        open_ones = [b["additionalProperties"] for b in branches if b.get("additionalProperties") not in (None, False)]
        open_ones += [rule for b in branches for rule in b.get("patternProperties", {}).values()]
        free = any("properties" not in b and "additionalProperties" not in b and b.get("type") == "object" for b in branches)
        if fitting or open_ones:
            found += unknown_keys(item, {"anyOf": fitting or open_ones}, root, f"{where}.{key}")
        elif not free:
            found.append(f"{where}.{key}")
    return found


def branches_of(schema: object, root: JsonSchema) -> list[dict[str, dict[str, object]]]:
    if schema is True:
        return [{"type": "object"}]  # type: ignore[dict-item]
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        definitions = root["$defs"]
        assert isinstance(definitions, dict)
        return branches_of(definitions[schema["$ref"].removeprefix("#/$defs/")], root)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return [branch for part in schema[choice] for branch in branches_of(part, root)]
    return [schema]
