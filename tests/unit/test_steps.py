"""The closed vocabulary of steps: what is reserved, and what a part may hold."""

import pytest
from pydantic import TypeAdapter, ValidationError

from gelombang.steps import Body, Capture, Step, reserved_faults

STEP: TypeAdapter[Step] = TypeAdapter(Step)
REQUEST = {"step": "account", "form": "request", "method": "POST", "path": "/"}
MESSAGE = {"step": "email", "form": "message", "kind": "email-link", "address": "{email}", "within_seconds": 60.0}
PHOTO = {"step": "ktp", "form": "photo", "photo": "ktp", "protocol": "ticket", "url": "/"}


@pytest.mark.parametrize("step", [REQUEST, MESSAGE, PHOTO])
def test_a_step_with_nothing_reserved_has_no_faults(step: dict[str, object]) -> None:
    assert list(reserved_faults(STEP.validate_python(step), "journey[0]")) == []


@pytest.mark.parametrize(
    ("step", "where"),
    [
        ({**REQUEST, "cookies": True}, "journey[0].cookies"),
        ({**REQUEST, "cookies": False}, "journey[0].cookies"),
        ({**REQUEST, "redirects": "follow"}, "journey[0].redirects"),
        ({**REQUEST, "body": {"form": {"a": "b"}}}, "journey[0].body.form"),
        ({**REQUEST, "capture": {"csrf": {"css": "input[name=csrf]@value"}}}, "journey[0].capture.csrf.css"),
        ({**REQUEST, "success": {"body": "OK"}}, "journey[0].success.body"),
        ({**REQUEST, "hook": "mine:before"}, "journey[0].hook"),
        ({**MESSAGE, "inbox": "imap"}, "journey[0].inbox"),
        ({**PHOTO, "parallel": ["selfie"]}, "journey[0].parallel"),
    ],
)
def test_every_reserved_form_is_refused_where_it_stands(step: dict[str, object], where: str) -> None:
    assert [fault.where for fault in reserved_faults(STEP.validate_python(step), "journey[0]")] == [where]


def test_the_inbox_that_is_built_may_be_named() -> None:
    assert list(reserved_faults(STEP.validate_python({**MESSAGE, "inbox": "harness"}), "journey[0]")) == []


@pytest.mark.parametrize("ways", [{}, {"json_pointer": "/a", "header": "x"}])
def test_a_capture_has_exactly_one_way(ways: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="want exactly one"):
        Capture.model_validate(ways)


def test_a_body_has_at_most_one_form() -> None:
    assert Body.model_validate({"json": {"a": 1}}).json_fields == {"a": 1}
    with pytest.raises(ValidationError, match=r"given 2 forms \(json, raw\)"):
        Body.model_validate({"json": {}, "raw": "x"})
