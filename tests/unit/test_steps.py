"""The closed vocabulary of steps: what a part may hold."""

import pytest
from pydantic import TypeAdapter, ValidationError

from gelombang.steps import Body, Capture, Step, Success, is_upload

STEP: TypeAdapter[Step] = TypeAdapter(Step)
REQUEST = {"step": "account", "form": "request", "method": "POST", "path": "/"}
MESSAGE = {"step": "email", "form": "message", "kind": "email-link", "address": "{email}", "within_seconds": 60.0}
PHOTO = {"step": "ktp", "form": "photo", "photo": "ktp", "protocol": "ticket", "url": "/"}


@pytest.mark.parametrize("ways", [{}, {"json_pointer": "/a", "header": "x"}])
def test_a_capture_has_exactly_one_way(ways: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="want exactly one"):
        Capture.model_validate(ways)


@pytest.mark.parametrize(
    ("capture", "fault"),
    [
        ({"regex": "token=(.*"}, "does not compile"),
        ({"regex": "token=.*"}, "with 0 groups; want exactly one"),
        ({"regex": "(a)(b)"}, "with 2 groups; want exactly one"),
        ({"css": "input[["}, "want a CSS selector"),
        ({"css": "@value"}, "want a CSS selector"),
    ],
)
def test_a_capture_that_can_find_nothing_is_a_fault_of_the_file(capture: dict[str, str], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Capture.model_validate(capture)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({}, "given 0 of contains, matches and equals"),
        ({"contains": "a", "equals": 3}, "given 2 of contains, matches and equals"),
        ({"header": "x", "json_pointer": "/a", "contains": "a"}, "want at most one of them"),
        ({"matches": "("}, "does not compile"),
        ({"contains": "a", "otherwise": "ok"}, "'refused', 'failed'"),
    ],
)
def test_a_rule_asks_one_question_of_one_place(rule: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Success.model_validate({"rules": {"a": rule}})


def test_a_parallel_request_leads_nowhere_of_its_own() -> None:
    beside = {"method": "GET", "path": "/", "success": {"rules": {"a": {"contains": "x", "leads_to": "next"}}}}
    with pytest.raises(ValidationError, match="want it at the step's own request"):
        STEP.validate_python({**REQUEST, "parallel": [beside]})


def test_a_body_has_at_most_one_form() -> None:
    assert Body.model_validate({"json": {"a": 1}}).json_fields == {"a": 1}
    with pytest.raises(ValidationError, match=r"given 2 forms \(json, raw\)"):
        Body.model_validate({"json": {}, "raw": "x"})


def test_only_bodies_without_a_type_of_their_own_are_given_one() -> None:
    assert Body.model_validate({"raw": "<a/>", "content_type": "text/xml"}).content_type == "text/xml"
    with pytest.raises(ValidationError, match="content_type without raw or file"):
        Body.model_validate({"form": {"a": "b"}, "content_type": "text/xml"})


@pytest.mark.parametrize("part", [{}, {"photo": "ktp", "folder": "photos/"}])
def test_a_file_of_a_form_has_exactly_one_source(part: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="want exactly one of them"):
        Body.model_validate({"multipart": {"photo": part}})


def test_what_carries_a_photo_or_file_is_an_upload() -> None:
    assert is_upload(STEP.validate_python(PHOTO))
    assert is_upload(STEP.validate_python({**REQUEST, "body": {"multipart": {"p": {"photo": "ktp"}}}}))
    assert is_upload(STEP.validate_python({**REQUEST, "body": {"file": "a.pdf"}}))
    assert not is_upload(STEP.validate_python({**REQUEST, "body": {"multipart": {"p": "text"}}}))
    assert not is_upload(STEP.validate_python(MESSAGE))


@pytest.mark.parametrize(
    ("body", "drawn"),
    [
        ({"multipart": {"p": {"photo": "ktp"}}}, True),
        ({"tus": {"photo": "selfie"}}, True),
        ({"multipart": {"p": {"folder": "photos"}, "q": "text"}}, False),
        ({"tus": {"file": "a.pdf"}}, False),
        ({"raw": "x"}, False),
    ],
)
def test_a_body_says_whether_a_photo_must_be_drawn_for_it(body: dict[str, object], drawn: bool) -> None:
    assert Body.model_validate(body).has_photo is drawn
