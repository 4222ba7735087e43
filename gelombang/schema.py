"""JSON Schema (draft 2020-12) of scenarios and profiles, made from their types, so that editors complete, explain and underline.

The files name it in their first line (`#:schema scenario.schema.json`). A file that extends another may leave out what that one has.
`python -m gelombang.schema` writes the committed files again.
"""

import json
from collections.abc import Sequence

from pydantic import BaseModel

from gelombang.profile import Profile
from gelombang.resources import profiles_folder, scenarios_folder
from gelombang.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCENARIO_SCHEMA_FILE = "scenario.schema.json"
PROFILE_SCHEMA_FILE = "profile.schema.json"

_LAID_OVER = ("Arrivals", "Complaints", "DefaultScale", "Line", "Patience", "People", "Photo")
"""Tables that may be partial in a scenario that extends another. What is missing in one that stands alone, the check finds."""
_PROFILE_LAID_OVER = (
    *("Api", "Checks", "Credentials", "Messages", "Password", "Registry"),
    *("Programme", "Store", "Test", "Tickets", "Uploads"),
)
"""The same in a profile."""

JsonSchema = dict[str, object]


def scenario_schema() -> JsonSchema:
    """The schema of a scenario file, before what it extends is laid under it."""
    schema = _schema(Scenario, "A surge of people at a site")
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    del definitions["Arrivals"]["properties"]["rows"]
    del definitions["CurveRows"]
    del definitions["Feed"]["properties"]["content"]
    del definitions["FeedContent"]
    return _extending(schema, "scenario", "journey.test.think_seconds", _LAID_OVER)


def profile_schema() -> JsonSchema:
    """The schema of a profile file, before what it extends is laid under it."""
    schema = _schema(Profile, "A site: what it does, and how much of everything it has")
    return _extending(schema, "profile", "store.stalls.0.for_seconds", _PROFILE_LAID_OVER)


def _extending(schema: JsonSchema, what: str, path: str, laid_over: Sequence[str]) -> JsonSchema:
    """The same for a file that may extend another: it may leave out tables, and keys of the tables that are laid over others."""
    properties, definitions = schema["properties"], schema["$defs"]
    assert isinstance(properties, dict)
    assert isinstance(definitions, dict)
    properties["extends"] = {"type": "string", "description": f"Another {what}, whose tables lie under this one's, key by key."}
    properties["change"] = {
        "type": "object",
        "description": f"With extends: paths into lists and the values to put there, such as {path}.",
    }
    for table in laid_over:
        definitions[table].pop("required", None)
    required = schema.pop("required")
    return {**schema, "if": {"required": ["extends"]}, "else": {"required": required}}


def text_of(schema: JsonSchema) -> str:
    """A schema as the committed files hold it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str) -> JsonSchema:
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True), "title": title}


if __name__ == "__main__":
    (scenarios_folder() / SCENARIO_SCHEMA_FILE).write_text(text_of(scenario_schema()), encoding="utf-8")
    (profiles_folder() / PROFILE_SCHEMA_FILE).write_text(text_of(profile_schema()), encoding="utf-8")
