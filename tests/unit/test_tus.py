"""The tus protocol as an upload page speaks it: which request is next, whatever the site answers."""

import hashlib
from base64 import b64decode, b64encode
from typing import Any

import pytest
from pydantic import ValidationError

from gelombang.attempt import Outcome
from gelombang.step_parts import TusUpload
from gelombang.steps import RequestStep
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.tus import CHUNKS_LIMIT, Upload, Verdict, Wanted, piece_of

DATA = bytes(range(256)) * 4
CREATED = Answer(status=201, headers={b"location": b"/files/a"})
LOST = Answer(outcome_error=Outcome.RESET)


def begun(url: str | None = None, **settings: Any) -> Upload:
    body = TusUpload.model_validate({"file": "x.bin", "resume_seconds": 2.0, **settings})
    return Upload(body, "http://site.example/files?to=1", (DATA[:100], memoryview(DATA)[100:]), {"name": "ü", "empty": ""}, url)


def stands(offset: int | str, status: int = 204, **headers: str) -> Answer:
    more = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Answer(status=status, headers={b"upload-offset": str(offset).encode(), **more})


def told(upload: Upload, *answers: Answer) -> Verdict | None:
    """What came of the last of these answers, each to the request that was wanted."""
    verdict = None
    for answer in answers:
        asked = upload.wanted()
        outcomes = {409: Outcome.CONFLICT, 404: Outcome.INVALID, 410: Outcome.EXPIRED, 460: Outcome.INVALID}
        outcome = answer.outcome_error or outcomes.get(answer.status, Outcome.FAILED if answer.status >= 500 else Outcome.OK)
        verdict = upload.take(answer, outcome, asked.url)
    return verdict


def body_of(wanted: Wanted) -> bytes:
    return b"".join(bytes(part) for part in wanted.content)


def test_an_upload_is_created_with_its_length_and_metadata() -> None:
    asked = begun().wanted()
    assert (asked.method, asked.url, asked.content) == ("POST", "http://site.example/files?to=1", ())
    assert asked.headers == {"tus-resumable": "1.0.0", "upload-length": "1024", "upload-metadata": "name w7w=,empty"}
    assert b64decode("w7w=").decode() == "ü"


def test_one_patch_carries_everything_where_no_chunk_size_is_given() -> None:
    upload = begun()
    assert told(upload, CREATED) is None
    asked = upload.wanted()
    assert (asked.method, asked.url, body_of(asked)) == ("PATCH", "http://site.example/files/a", DATA)
    assert asked.headers == {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    assert told(upload, stands(1024)) == Verdict(Outcome.OK)


def test_chunks_follow_one_another_with_their_checksums() -> None:
    upload = begun(chunk_bytes=600, checksum="sha1")
    told(upload, CREATED)
    first = upload.wanted()
    assert body_of(first) == DATA[:600]
    assert first.headers["upload-checksum"] == "sha1 " + b64encode(hashlib.sha1(DATA[:600]).digest()).decode()
    told(upload, stands(600))
    second = upload.wanted()
    assert (second.headers["upload-offset"], body_of(second)) == ("600", DATA[600:])


@pytest.mark.parametrize("broken", [LOST, Answer(status=500), Answer(status=409), Answer(status=423), Answer(status=460)])
def test_after_a_break_the_site_is_asked_where_it_stands_and_the_upload_goes_on_from_there(broken: Answer) -> None:
    upload = begun()
    assert told(upload, CREATED, broken) is None
    asked = upload.wanted()
    assert (asked.method, asked.url, asked.after_seconds) == ("HEAD", "http://site.example/files/a", 2.0)
    assert told(upload, stands(700, 200, upload_length="1024")) is None
    assert (upload.wanted().headers["upload-offset"], body_of(upload.wanted())) == ("700", DATA[700:])


def test_a_chunk_of_which_a_part_was_kept_is_gone_on_with_and_one_of_which_nothing_was_kept_is_a_break() -> None:
    upload = begun()
    assert told(upload, CREATED, stands(10)) is None
    assert upload.wanted().headers["upload-offset"] == "10"
    assert told(upload, stands(10)) is None
    assert upload.wanted().method == "HEAD"


def test_an_upload_whose_last_answer_was_lost_is_found_to_be_done() -> None:
    assert told(begun(), CREATED, LOST, stands(1024, 200)) == Verdict(Outcome.OK)


def test_as_many_breaks_as_are_allowed_are_got_over_and_no_more() -> None:
    upload = begun(resumes_limit=2)
    assert told(upload, CREATED, LOST, LOST) is None
    assert told(upload, LOST) == Verdict(Outcome.RESET)
    assert told(begun(resumes_limit=0), CREATED, Answer(status=409)) == Verdict(
        Outcome.FAILED, "status 409, at byte 0 of 1,024, after 0 breaks"
    )


def test_a_lost_creation_is_tried_again() -> None:
    upload = begun()
    assert told(upload, LOST) is None
    assert upload.wanted().method == "POST"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_upload_that_the_site_has_no_more_is_created_anew_once(status: int) -> None:
    upload = begun()
    assert told(upload, CREATED, Answer(status=status)) is None
    assert upload.wanted().method == "POST"
    again = told(upload, CREATED, Answer(status=status))
    assert again is not None
    assert again.reason == "the upload is gone, a second time"


def test_what_an_earlier_attempt_began_is_asked_after_first() -> None:
    upload = begun("http://site.example/files/old")
    assert (upload.wanted().method, upload.wanted().url) == ("HEAD", "http://site.example/files/old")
    assert told(upload, stands(1000, 200)) is None
    assert body_of(upload.wanted()) == DATA[1000:]


def test_an_upload_of_another_length_is_not_ours() -> None:
    upload = begun("http://site.example/files/old")
    assert told(upload, stands(3, 200, upload_length="99")) is None
    assert upload.wanted().method == "POST"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([Answer(status=201)], "without a Location"),
        ([CREATED, Answer(status=204)], "PATCH: Upload-Offset none of 1024 bytes"),
        ([CREATED, stands("-1")], "PATCH: Upload-Offset -1 of"),
        ([CREATED, stands(1025)], "PATCH: Upload-Offset 1025 of"),
        ([CREATED, LOST, stands("x", 200)], "HEAD: Upload-Offset x of"),
    ],
)
def test_an_answer_that_is_no_tus_is_a_fault_of_the_protocol(answers: list[Answer], said: str) -> None:
    verdict = told(begun(), *answers)
    assert verdict is not None
    assert verdict.outcome is Outcome.PROTOCOL
    assert said in verdict.reason


