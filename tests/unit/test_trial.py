"""What a trial of one person shows and hides."""

import shlex

import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.journey import compile_journey
from gelombang.scale import Scale, scaled
from gelombang.steps import MessageStep, Success
from gelombang.trial.curl import curl_line
from gelombang.trial.masking import Mask, looks_like_session
from gelombang.trial.one_person import scenario_of_one
from gelombang.trial.rules import where_next, why_answered, why_unanswered
from support.small_scenario import ACCOUNT, CODE, HOME, SEND, SMS, scenario

SECRET = 's3cr&t/with "quotes" + plus'


@pytest.mark.parametrize(
    "text",
    [
        'key s3cr&t/with "quotes" + plus end',
        "q=s3cr%26t%2Fwith%20%22quotes%22%20%2B%20plus",
        "q=s3cr%26t%2Fwith+%22quotes%22+%2B+plus&b=1",
        r'{"key": "s3cr&t/with \"quotes\" + plus"}',
    ],
)
def test_a_secret_is_hidden_in_every_spelling(text: str) -> None:
    shown = Mask({"env:API_KEY": SECRET}).text(text)
    assert "s3cr" not in shown
    assert "quotes" not in shown
    assert "‹env:API_KEY›" in shown


def test_a_secret_that_is_cut_by_the_end_of_a_text_is_hidden_first() -> None:
    mask = Mask({"env:API_KEY": "abcdefghijklmnop"})
    assert "abc" not in mask.text("x" * 490 + "abcdefghijklmnop")[:500]


def test_a_body_that_holds_a_secret_in_any_spelling_is_known() -> None:
    mask = Mask({"env:API_KEY": SECRET})
    assert mask.is_in(b"\xff\xd8" + SECRET.encode() + b"\x00")
    assert mask.is_in(b"q=s3cr%26t%2Fwith+%22quotes%22+%2B+plus")
    assert not mask.is_in(b"\xff\xd8 nothing")


def test_a_captured_session_is_shortened_and_stays_a_variable_in_the_line_to_paste() -> None:
    mask = Mask({})
    mask.learn("session", "0123456789abcdef")
    assert mask.text("Bearer 0123456789abcdef") == "Bearer 012345…(16 characters)"
    line = curl_line("GET", "http://a.example/me", [("authorization", "Bearer 0123456789abcdef")], b"", "", mask)
    assert "0123456789abcdef" not in line
    assert line.endswith("'authorization: Bearer '\"$session\"")


def test_a_capture_that_is_no_session_stays_whole_and_so_does_everything_when_asked() -> None:
    mask = Mask({})
    mask.learn("order_id", "0123456789abcdef")
    assert mask.text("0123456789abcdef") == "0123456789abcdef"
    shown = Mask({}, show_sessions=True)
    shown.learn("session", "0123456789abcdef")
    assert shown.header("Authorization", "Bearer 0123456789abcdef") == "Bearer 0123456789abcdef"


def test_credentials_in_headers_and_answers_are_shortened_though_nobody_captured_them() -> None:
    mask = Mask({})
    assert mask.header("Set-Cookie", "sid=0123456789abcdef; Path=/") == "sid=01…(28 characters)"
    assert mask.header("Authorization", "Basic dXNlcjpwYXNz") == "Basic dXNlcj…(12 characters)"
    assert mask.json_text('{"access_token": "0123456789abcdef", "name": "0123456789abcdef"}') == (
        '{"access_token": "012345…(16 characters)", "name": "0123456789abcdef"}'
    )


def test_a_shortened_value_is_not_shortened_again() -> None:
    mask = Mask({})
    mask.learn("session", "0123456789abcdef")
    assert mask.json_text('{"session":"0123456789abcdef"}') == '{"session":"012345…(16 characters)"}'


@pytest.mark.parametrize("name", ["session", "csrf", "access_token", "X-Api-Key".replace("-", "_"), "sid", "password"])
def test_names_of_sessions(name: str) -> None:
    assert looks_like_session(name)


@pytest.mark.parametrize("name", ["order_id", "code", "email", "side", "upload_url"])
def test_names_of_other_things(name: str) -> None:
    assert not looks_like_session(name)


