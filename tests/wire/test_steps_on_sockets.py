"""Steps of every form against a real site: what is on the wire, and what the ledger says afterwards."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from gelombang.attempt import Code, Fate, Outcome
from tests.support.small_scenario import KTP, scenario
from tests.wire.step_walk import FIRST, SECOND, walk
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site
from tests.wire.test_engine_on_sockets import Run


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


def asked_with(folder: Path, step: dict[str, Any]) -> Asked:
    with stub_site(fine) as site:
        assert walk(folder, site, FIRST | step).fate_count(Fate.FINISHED) == 1
    (asked,) = site.asked
    return asked


def test_a_page_s_form_is_sent_encoded(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, {"body": {"form": {"mail": "{email}", "note": "a&b = ü"}}})
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.body == b"mail=pendaftar.0.5%40warga.example&note=a%26b+%3D+%C3%BC"


def test_a_query_is_added_to_the_path(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, {"path": "/find?page=1", "query": {"who": "{email}", "q": "x y"}})
    assert asked.path == "/find?page=1&who=pendaftar.0.5%40warga.example&q=x+y"


def test_a_value_can_t_break_the_request_s_line(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, {"path": "/by-name/{name} HTTP/1.1\r\nx-smuggled: 1"})
    assert asked.path.endswith("%20HTTP/1.1%0D%0Ax-smuggled:%201")
    assert "x-smuggled" not in asked.headers


def test_a_raw_text_has_the_type_that_the_step_gives_it(tmp_path: Path) -> None:
    asked = asked_with(tmp_path, {"body": {"raw": "<who>{email}</who>", "content_type": "text/xml"}, "headers": {"Accept": "text/html"}})
    assert (asked.headers["content-type"], asked.headers["accept"]) == ("text/xml", "text/html")
    assert asked.body == b"<who>pendaftar.0.5@warga.example</who>"


def test_a_file_goes_out_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(bytes(range(256)) * 2_000)
    asked = asked_with(tmp_path, {"method": "PUT", "body": {"file": str(file)}})
    assert asked.headers["content-type"] == "application/pdf"
    assert asked.body == file.read_bytes()


def test_a_multipart_form_holds_texts_a_drawn_photo_and_one_of_our_files(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("one.png", "two.png"):
        (folder / name).write_bytes(name.encode() * 10_000)
    body = {"multipart": {"csrf": "{phone}", "scan": {"photo": "ktp", "filename": 'my "scan".jpg'}, "other": {"folder": str(folder)}}}
    asked = asked_with(tmp_path, {"body": body})
    parts = asked.body.split(b"--" + asked.headers["content-type"].partition("boundary=")[2].encode())
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    text, photo, own = (part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts[1:-1])
    assert text == [b'Content-Disposition: form-data; name="csrf"', b"+6200000000000"]
    assert photo[0] == b'Content-Disposition: form-data; name="scan"; filename="my %22scan%22.jpg"\r\nContent-Type: image/jpeg'
    assert len(photo[1]) == 3_000_000
    name = own[0].split(b'filename="')[1][:7]
    assert own == [b'Content-Disposition: form-data; name="other"; filename="%b"\r\nContent-Type: image/png' % name, name * 10_000]


def test_who_tries_again_sends_the_same_file(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}").write_bytes(f"{number}".encode())

    with stub_site(lambda site, asked: Reply(500 if asked.number == 1 else 200)) as site:
        walk(tmp_path, site, FIRST | {"body": {"multipart": {"p": {"folder": str(folder)}}}})
    first, again = (asked.body for asked in site.asked)
    assert first == again


def test_a_photo_in_a_form_that_is_too_large_is_sent_again_smaller(tmp_path: Path) -> None:
    with stub_site(lambda site, asked: Reply(413 if len(asked.body) > 1_000_000 else 200)) as site:
        run = walk(tmp_path, site, FIRST | {"body": {"multipart": {"p": {"photo": "ktp"}}}})
    assert [Outcome(value) for value in run.attempts["outcome"]] == [Outcome.TOO_LARGE, Outcome.OK]


def test_a_captured_url_on_another_port_is_followed_without_what_the_step_did_not_say(tmp_path: Path) -> None:
    with stub_site(fine) as store, stub_site(lambda site, asked: Reply(value={"put": f"{store.url}/bucket/a%2Fb?sign=x%3D"})) as site:
        first = FIRST | {"capture": {"put": {"json_pointer": "/put"}}}
        put = {"step": "put", "form": "request", "method": "PUT", "path": "{put}", "body": {"raw": "x", "content_type": "image/png"}}
        run = walk(tmp_path, site, first, put, cookies=True)
    assert run.fate_count(Fate.FINISHED) == 1
    (asked,) = store.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/bucket/a%2Fb?sign=x%3D", b"x")
    assert asked.headers["host"] == store.url.removeprefix("http://")


def cookie_site(site: StubSite, asked: Asked) -> Reply:
    if asked.path == "/first":
        return Reply(
            headers=(("Set-Cookie", "sid=1; Path=/; Expires=Wed, 21 Oct 2099 07:28:00 GMT"), ("Set-Cookie", "other=2; Path=/elsewhere"))
        )
    return Reply()


@pytest.mark.parametrize(
    ("everywhere", "second", "expected"),
    [(True, {}, "sid=1"), (False, {}, None), (True, {"cookies": False}, None), (False, {"cookies": True}, None)],
)
def test_cookies_are_kept_where_scenario_or_step_say_so(
    tmp_path: Path, everywhere: bool, second: dict[str, Any], expected: str | None
) -> None:
    with stub_site(cookie_site) as site:
        walk(tmp_path, site, FIRST, SECOND | second, cookies=everywhere)
    assert site.asked[1].headers.get("cookie") == expected


def test_every_person_has_a_jar_of_their_own(tmp_path: Path) -> None:
    def by_person(site: StubSite, asked: Asked) -> Reply:
        if asked.path == "/first":
            return Reply(headers=(("Set-Cookie", f"sid={asked.person}"),))
        return Reply(200 if asked.headers["cookie"] == f"sid={asked.person}" else 500)

    what = scenario(FIRST, SECOND, arrivals_per_second=40.0, for_seconds=0.5, drain_seconds=10.0).model_copy(update={"cookies": True})
    with stub_site(by_person) as site:
        assert Run(tmp_path, what, site.url).walk().fate_count(Fate.FINISHED) == 20


def redirecting(site: StubSite, asked: Asked) -> Reply:
    match asked.path:
        case "/first":
            return Reply(302, headers=(("Location", "welcome?x=1"), ("Set-Cookie", "sid=1")))
        case "/again":
            return Reply(307, headers=(("Location", "/twice"),))
    return Reply(value={"session": "s"})


def test_a_redirect_is_followed_with_its_cookies_as_one_attempt_of_two_exchanges(tmp_path: Path) -> None:
    first = FIRST | {"redirects": "follow", "body": {"form": {"a": "b"}}, "capture": {"session": {"json_pointer": "/session"}}}
    with stub_site(redirecting) as site:
        run = walk(tmp_path, site, first, cookies=True)
    posted, got = site.asked
    assert (posted.method, posted.body) == ("POST", b"a=b")
    assert (got.method, got.path, got.body, got.headers["cookie"]) == ("GET", "/welcome?x=1", b"", "sid=1")
    assert "content-type" not in got.headers
    assert [asked.headers["traceparent"][36:52] for asked in site.asked] == ["0000000000000001", "0000000000000002"]
    assert run.attempts["exchanges"].tolist() == [2]
    assert run.attempts["status"].tolist() == [200]


def test_a_redirect_that_keeps_the_method_keeps_the_body(tmp_path: Path) -> None:
    with stub_site(redirecting) as site:
        walk(tmp_path, site, FIRST | {"path": "/again", "redirects": "follow", "body": {"raw": "x"}})
    assert [(asked.method, asked.path, asked.body) for asked in site.asked] == [("POST", "/again", b"x"), ("POST", "/twice", b"x")]


def test_without_follow_a_redirect_is_the_answer(tmp_path: Path) -> None:
    first = FIRST | {"success": {"status": {"302": "ok"}}, "capture": {"where": {"header": "location"}}}
    with stub_site(redirecting) as site:
        run = walk(tmp_path, site, first, SECOND | {"query": {"at": "{where}"}})
    assert run.attempts["status"].tolist() == [302, 200]
    assert parse_qs(site.asked[1].path.partition("?")[2]) == {"at": ["welcome?x=1"]}


def test_redirects_in_a_circle_end(tmp_path: Path) -> None:
    with stub_site(lambda site, asked: Reply(302, headers=(("Location", asked.path),))) as site:
        run = walk(tmp_path, site, SECOND | {"redirects": "follow"})
    assert {Outcome(value) for value in run.attempts["outcome"]} == {Outcome.PROTOCOL}
    assert run.attempts["exchanges"].tolist() == [11, 11]


def test_a_redirect_to_a_host_that_nobody_allowed_is_not_followed(tmp_path: Path) -> None:
    with stub_site(lambda site, asked: Reply(302, headers=(("Location", "http://192.0.2.1/x"),))) as site:
        run = walk(tmp_path, site, SECOND | {"redirects": "follow"})
    assert {Outcome(value) for value in run.attempts["outcome"]} == {Outcome.PROTOCOL}
    assert {Code(value) for value in run.attempts["code"]} == {Code.HOST_NOT_ALLOWED}
    assert len(site.asked) == 2


def test_the_authorization_stays_behind_where_a_redirect_leaves_the_site(tmp_path: Path) -> None:
    with stub_site(fine) as other, stub_site(lambda site, asked: Reply(302, headers=(("Location", f"{other.url}/x"),))) as site:
        walk(tmp_path, site, SECOND | {"redirects": "follow", "headers": {"Authorization": "Bearer s", "x-mine": "1"}})
    assert site.asked[0].headers["authorization"] == "Bearer s"
    assert "authorization" not in other.asked[0].headers
    assert other.asked[0].headers["x-mine"] == "1"


def test_a_hidden_field_and_a_cookie_make_a_login_as_browsers_do_it(tmp_path: Path) -> None:
    def login(site: StubSite, asked: Asked) -> Reply:
        match (asked.method, asked.path):
            case ("GET", "/login"):
                page = f'<form method=post><input type="hidden" name="csrf" value="c&amp;{asked.person}"></form>'
                return Reply(text=page, headers=(("Set-Cookie", f"sid=s{asked.person}; HttpOnly"), ("Content-Type", "text/html")))
            case ("POST", "/login") if asked.headers["cookie"] == f"sid=s{asked.person}":
                return Reply(303, headers=(("Location", "/home"),)) if asked.body == b"csrf=c%260" else Reply(403)
        return Reply(text="<h1>Welcome</h1>")

    get = {"step": "page", "form": "request", "method": "GET", "path": "/login", "capture": {"csrf": {"css": "input[name=csrf]@value"}}}
    post = FIRST | {
        "path": "/login",
        "body": {"form": {"csrf": "{csrf}"}},
        "redirects": "follow",
        "success": {"rules": {"welcome": {"contains": "Welcome"}}},
        "capture": {"session": {"cookie": "sid"}},
    }
    with stub_site(login) as site:
        run = walk(tmp_path, site, get, post, SECOND | {"headers": {"x-session": "{session}"}}, cookies=True)
    assert run.fate_count(Fate.FINISHED) == 1
    assert site.asked[-1].headers["x-session"] == "s0"


def test_a_capture_that_finds_nothing_is_an_outcome_with_the_answer_s_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with stub_site(lambda site, asked: Reply(text="<p>Maintenance</p>")) as site:
        run = walk(tmp_path, site, FIRST | {"capture": {"csrf": {"css": "input@value"}}})
    assert [Outcome(value) for value in run.attempts["outcome"]] == [Outcome.CAPTURE_FAILED] * 2
    assert run.attempts["status"].tolist() == [200, 200]
    assert capsys.readouterr().err == (
        "step first: capture csrf (css input@value) found nothing; status 200, the answer begins '<p>Maintenance</p>'\n"
    )


def test_a_state_is_asked_for_until_it_is_there(tmp_path: Path) -> None:
    def slowly(site: StubSite, asked: Asked) -> Reply:
        return Reply(value={"state": "checked" if len(site.asked) == 3 else "waiting", "id": 7})

    until = {"json_pointer": "/state", "equals": "checked", "every_seconds": 0.05, "times_limit": 9}
    with stub_site(slowly) as site:
        run = walk(tmp_path, site, SECOND | {"repeat_until": until, "capture": {"it": {"json_pointer": "/id"}}}, FIRST | {"path": "/{it}"})
    assert [asked.path for asked in site.asked] == ["/second"] * 3 + ["/7"]
    assert run.attempts["exchanges"].tolist() == [3, 1]
    assert run.attempts["done"][0] - run.attempts["sent"][0] >= 100_000


def test_a_photo_step_captures_too(tmp_path: Path) -> None:
    with stub_site(lambda site, asked: Reply(201, {"photo": "p-1"})) as site:
        photo = KTP | {"url": f"{site.url}/photos", "capture": {"photo": {"json_pointer": "/photo"}}}
        run = walk(tmp_path, site, photo, SECOND | {"query": {"of": "{photo}"}})
    assert run.fate_count(Fate.FINISHED) == 1
    assert site.asked[-1].path == "/second?of=p-1"


def test_a_hook_signs_each_request_and_its_time_is_in_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def sign(request):\n"
        "    for _ in range(20_000):\n"
        "        pass\n"
        "    request.headers['x-signature'] = request.url.rpartition('/')[2] + '|' + request.body.decode()\n"
        "    request.captured['nonce'] = 'n-1'\n"
    )
    first = FIRST | {"hook": f"{tmp_path}/mine.py:sign", "hook_values": ["nonce"], "body": {"form": {"a": "b"}}, "redirects": "follow"}
    with stub_site(redirecting) as site:
        run = walk(tmp_path, site, first, SECOND | {"query": {"n": "{nonce}"}})
    assert [asked.headers.get("x-signature") for asked in site.asked] == ["first|a=b", "welcome?x=1|", None]
    assert site.asked[-1].path == "/second?n=n-1"
    took = run.attempts["hook_us"]
    assert 0 < took[0] < run.attempts["done"][0] - run.attempts["sent"][0]
    assert took[1] == 0
