"""From an OpenAPI document to a scenario: the order of its operations, what one gives to another, what is left for the operator."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gelombang.errors import InputError
from gelombang.har.guessing import guess
from gelombang.har.writing import write_scenario
from gelombang.openapi.document import Document, read_document
from gelombang.openapi.visiting import describe
from gelombang.resources import scenarios_folder

TEMPLATE = (scenarios_folder() / "templates" / "own-service.toml").read_text()


def answers(schema: Mapping[str, object], **more: object) -> dict[str, Any]:
    return {"200": {"description": "done", "content": {"application/json": {"schema": schema}}, **more}}


def sends(schema: Mapping[str, object], kind: str = "application/json", **more: object) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema, **more}}}


def fields(*names: str, **schemas: object) -> dict[str, Any]:
    return {"type": "object", "properties": {**{name: {"type": "string"} for name in names}, **schemas}, "required": [*names]}


def parameter(name: str, place: str = "path", **schema: object) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": {"type": "string", **schema}}


def steps_of(paths: Mapping[str, object], **root: object) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The steps by name, in their order, and what is left for the operator."""
    described = describe(Document("shop.json", {"openapi": "3.1.0", "paths": paths, **root}), "/")
    guessed = guess(*described.people)
    result = write_scenario("mine", "Mine", TEMPLATE, described.people[0], guessed)
    return {step["step"]: step for step in tomllib.loads(result.text)["journey"]}, [*result.left, *described.doubts]


def test_a_thing_is_made_before_it_is_asked_for_and_removed_last() -> None:
    steps, left = steps_of(
        {
            "/orders/{orderId}": {
                "parameters": [parameter("orderId")],
                "delete": {"responses": {"204": {"description": "gone"}}},
                "get": {"responses": answers(fields("state"))},
            },
            "/orders": {"post": {"responses": answers(fields("id"))}},
        }
    )
    assert [(step["method"], step["path"]) for step in steps.values()] == [
        ("POST", "/orders"),
        ("GET", "/orders/{id}"),
        ("DELETE", "/orders/{id}"),
    ]
    assert steps["orders"]["capture"] == {"id": {"json_pointer": "/id"}}
    assert left == []


def test_the_same_name_means_another_thing_below_another_collection() -> None:
    steps, _ = steps_of(
        {
            "/shops": {"post": {"responses": answers(fields("id"))}},
            "/orders": {"post": {"responses": answers(fields("id"))}},
            "/shops/{id}/orders/{orderId}": {"get": {"parameters": [parameter("id"), parameter("orderId")], "responses": answers({})}},
        }
    )
    assert steps["shops-orders"]["path"].count("{") == 2
    names = {name for step in steps.values() for name in step.get("capture", {})}
    assert all(f"{{{name}}}" in steps["shops-orders"]["path"] for name in names)
    assert len(names) == 2


def test_a_link_of_the_document_says_where_a_parameter_comes_from() -> None:
    link = {"pay": {"operationId": "pay", "parameters": {"path.what": "$response.body#/invoice/number"}}}
    steps, left = steps_of(
        {
            "/bills": {"post": {"responses": answers(fields(invoice=fields(number={"type": "string", "format": "uuid"})), links=link)}},
            "/paid/{what}": {"put": {"operationId": "pay", "parameters": [parameter("what")], "responses": answers({})}},
        }
    )
    assert steps["paid"]["path"] == "/paid/{number}"
    assert steps["bills"]["capture"] == {"number": {"json_pointer": "/invoice/number"}}
    assert left == []