def test_the_line_to_paste_is_one_word_per_argument_whatever_the_body_holds() -> None:
    body = b'{"name": "O\'Brien $HOME `id`"}'
    words = shlex.split(curl_line("POST", "http://a.example/x?y=1&z=2", [("content-type", "application/json")], body, "", Mask({})))
    assert words == [
        "curl",
        "-sS",
        "-i",
        "http://a.example/x?y=1&z=2",
        "-H",
        "content-type: application/json",
        "--data-binary",
        body.decode(),
    ]


def test_a_photo_is_pasted_as_a_file() -> None:
    line = curl_line("PUT", "http://a.example/p", [("content-type", "image/jpeg")], b"\xff\xd8\xff\xe0\x00", "keep/01-ktp-1.jpg", Mask({}))
    assert shlex.split(line)[-1] == "@keep/01-ktp-1.jpg"
    assert "-X PUT" in line


def test_a_secret_from_the_environment_is_that_variable_in_the_line_to_paste() -> None:
    line = curl_line("GET", "http://a.example/?k=abcdefgh", [("x-key", "abcdefgh")], b"", "", Mask({"env:API_KEY": "abcdefgh"}))
    assert "abcdefgh" not in line
    assert line.count('"$API_KEY"') == 2


def test_a_cookie_is_a_variable_in_the_line_to_paste_and_whole_when_asked() -> None:
    cookie = [("cookie", "session=0123456789abcdef")]
    assert curl_line("GET", "http://a.example/", cookie, b"", "", Mask({})).endswith("-H 'cookie: '\"$cookie\"")
    assert "0123456789abcdef" in curl_line("GET", "http://a.example/", cookie, b"", "", Mask({}, show_sessions=True))


def test_one_person_waits_for_nothing_and_gives_up_on_nothing_by_chance() -> None:
    full = scenario(ACCOUNT, SEND, {**SMS, "read_ratio": 0.5, "within_seconds": 604_800.0}, CODE)
    scale = Scale(speed=20.0)
    alone = scaled(scenario_of_one(full, scale, replayed=False), scale)
    assert all(step.think_seconds is None for step in alone.journey)
    waiting = alone.journey[2]
    assert isinstance(waiting, MessageStep)
    assert waiting.read_ratio == 1.0
    assert waiting.within_seconds == pytest.approx(60.0)
    assert alone.patience.page_seconds.quantile(0.001) == pytest.approx(30.0)
    assert alone.patience.leave_when_refused_ratio == 0.0


def test_a_replayed_person_stays_who_they_were() -> None:
    full = scenario(ACCOUNT, SEND, {**SMS, "read_ratio": 0.5}, CODE)
    replayed = scenario_of_one(full, Scale(), replayed=True)
    waiting = replayed.journey[2]
    assert isinstance(waiting, MessageStep)
    assert waiting.read_ratio == 0.5
    assert replayed.people.nik_known_ratio == full.people.nik_known_ratio


def test_the_rule_that_decided_is_named() -> None:
    success = Success(status={"4xx": "failed", "409": "ok"})
    assert 'success.status "409" makes 409 ok' in why_answered(Outcome.OK, 409, success)
    assert 'success.status "4xx" makes 404 failed' in why_answered(Outcome.FAILED, 404, success)
    assert why_answered(Outcome.OK, 204, success) == "status 204: 2xx is ok"
    assert "in the phase connect: refused" in why_unanswered(Outcome.CONNECT_REFUSED, Phase.CONNECT, "refused")


def test_where_the_journey_goes_is_said_in_words() -> None:
    journey = compile_journey(scenario(ACCOUNT, {**HOME, "on": {"invalid": "step:account"}}))
    assert where_next(journey, 0, Outcome.OK) == "step home"
    assert where_next(journey, 0, Outcome.FAILED) == "tried again"
    assert where_next(journey, 1, Outcome.INVALID) == "step account"
    assert where_next(journey, 1, Outcome.OK) == "the end: finished"
    assert where_next(journey, 0, Outcome.INVALID) == "the end: fate rejected"