def test_what_the_site_refuses_ends_the_upload() -> None:
    upload = begun()
    upload.wanted()
    assert upload.take(Answer(status=413), Outcome.TOO_LARGE, "http://site.example/files") == Verdict(Outcome.TOO_LARGE)
    told(waiting := begun(), CREATED)
    assert waiting.take(Answer(status=503), Outcome.REFUSED, "") == Verdict(Outcome.REFUSED)


def test_no_upload_has_more_chunks_than_a_row_can_count() -> None:
    upload = begun(chunk_bytes=1)
    verdict = told(upload, CREATED)
    chunks = 0
    while verdict is None:
        chunks += 1
        offset = int(upload.wanted().headers["upload-offset"]) + len(body_of(upload.wanted()))
        verdict = told(upload, stands(offset))
    assert chunks <= CHUNKS_LIMIT


def test_pieces_are_views_across_parts() -> None:
    parts = [memoryview(b"abc"), memoryview(b""), memoryview(b"defg"), memoryview(b"h")]
    for begin in range(9):
        for length in range(9):
            assert b"".join(piece_of(parts, begin, length)) == b"abcdefgh"[begin : begin + length]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"method": "PUT", "body": {"tus": {"photo": "ktp"}}}, "a tus body with method PUT; want POST"),
        ({"body": {"tus": {}}}, "given 0 of photo, folder and file"),
        ({"body": {"tus": {"photo": "ktp", "file": "x"}}}, "given 2 of photo, folder and file"),
        ({"body": {"tus": {"photo": "ktp", "chunk_bytes": 0}}}, "greater than 0"),
        ({"body": {"tus": {"photo": "ktp", "metadata": {"a b": "x"}}}}, "pattern"),
        ({"body": {"tus": {"photo": "ktp", "resumes_limit": 21}}}, "less than or equal to 20"),
        (
            {"body": {"tus": {"photo": "ktp"}}, "repeat_until": {"contains": "x", "every_seconds": 1.0, "times_limit": 2}},
            "a tus body with repeat_until",
        ),
        ({"parallel": [{"method": "PUT", "path": "/", "body": {"tus": {"photo": "ktp"}}}]}, "a tus body with method PUT"),
    ],
)
def test_what_can_not_be_sent_by_tus_is_a_fault_of_the_file(step: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RequestStep.model_validate({"step": "send", "form": "request", "method": "POST", "path": "/files", **step})