def test_who_logs_in_carries_the_session_from_then_on() -> None:
    steps, left = steps_of(
        {
            "/me": {"get": {"responses": answers(fields("name"))}},
            "/login": {
                "post": {"security": [], "requestBody": sends(fields("email", "password")), "responses": answers(fields("access_token"))}
            },
        },
        security=[{"bearer": []}],
        components={"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    )
    assert list(steps) == ["login", "me"]
    assert steps["me"]["headers"] == {"authorization": "Bearer {access_token}"}
    assert steps["login"]["body"]["json"] == {"email": "{feed.accounts.email}", "password": "{feed.accounts.password}"}
    assert left == ["accounts.csv beside the scenario: a header email,password, and a row for each person"]


def test_what_no_answer_holds_is_the_operators_to_supply() -> None:
    steps, left = steps_of({"/vouchers/{voucher}": {"get": {"parameters": [parameter("voucher")], "responses": answers({})}}})
    assert list(steps) == ["vouchers"]
    assert len(left) == 1
    assert left[0].startswith("step vouchers: segment 2 of the path")


def test_examples_stand_as_they_are_but_for_names_of_things_that_were_made() -> None:
    body = sends(
        fields("orderId", "colour", size={"enum": ["small", "large"]}), example={"orderId": "o-1", "colour": "blue", "size": "small"}
    )
    steps, _ = steps_of(
        {
            "/orders": {"post": {"responses": answers(fields("orderId"))}},
            "/parcels": {"post": {"requestBody": body, "responses": answers({})}},
        }
    )
    assert steps["parcels"]["body"]["json"] == {"orderId": "{orderid}", "colour": "blue", "size": "small"}


def test_only_what_a_request_must_have_is_sent_and_what_is_read_only_is_not() -> None:
    schema = {
        "allOf": [
            {**fields("title"), "properties": {"title": {"type": "string"}, "note": {"type": "string"}}},
            {"type": "object", "properties": {"made_at": {"type": "string", "readOnly": True}, "n": {"type": "integer", "minimum": 3}}},
            {"required": ["made_at", "n"]},
        ]
    }
    steps, _ = steps_of({"/notes": {"post": {"requestBody": sends(schema), "responses": answers({})}}})
    assert steps["notes"]["body"]["json"] == {"title": "a title", "n": 3}


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"label": {"type": "string"}, "left": {"$ref": "#/components/schemas/Tree"}}}
    many = {"type": "object", "properties": {f"p{i}": {"$ref": f"#/components/schemas/L{i % 2}"} for i in range(40)}}
    schemas = {"Tree": tree, "L0": many, "L1": {**many}}
    steps, _ = steps_of(
        {
            "/trees": {"post": {"requestBody": sends({"$ref": "#/components/schemas/Tree"}), "responses": answers({})}},
            "/bombs": {"get": {"responses": answers({"$ref": "#/components/schemas/L0"})}},
        },
        components={"schemas": schemas},
    )
    assert steps["trees"]["body"]["json"] == {"label": "a label", "left": {}}
    assert "bombs" in steps


def test_forms_photos_and_files_are_bodies_of_their_own_form() -> None:
    binary = {"type": "string", "format": "binary"}
    parts = {**fields("note", selfie=binary, deed=binary), "required": ["note", "selfie", "deed"]}
    steps, left = steps_of(
        {
            "/forms": {"post": {"requestBody": sends(fields("colour"), "application/x-www-form-urlencoded"), "responses": answers({})}},
            "/ktp": {"put": {"requestBody": sends(binary, "image/jpeg"), "responses": answers({})}},
            "/files": {"post": {"requestBody": sends(parts, "multipart/form-data"), "responses": answers({})}},
        }
    )
    assert steps["forms"]["body"] == {"form": {"colour": "a colour"}}
    assert steps["ktp"]["body"] == {"file": "photo.jpg", "content_type": "image/jpeg"}
    assert steps["files"]["body"]["multipart"]["selfie"] == {"photo": "selfie"}
    assert steps["files"]["body"]["multipart"]["note"] == "a note"
    assert [item for item in left if "deed" in item]


def test_yaml_is_read_as_json_is_and_dates_stay_texts(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "openapi: 3.0.3\ninfo: {title: Toko}\nservers: [{url: 'https://{name}.toko.example/v1', variables: {name: {default: api}}}]\n"
        "paths:\n  /days:\n    post:\n      requestBody:\n        content:\n          application/json:\n"
        "            example: {day: 2027-01-04}\n      responses: {'200': {description: done}}\n"
    )
    document = read_document(file)
    assert (document.title, document.base) == ("Toko", "https://api.toko.example/v1")
    visit = describe(document, "/days").people[0].visits[0]
    assert visit.asked.url == "https://api.toko.example/v1/days"
    assert json.loads(visit.asked.text) == {"day": "2027-01-04"}


def test_deprecated_and_unwanted_operations_are_left_out_and_counted() -> None:
    paths = {"/a": {"get": {"responses": {}}, "post": {"deprecated": True, "responses": {}}}, "/b": {"get": {"responses": {}}}}
    first = describe(Document("d", {"paths": paths}), "/a").people[0]
    assert len(first.visits) == 1
    assert first.dropped == {"other path": 1, "deprecated": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"swagger": "2.0", "paths": {}}', "has openapi: none; want an OpenAPI 3 document"),
        ('{"openapi": "3.1.0"', "can't be read as JSON"),
        ("openapi: 3.1.0\npaths: [", "can't be read as YAML at line"),
        (
            '{"openapi": "3.1.0", "paths": {"/a": {"get": {"$ref": "other.json#/a"}}}}',
            "refers to 'other.json#/a'; want a document in one file",
        ),
        ('{"openapi": "3.1.0", "paths": {"/a": {"get": {"$ref": "#/paths/~1b"}}}}', "which is not there"),
        ('{"openapi": "3.1.0", "paths": {"/a": {"get": {"$ref": "#/paths/~1a/get"}}}}', "leads to no end"),
        ('{"openapi": "3.1.0", "paths": {"/a": 3}}', "paths//a is int; want an object"),
        ('{"openapi": "3.1.0", "paths": {}}', "no operation whose path begins with '/'"),
    ],
)
def test_what_is_no_document_is_said_in_one_sentence_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "api.json"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        describe(read_document(file), "/")
    assert says in str(raised.value)
    assert "api.json" in str(raised.value)
