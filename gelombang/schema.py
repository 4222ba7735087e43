"""JSON Schema (draft 2020-12) of scenarios and profiles, made from their types, so that editors complete, explain and underline.

The files name it in their first line (`#:schema scenario.schema.json`). A scenario that extends another may leave out what that one has.
`python -m gelombang.schema` writes the committed files again.
"""

import json

from pydantic import BaseModel

from gelombang.profile import Profile
from gelombang.resources import profiles_folder, scenarios_folder
from gelombang.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCENARIO_SCHEMA_FILE = "scenario.schema.json"
PROFILE_SCHEMA_FILE = "profile.schema.json"

_LAID_OVER = ("Arrivals", "DefaultScale", "Line", "Patience", "People", "Photo")
"""Tables that may be partial in a scenario that extends another. What is missing in one that stands alone, the check finds."""

JsonSchema = dict[str, object]


def scenario_schema() -> JsonSchema:
    """The schema of a scenario file, before what it extends is laid under it."""
    schema = _schema(Scenario, "A surge of people at a site")
    properties = schema["properties"]
    assert isinstance(properties, dict)
    properties["extends"] = {"type": "string", "description": "Another scenario, whose tables lie under this one's, key by key."}
    properties["change"] = {
        "type": "object",
        "description": "With extends: paths into lists and the values to put there, such as journey.test.think_seconds.",
    }
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    del definitions["Arrivals"]["properties"]["rows"]
    del definitions["CurveRows"]
    del definitions["Feed"]["properties"]["content"]
    del definitions["FeedContent"]
    for table in _LAID_OVER:
        definitions[table].pop("required", None)
    required = schema.pop("required")
    return {**schema, "if": {"required": ["extends"]}, "else": {"required": required}}


def profile_schema() -> JsonSchema:
    """The schema of a profile file."""
    return _schema(Profile, "A site: what it does, and how much of everything it has")


def text_of(schema: JsonSchema) -> str:
    """A schema as the committed files hold it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str) -> JsonSchema:
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True), "title": title}


if __name__ == "__main__":
    (scenarios_folder() / SCENARIO_SCHEMA_FILE).write_text(text_of(scenario_schema()), encoding="utf-8")
    (profiles_folder() / PROFILE_SCHEMA_FILE).write_text(text_of(profile_schema()), encoding="utf-8")
