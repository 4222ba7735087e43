"""Where photos are when they are objects: what a URL says, and what none may say."""

import pytest
from pydantic import ValidationError

from gelombang.profile_objects import Objects, ObjectsPlace, read_objects_url
from gelombang_server.objects.address import code_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://photos", ObjectsPlace("photos", None, None, "us-east-1")),
        ("s3://photos/", ObjectsPlace("photos", None, None, "us-east-1")),
        ("s3://photos/site/2020?region=ap-southeast-3", ObjectsPlace("photos", "site/2020", None, "ap-southeast-3")),
        ("s3://photos/a?endpoint=http://127.0.0.1:9000/", ObjectsPlace("photos", "a", "http://127.0.0.1:9000", "us-east-1")),
        ("s3://photos/a?endpoint=https%3A%2F%2Fs3.example", ObjectsPlace("photos", "a", "https://s3.example", "us-east-1")),
    ],
)
def test_a_url_says_bucket_prefix_endpoint_and_region(url, place):
    assert read_objects_url(url) == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://photos/a", "want s3://BUCKET/PREFIX"),
        ("s3://ani:rahasia@photos/a", "want AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the server's environment"),
        ("s3:///a", "want 3 to 63 lower-case letters"),
        ("s3://Photos/a", "want 3 to 63 lower-case letters"),
        ("s3://photos/a b", "want letters, digits"),
        ("s3://photos/a//b", "want letters, digits"),
        ("s3://photos/a?endpoint=ftp://x", "want http://HOST:PORT or https://HOST"),
        ("s3://photos/a?endpoint=http://ani:rahasia@x", "want http://HOST:PORT or https://HOST"),
        ("s3://photos/a?region=nowhere%20at%20all", "want one such as us-east-1"),
        ("s3://photos/a?access_key_id=x", "url has access_key_id; want endpoint and region alone"),
        ("s3://photos/a#x", "want s3://BUCKET/PREFIX"),
    ],
)
def test_a_url_that_says_something_else_is_told_what_is_wanted(url, said):
    with pytest.raises(ValidationError) as told:
        Objects(url=url)
    assert said in str(told.value)


def test_one_try_may_not_be_longer_than_all_of_them():
    with pytest.raises(ValidationError, match="want a try not above the whole"):
        Objects(url="s3://photos", put_seconds=1.0, try_seconds=2.0)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError("Generic S3 error\ninner: Status {\n status: 500,"), "OBJECTS_GONE"),
        (OSError("Generic S3 error\ninner: Status {\n status: 503,"), "OBJECTS_SLOW"),
        (OSError("Generic S3 error\ninner: Status {\n status: 429,"), "OBJECTS_SLOW"),
        (OSError("Generic S3 error\ninner: Status {\n status: 400,"), "OBJECTS_REFUSED"),
        (OSError("inner: Http(\n HttpError {\n kind: Timeout,"), "OBJECTS_SLOW"),
        (OSError("inner: Http(\n HttpError {\n kind: Connect,"), "OBJECTS_GONE"),
        (TimeoutError(), "OBJECTS_SLOW"),
        (FileNotFoundError("no such bucket"), "OBJECTS_REFUSED"),
        (ValueError("something new"), "OBJECTS_GONE"),
    ],
)
def test_each_trouble_has_a_name_and_what_nobody_knows_is_a_store_that_is_gone(error, name):
    assert code_of(error).name == name
