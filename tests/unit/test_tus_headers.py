"""The headers of tus as the server reads and writes them."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from gelombang.attempt import Code
from gelombang.steps import PhotoKind
from gelombang_server.problem import Problem
from gelombang_server.tus.protocol import (
    METADATA_LIMIT_BYTES,
    Checksum,
    read_checksum,
    read_creation,
    read_metadata,
    read_number,
    require_version,
    upload_expires,
    upload_limit,
)

DIGEST = "ab" * 32


def test_a_creation_says_which_photo_and_which_file() -> None:
    digest = b64encode(DIGEST.encode()).decode()
    text = f"kind c2VsZmll,sha256 {digest},filename YS5qcGc=,private"
    creation = read_creation({"Upload-Length": "5", "Upload-Metadata": text})
    assert creation == (PhotoKind.SELFIE, 5, DIGEST, text)


def test_a_file_without_a_digest_is_never_taken_for_another_one() -> None:
    assert read_creation({"Upload-Length": "5", "Upload-Metadata": "kind a3Rw"}).sha256 is None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Metadata": "kind a3Rw"}, Code.MALFORMED_REQUEST),
        ({"Upload-Length": "+5", "Upload-Metadata": "kind a3Rw"}, Code.MALFORMED_REQUEST),
        ({"Upload-Length": "9" * 16, "Upload-Metadata": "kind a3Rw"}, Code.MALFORMED_REQUEST),
        ({"Upload-Length": "5", "Upload-Metadata": "kind a3Rw", "Content-Length": "5"}, Code.MALFORMED_REQUEST),
        ({"Upload-Length": "5", "Upload-Metadata": "kind a3Rw", "Transfer-Encoding": "chunked"}, Code.MALFORMED_REQUEST),
        ({"Upload-Length": "5"}, Code.FIELD_MISSING),
    ],
)
def test_a_creation_that_is_not_understood_is_refused_by_name(headers: dict[str, str], code: Code) -> None:
    with pytest.raises(Problem) as found:
        read_creation(headers)
    assert found.value.code is code


def test_metadata_are_names_each_once_with_a_value_in_base64() -> None:
    assert read_metadata("") == {}
    assert read_metadata("a YQ==, b,c ") == {"a": b"a", "b": b"", "c": b""}
    for bad in ("a YQ==,a YQ==", "a b c", "a *", ",", "é YQ==", "x" * (METADATA_LIMIT_BYTES + 1)):
        with pytest.raises(Problem):
            read_metadata(bad)


def test_a_checksum_has_the_length_that_its_algorithm_gives() -> None:
    assert read_checksum({}) is None
    assert read_checksum({"Upload-Checksum": f"md5 {b64encode(bytes(16)).decode()}"}) == Checksum("md5", bytes(16))
    for bad in ("md5 AAAA", "sha512 AAAA", "md5", "", "md5 *"):
        with pytest.raises(Problem):
            read_checksum({"Upload-Checksum": bad})


def test_offsets_are_whole_numbers_in_digits() -> None:
    assert read_number({"Upload-Offset": "007"}, "Upload-Offset") == 7
    for bad in ("", "-1", "1.0", "٣", " 1"):
        with pytest.raises(Problem):
            read_number({"Upload-Offset": bad}, "Upload-Offset")


def test_only_version_1_0_0_is_spoken() -> None:
    require_version({"Tus-Resumable": "1.0.0"})
    for headers in ({}, {"Tus-Resumable": "1.0"}):
        with pytest.raises(Problem) as found:
            require_version(headers)
        assert found.value.code is Code.PROTOCOL_VERSION_UNKNOWN


def test_limits_and_ends_are_told_in_the_headers_forms() -> None:
    assert upload_limit(2_000_000, 3_600.0) == "max-size=2000000, max-age=3600"
    assert upload_limit(1, 0.02) == "max-size=1, max-age=1"
    assert upload_expires(datetime(2020, 4, 11, 19, 0, 5, tzinfo=UTC)) == "Sat, 11 Apr 2020 19:00:05 GMT"
