"""Whatever arrives as a form: a photo, or a problem with a name, and never anything else."""

from hypothesis import given
from hypothesis import strategies as st

from gelombang.attempt import Code
from gelombang_server.multipart import photo_part
from gelombang_server.problem import Problem
from tests.support.upload_site import form, jpeg

PHOTO = jpeg(900)
FORM = form(PHOTO)
edits = st.lists(st.tuples(st.integers(0, len(FORM)), st.integers(0, 30), st.binary(max_size=8)), max_size=6)
"""(where, how many bytes go, what comes instead)"""


def read(body: bytes, content_type: str = "multipart/form-data; boundary=xyz") -> bytes | Code:
    try:
        return photo_part(content_type, body)
    except Problem as problem:
        return problem.code


@given(edits)
def test_a_spoiled_form_is_a_photo_or_a_named_problem(changes: list[tuple[int, int, bytes]]) -> None:
    body = bytearray(FORM)
    for at, gone, instead in changes:
        body[at : at + gone] = instead
    found = read(bytes(body))
    assert isinstance(found, bytes) or found in (Code.MALFORMED_REQUEST, Code.FIELD_MISSING)


@given(st.text(max_size=40))
def test_a_spoiled_content_type_is_a_photo_or_a_named_problem(parameters: str) -> None:
    found = read(FORM, f"multipart/form-data; {parameters}")
    assert isinstance(found, bytes) or found in (Code.MALFORMED_REQUEST, Code.FIELD_MISSING)


@given(st.integers(1, len(FORM)))
def test_a_form_that_breaks_off_before_its_boundary_is_malformed(missing: int) -> None:
    found = read(FORM[: len(FORM) - missing])
    if missing > len(b"--\r\n"):
        assert found is Code.MALFORMED_REQUEST
    else:
        assert found in (PHOTO, Code.MALFORMED_REQUEST)  # the photo is whole; what follows its boundary may be read strictly or not


def test_a_whole_form_is_its_photo() -> None:
    assert read(FORM) == PHOTO
