"""Where a redirect leads, and with which method."""

import pytest

from gelombang_loadtests.redirects import next_hop

URL = "http://127.0.0.1:9/a/b?c=1"


@pytest.mark.parametrize(
    ("method", "status", "becomes"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("GET", 302, "GET"),
        ("PUT", 302, "PUT"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
    ],
)
def test_the_method_after_a_redirect_is_that_of_the_standard(method: str, status: int, becomes: str) -> None:
    hop = next_hop(method, URL, status, {b"location": b"/x"})
    assert hop is not None
    assert (hop.method, hop.url) == (becomes, "http://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"next", "http://127.0.0.1:9/a/next"),
        (b"?d=2", "http://127.0.0.1:9/a/b?d=2"),
        (b"//other.example/x#part", "http://other.example/x"),
        (b"https://other.example/x", "https://other.example/x"),
    ],
)
def test_a_location_is_read_beside_the_page_it_came_from(location: bytes, url: str) -> None:
    hop = next_hop("GET", URL, 302, {b"location": location})
    assert hop is not None
    assert hop.url == url


@pytest.mark.parametrize(("status", "headers"), [(200, {b"location": b"/x"}), (302, {}), (304, {b"location": b"/x"})])
def test_what_leads_nowhere_is_an_answer(status: int, headers: dict[bytes, bytes]) -> None:
    assert next_hop("GET", URL, status, headers) is None


def test_the_body_stays_behind_where_the_method_changes() -> None:
    kept = {(s, h.with_body) for s in (302, 303, 307) if (h := next_hop("POST", URL, s, {b"location": b"/x"}))}
    assert kept == {(302, False), (303, False), (307, True)}
