"""Texts with placeholders."""

import orjson
import pytest

from gelombang.templates import filled, placeholders, texts_below
from gelombang_loadtests.json_template import JsonTemplate


def test_placeholders_are_found_and_filled_in_order() -> None:
    assert placeholders("Bearer {session} of {name}") == ["session", "name"]
    assert filled("Bearer {session} of {name}", {"session": "abc", "name": "Ombak"}) == "Bearer abc of Ombak"


def test_braces_that_hold_no_name_are_text() -> None:
    assert filled('{"a": {"b": 1}} {} a{', {}) == '{"a": {"b": 1}} {} a{'
    assert placeholders('{"a": 1}') == []


def test_a_value_is_not_filled_in_again() -> None:
    assert filled("{name}", {"name": "{email}", "email": "x"}) == "{email}"


def test_a_placeholder_without_a_value_is_an_error_with_its_name() -> None:
    with pytest.raises(KeyError, match="session"):
        filled("Bearer {session}", {"name": "x"})


def test_json_is_filled_to_its_depth_and_keeps_its_types() -> None:
    value = {"name": "{name}", "list": ["{name}", 1, 2.5, True, None], "inner": {"deep": "{name}!"}}
    assert JsonTemplate(value).filled({"name": "Awan"}) == b'{"name":"Awan","list":["Awan",1,2.5,true,null],"inner":{"deep":"Awan!"}}'


def test_marks_that_mean_something_to_json_or_to_formats_are_text() -> None:
    value = {"a%s": '100 %s of {name} "%(x)d"', "empty": {}, "none": [], "100%": "%"}
    made = JsonTemplate(value).filled({"name": 'Ba"yu\\\n%s{x}'})
    assert orjson.loads(made) == {"a%s": '100 %s of Ba"yu\\\n%s{x} "%(x)d"', "empty": {}, "none": [], "100%": "%"}
    assert filled("100 %s of {name} %(x)d", {"name": "%d"}) == "100 %s of %d %(x)d"


def test_json_without_a_value_is_an_error_with_its_name() -> None:
    with pytest.raises(KeyError, match="session"):
        JsonTemplate({"deep": ["{session}"]}).filled({"name": "x"})


def test_texts_are_listed_with_their_paths() -> None:
    assert list(texts_below({"a": "x", "b": ["y", {"c": "z"}], "n": 3}, "body")) == [
        ("body.a", "x"),
        ("body.b[0]", "y"),
        ("body.b[1].c", "z"),
    ]
