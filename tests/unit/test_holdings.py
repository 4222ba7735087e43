"""What an answer holds: values by every kind of capture, and conditions."""

import pytest

from gelombang.attempt import Phase
from gelombang.step_parts import Capture, Condition
from gelombang_loadtests.complaints import COMPLAINTS_LIMIT, Complaints
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.holdings import TEXT_LIMIT_BYTES, Holdings

PAGE = """<!doctype html><p class=x>Hello <b>you</b> </p>
<form action=/send><input type=hidden name=csrf value="a&amp;b"><input name=empty value></form>
<script>var token = "t-1"; var token = "t-2"</script>"""


def holdings(body: str = PAGE, headers: dict[bytes, bytes] | None = None, cookie: str | None = None) -> Holdings:
    return Holdings(Answer(None, Phase.RECEIVE, 200, headers or {}, body.encode()), lambda name: cookie)


def captured(capture: dict[str, str], found: Holdings) -> str | None:
    values, missing = found.captured({"it": Capture.model_validate(capture)})
    assert bool(values) != bool(missing)
    return values.get("it")


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        ({"css": "input[name=csrf]@value"}, "a&b"),
        ({"css": "form@action"}, "/send"),
        ({"css": "p.x"}, "Hello you"),
        ({"css": "input[name=empty]@value"}, ""),
        ({"css": "input[name=csrf]@nothing"}, None),
        ({"css": "input[name=other]@value"}, None),
        ({"regex": 'token = "([^"]+)"'}, "t-1"),
        ({"regex": "(?:Hello|Bye) <b>(.*)</b>"}, "you"),
        ({"regex": "secret=(.*)"}, None),
        ({"json_pointer": "/a"}, None),
    ],
)
def test_a_page_is_read_by_selector_and_by_expression(capture: dict[str, str], value: str | None) -> None:
    assert captured(capture, holdings()) == value


def test_a_header_a_cookie_and_a_place_in_json_are_captured() -> None:
    found = holdings('{"a": {"b": [1, true]}}', {b"etag": b'"x"'}, "sid-1")
    assert captured({"header": "ETag"}, found) == '"x"'
    assert captured({"cookie": "sid"}, found) == "sid-1"
    assert captured({"json_pointer": "/a/b/0"}, found) == "1"
    assert captured({"json_pointer": "/a/b/1"}, found) == "true"


def test_a_text_is_read_in_its_charset_and_only_so_far() -> None:
    latin = Holdings(Answer(None, Phase.RECEIVE, 200, {b"content-type": b"text/html; charset=ISO-8859-1"}, b"caf\xe9=(1)"), lambda _: None)
    assert captured({"regex": "café=.([0-9])"}, latin) == "1"
    unknown = Holdings(Answer(None, Phase.RECEIVE, 200, {b"content-type": b"text/html; charset=none"}, b"a=1"), lambda _: None)
    assert captured({"regex": "a=(.)"}, unknown) == "1"
    assert captured({"regex": "(end)"}, holdings("x" * TEXT_LIMIT_BYTES + "end")) is None


def test_what_is_missing_is_told_with_its_rule_and_the_beginning_of_the_answer() -> None:
    _, missing = holdings("y" * 1_000).captured({"csrf": Capture(css="input[name=csrf]@value")})
    assert missing == f"capture csrf (css input[name=csrf]@value) found nothing; status 200, the answer begins '{'y' * 200}'"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"contains": "Hello"}, True),
        ({"contains": "hello"}, False),
        ({"matches": "(?i)hello"}, True),
        ({"header": "X-State", "equals": "done"}, True),
        ({"header": "x-state", "contains": "on"}, True),
        ({"header": "x-other", "contains": ""}, False),
    ],
)
def test_a_condition_asks_body_or_header(condition: dict[str, object], holds: bool) -> None:
    assert (holdings(PAGE, {b"x-state": b"done"}).breach(Condition.model_validate(condition)) == "") is holds


@pytest.mark.parametrize(
    ("pointer", "wanted", "holds"),
    [
        ("/n", 3, True),
        ("/n", 3.0, True),
        ("/n", "3", True),
        ("/n", True, False),
        ("/one", True, False),
        ("/yes", True, True),
        ("/yes", 1, False),
        ("/yes", "true", True),
        ("/text", "done", True),
        ("/gone", "done", False),
    ],
)
def test_a_value_in_json_equals_what_it_is(pointer: str, wanted: object, holds: bool) -> None:
    found = holdings('{"n": 3, "one": 1, "yes": true, "text": "done"}')
    assert (found.breach(Condition.model_validate({"json_pointer": pointer, "equals": wanted})) == "") is holds


def test_each_complaint_is_made_once_and_not_more_than_so_many() -> None:
    said: list[str] = []
    complaints = Complaints(said.append, hide=lambda text: text.replace("secret", "…"))
    for _ in range(2):
        complaints.about("home", "capture a", "capture a found nothing; secret")
    assert said == ["step home: capture a found nothing; …"]
    for number in range(COMPLAINTS_LIMIT + 5):
        complaints.about("home", f"rule {number}", "x")
    assert len(said) == COMPLAINTS_LIMIT
