"""The bed itself does what a browser expects of such a site, so that what our client can't do is not the bed's fault."""

import json
import re
import ssl
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from foreign.bed import sigv4
from foreign.bed_processes import TOKEN, Bed, bed, nginx_program


class Browser:
    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        with self.opener.open(self.bed.url + path, timeout=5) as answer:
            return str(answer.read().decode())

    def csrf(self, path: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path))
        assert found is not None
        return found[1]

    def post(self, path: str, fields: dict[str, str]) -> str:
        with self.opener.open(self.bed.url + path, urlencode(fields).encode(), timeout=5) as answer:
            return str(answer.geturl())

    def json(self, method: str, path: str) -> dict[str, str]:
        request = urllib.request.Request(self.bed.url + path, b"{}", {"content-type": "application/json"}, method=method)
        with self.opener.open(request, timeout=5) as answer:
            found: dict[str, str] = json.loads(answer.read())
            return found


def caught(bed: Bed, address: str) -> str:
    request = urllib.request.Request(bed.catcher_url + "/api/messages?limit=50", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        messages = json.loads(answer.read())["messages"]
    return str(next(m["Snippet"] for m in messages if m["To"][0]["Address"] == address))


def test_somebody_signs_up_confirms_uploads_and_is_checked(shop: Bed) -> None:
    browser = Browser(shop)
    fields = {"name": "Ombak", "email": "ombak@shop.example", "password": "x", "csrf_token": browser.csrf("/signup")}
    assert browser.post("/signup", fields).endswith("/check-your-mail")
    link = re.search(r"https?://\S+", caught(shop, "ombak@shop.example"))
    assert link is not None
    with browser.opener.open(link[0], timeout=5) as answer:
        assert answer.geturl().endswith("/phone")
    assert browser.post("/phone", {"phone": "+6200000000001", "csrf_token": browser.csrf("/phone")}).endswith("/code")
    code = re.search(r"\d{6}", caught(shop, "+6200000000001"))
    assert code is not None
    assert browser.post("/code", {"code": code[0], "csrf_token": browser.csrf("/code")}).endswith("/welcome")
    upload = browser.json("POST", "/uploads")
    assert upload["put_url"].startswith("http://127.0.0.2:")
    put = urllib.request.Request(upload["put_url"], b"jpeg", method="PUT")
    with urllib.request.urlopen(put, timeout=5) as answer:
        assert answer.headers["ETag"]
    browser.json("POST", f"/uploads/{upload['id']}/done")
    states = [browser.json("GET", f"/uploads/{upload['id']}")["status"] for _ in range(3)]
    assert states == ["checking", "checking", "checked"]


def test_a_form_without_its_hidden_field_and_a_put_with_a_wrong_signature_are_refused(shop: Bed) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400") as form:
        Browser(shop).post("/signup", {"name": "a", "email": "b@shop.example", "password": "c"})
    form.value.close()
    signed = sigv4.presigned("PUT", shop.store_url + "/photos/1.jpg", "bed", "bed")
    late = sigv4.presigned("PUT", shop.store_url + "/photos/1.jpg", "bed", "bed", seconds=-1)
    for url in (
        shop.store_url + "/photos/1.jpg",
        signed[:-1] + "_",
        signed.replace("/1.jpg", "/2.jpg"),
        signed.replace("%2F", "/", 1)[:-1],
        late,
    ):
        with pytest.raises(urllib.error.HTTPError, match="403") as put:
            urllib.request.urlopen(urllib.request.Request(url, b"x", method="PUT"), timeout=5)
        put.value.close()
    urllib.request.urlopen(urllib.request.Request(signed, b"x", method="PUT"), timeout=5).close()


def test_the_store_s_signature_is_that_of_the_published_example() -> None:
    """Amazon S3 API reference, "Authenticating Requests: Using Query Parameters", the worked example (us-east-1, 24 May 2013)."""
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
        "X-Amz-Date": "20130524T000000Z",
        "X-Amz-Expires": "86400",
        "X-Amz-SignedHeaders": "host",
    }
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    found = sigv4._signature("GET", "/test.txt", query, "examplebucket.s3.amazonaws.com", secret)
    assert found == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


def test_tls_needs_the_private_authority_and_shows_staff_pages_to_a_client_certificate(shop: Bed) -> None:
    context = ssl.create_default_context(cafile=str(shop.ca_file))
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(shop.https_url + "/staff", timeout=5, context=context)
    refused.value.close()
    context.load_cert_chain(shop.client_certificate, shop.client_key)
    with urllib.request.urlopen(shop.https_url + "/staff", timeout=5, context=context) as answer:
        assert answer.read() == b"staff CN=load-test"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(shop.https_url + "/healthz", timeout=5)


def test_the_shop_slows_down_an_address_that_asks_too_often(tmp_path: Path) -> None:
    if nginx_program() is None:
        pytest.skip("nginx is not installed; want `make packages` (Debian: nginx-light)")
    with bed(tmp_path, {"RATE_PER_SECOND": "1"}) as strict:
        answers = set()
        for _ in range(6):
            try:
                urllib.request.urlopen(strict.url + "/signup", timeout=5).close()
            except urllib.error.HTTPError as refused:
                answers.add((refused.code, refused.headers["Retry-After"]))
                refused.close()
    assert answers == {(429, "1")}
