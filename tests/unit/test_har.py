"""From recordings to a scenario: what is kept, what is captured, what is left for the operator."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from gelombang.errors import InputError
from gelombang.har.guessing import Guess, guess
from gelombang.har.names import capture_name, shape_of, step_name
from gelombang.har.recording import read_recording
from gelombang.har.sifting import Sifted, sift
from gelombang.har.writing import JOURNEY_MARK, write_scenario
from gelombang.resources import scenarios_folder
from support.har_files import BUCKET, FIRST, SECOND, SITE, Tape, as_json, form, sign_up

TEMPLATE = (scenarios_folder() / "templates" / "own-service.toml").read_text()


def recorded(tmp_path: Path, *tapes: Tape) -> tuple[list[Sifted], Guess]:
    sifted = [sift(read_recording(tape.save(tmp_path / f"{i}.har"))) for i, tape in enumerate(tapes)]
    return sifted, guess(sifted[0], sifted[1] if len(sifted) > 1 else None)


def written(tmp_path: Path, *tapes: Tape) -> tuple[dict[str, dict[str, Any]], list[str], str]:
    """The steps by name, what is left, and the whole text."""
    sifted, guessed = recorded(tmp_path, *tapes)
    result = write_scenario("mine", "Mine", TEMPLATE, sifted[0], guessed)
    steps = tomllib.loads(result.text)["journey"]
    return {step["step"]: step for step in steps}, list(result.left), result.text


@pytest.fixture
def both(tmp_path: Path) -> tuple[dict[str, dict[str, Any]], list[str], str]:
    return written(tmp_path, sign_up(**FIRST, think_seconds=8.0), sign_up(**SECOND, think_seconds=18.0))


def test_pages_and_calls_become_steps_and_the_files_of_pages_do_not(tmp_path: Path) -> None:
    sifted, _ = recorded(tmp_path, sign_up(**FIRST, think_seconds=8.0))
    assert [visit.asked.url.removeprefix(SITE) for visit in sifted[0].visits] == [
        "/",
        "/signup",
        "/api/v1/orders",
        "/api/v1/orders/4711/upload",
        f"{BUCKET}/photos/0123456789abcdef0123?X-Amz-Signature=3210fedcba9876543210",
        "/api/v1/photos",
        "/api/v1/orders/4711",
        "/api/v1/confirm",
    ]
    assert sifted[0].dropped == {"static file": 2, "host fonts.huruf.example": 1, "host hitung.example": 1}
    assert sifted[0].hosts == ("daftar.example", "berkas.example")


def test_a_hidden_field_that_differs_is_captured_from_the_page_before(both: Any) -> None:
    steps, _, _ = both
    assert steps["home"]["capture"] == {"csrf_token": {"css": "input[name=csrf_token]@value"}}
    assert steps["signup"]["body"]["form"]["csrf_token"] == "{csrf_token}"


def test_an_id_of_an_answer_is_captured_and_stands_in_paths_forms_and_as_a_number_in_json(both: Any) -> None:
    steps, _, _ = both
    assert steps["orders"]["capture"] == {"data_id": {"json_pointer": "/data/id"}}
    assert steps["orders-upload"]["path"] == "/api/v1/orders/{data_id}/upload"
    assert steps["photos-post"]["body"]["multipart"]["order"] == "{data_id}"
    assert '"order": {data_id}' in steps["confirm"]["body"]["raw"]


def test_a_pre_signed_address_is_captured_whole(both: Any) -> None:
    steps, _, _ = both
    assert steps["orders-upload"]["capture"] == {"upload_url": {"json_pointer": "/upload/url"}}
    put = next(step for step in steps.values() if step["method"] == "PUT")
    assert put["path"] == "{upload_url}"
    assert put["body"] == {"file": "photo.jpg", "content_type": "image/jpeg"}
    assert "query" not in put


def test_whoever_signs_up_is_the_person_and_no_recorded_credential_is_written(both: Any) -> None:
    steps, _, text = both
    fields = steps["signup"]["body"]["form"]
    assert (fields["email"], fields["full_name"], fields["password"], fields["plan"]) == ("{email}", "{name}", "{password}", "free")
    for secret in ("rahasia-sekali", "satu@kotak.example", "s-0001-first", "k-1f2e3d4c5b6a7988", "aaa111bbb222", "0123456789abcdef0123"):
        assert secret not in text


def test_a_key_that_came_from_nowhere_is_a_variable_of_the_environment(both: Any) -> None:
    steps, left, _ = both
    assert steps["orders"]["headers"]["x-api-key"] == "${env:X_API_KEY}"
    assert any("X_API_KEY" in item for item in left)


def test_a_value_that_differs_and_came_from_nowhere_is_left_to_the_operator(both: Any) -> None:
    _, left, text = both
    assert any("confirm" in item and "/otp" in item and "message step" in item for item in left)
    assert "# the body's /otp differs" in text


def test_a_redirect_is_followed_and_a_page_that_asked_again_becomes_a_repetition(both: Any) -> None:
    steps, _, _ = both
    assert steps["signup"]["redirects"] == "follow"
    assert "welcome" not in steps
    repeat = next(step["repeat_until"] for step in steps.values() if "repeat_until" in step)
    assert (repeat["json_pointer"], repeat["equals"]) == ("/state", "checked")
    assert repeat["every_seconds"] == pytest.approx(0.9)


def test_a_gap_becomes_thinking_the_geometric_middle_of_two(both: Any) -> None:
    steps, _, _ = both
    # Four files were fetched between page and form: the gap is what was left after the last of them.
    assert steps["signup"]["think_seconds"]["median"] == pytest.approx((8.4 * 18.4) ** 0.5, rel=0.05)
    assert "think_seconds" not in steps["orders"]


def test_an_image_field_becomes_a_drawn_photo_of_its_kind(both: Any) -> None:
    steps, _, _ = both
    assert steps["photos-post"]["body"]["multipart"]["selfie"] == {"photo": "selfie"}


def test_only_headers_that_are_the_pages_own_doing_are_kept_and_cookies_are_the_jars(both: Any) -> None:
    steps, _, text = both
    assert set(steps["orders"]["headers"]) == {"x-api-key", "accept"}
    assert "headers" not in steps["home"]
    assert "\ncookies = true" in text


def test_off_this_machine_the_target_block_names_the_hosts_and_is_left_to_its_owner(both: Any) -> None:
    _, left, text = both
    assert '# allowed_hosts = ["daftar.example", "berkas.example"]' in text
    assert any("[target]" in item for item in left)


def test_one_recording_guesses_tokens_and_ids_that_stood_in_an_earlier_answer(tmp_path: Path) -> None:
    steps, _, text = written(tmp_path, sign_up(**FIRST, think_seconds=8.0))
    assert steps["signup"]["body"]["form"]["csrf_token"] == "{csrf_token}"
    assert steps["orders-upload"]["path"] == "/api/v1/orders/{data_id}/upload"
    assert "rahasia-sekali" not in text


def test_a_token_inside_a_header_is_captured_with_the_words_around_it(tmp_path: Path) -> None:
    def log_in(token: str, user: str) -> Tape:
        tape = Tape()
        tape.add(
            "POST",
            "http://127.0.0.1:8000/api/sessions",
            body=as_json({"email": user, "password": "rahasia-1"}),
            answer=f'{{"token": "{token}"}}',
        )
        tape.add("GET", "http://127.0.0.1:8000/api/me", headers={"Authorization": f"Bearer {token}"}, answer="{}")
        return tape

    steps, left, text = written(tmp_path, log_in("tok-aaaa-1111", "satu@kotak.example"), log_in("tok-bbbb-2222", "dua@kotak.example"))
    assert steps["me"]["headers"]["authorization"] == "Bearer {token}"
    assert steps["sessions"]["capture"] == {"token": {"json_pointer": "/token"}}
    # Nobody signs up: the accounts are the operator's.
    assert steps["sessions"]["body"]["json"] == {"email": "{feed.accounts.email}", "password": "{feed.accounts.password}"}
    assert '[feed.accounts]\nfile = "accounts.csv"' in text
    assert any("accounts.csv" in item and "email,password" in item for item in left)
    assert not any("[target]" in item for item in left)


def test_a_value_that_differs_by_chance_in_an_unrelated_place_is_no_capture(tmp_path: Path) -> None:
    def visit(order: str, answer: str) -> Tape:
        tape = Tape()
        tape.add("GET", "http://127.0.0.1:8000/a", answer=f'{{"id": "{answer}", "other": "x"}}')
        tape.add("GET", f"http://127.0.0.1:8000/b?order={order}", answer="{}")
        return tape

    # In the first recording the values happen to be the same, in the second they are not: no rule explains both.
    steps, left, _ = written(tmp_path, visit("order-100", "order-100"), visit("order-200", "order-999"))
    assert "capture" not in steps["a"]
    assert steps["b"]["query"] == {"order": "order-100"}
    assert any("step b: the query order differs" in item for item in left)


def test_what_toml_can_not_hold_is_sent_as_the_text_it_was(tmp_path: Path) -> None:
    tape = Tape()
    tape.add("POST", "http://127.0.0.1:8000/things", body=as_json({"a": None, "b": [1, "zwei ä \u2028"]}), answer="{}")
    steps, _, _ = written(tmp_path, tape)
    assert steps["things"]["body"] == {"raw": '{"a": null, "b": [1, "zwei ä \u2028"]}', "content_type": "application/json"}


def test_a_form_that_names_a_field_twice_keeps_both(tmp_path: Path) -> None:
    tape = Tape()
    body = {"mimeType": "application/x-www-form-urlencoded", "text": "tag=a&tag=b", "params": []}
    tape.add("POST", "http://127.0.0.1:8000/things", body=body, answer="{}")
    steps, _, _ = written(tmp_path, tape)
    assert steps["things"]["body"]["raw"] == "tag=a&tag=b"


def test_what_was_not_modified_then_is_fetched_whole_now(tmp_path: Path) -> None:
    tape = Tape()
    tape.add("GET", "http://127.0.0.1:8000/", status=304, kind="text/html", resource="document", headers={"If-None-Match": "x"})
    steps, _, _ = written(tmp_path, tape)
    assert set(steps["home"]) == {"step", "form", "method", "path"}


def test_braces_of_a_recorded_value_are_named_and_a_strange_name_breaks_no_comment(tmp_path: Path) -> None:
    def visit(value: str) -> Tape:
        tape = Tape()
        tape.add("POST", "http://127.0.0.1:8000/things", body=as_json({"q": "{name}", "a\nb = 1": value}), answer="{}")
        return tape

    steps, left, _ = written(tmp_path, visit("satu-dua"), visit("tiga-empat"))
    assert list(steps) == ["things"]
    assert any("the body's /q holds braces" in item for item in left)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"{}", "log"),
        (b"not json", "Invalid JSON"),
        (b'{"log": {"entries": []}}', "0 requests"),
        (b'{"log": {"entries": [{}]}}', "startedDateTime"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_place(tmp_path: Path, content: bytes, where: str) -> None:
    path = tmp_path / "bad.har"
    path.write_bytes(content)
    with pytest.raises(InputError, match=where):
        read_recording(path)


def test_a_bad_recording_shows_no_value(tmp_path: Path) -> None:
    path = tmp_path / "bad.har"
    path.write_bytes(b'{"log": {"entries": [{"startedDateTime": "2026-01-01T00:00:00Z", "request": "sekali-rahasia"}]}}')
    with pytest.raises(InputError) as raised:
        read_recording(path)
    assert "sekali-rahasia" not in str(raised.value)


def test_names_say_what_a_path_says() -> None:
    assert step_name("GET", "/api/v2/orders/4711/items", []) == "orders-items"
    assert step_name("GET", "/", []) == "home"
    assert step_name("POST", "/orders", ["orders"]) == "orders-post"
    assert step_name("POST", "/orders", ["orders", "orders-post"]) == "orders-post-2"
    assert step_name("GET", "/2020/4711", []) == "home"
    assert capture_name("/data/order/id", []) == "order_id"
    assert capture_name("x-csrf-token", []) == "csrf_token"
    assert shape_of("/a/4711/b/3999f0d232ba/xKiYMgriBJgan19N/facade/v2") == "/a/*/b/*/*/facade/v2"


def test_ids_of_a_shape_that_nobody_knows_are_still_laid_side_by_side(tmp_path: Path) -> None:
    def visit(order: str) -> Tape:
        tape = Tape()
        tape.add("POST", "http://127.0.0.1:8000/orders", answer=f'{{"order": "{order}"}}', status=201)
        tape.add("GET", f"http://127.0.0.1:8000/orders/{order}", answer="{}")
        return tape

    steps, left, text = written(tmp_path, visit("merah-jambu"), visit("biru-laut"))
    assert [step["path"] for step in steps.values()] == ["/orders", "/orders/{order}"]
    assert list(steps) == ["orders", "orders-get"], "a value that differs is in no name"
    assert "only in the first recording" not in text
    assert left == []


def test_a_token_of_letters_alone_gives_its_step_no_name_and_is_left_to_the_operator(tmp_path: Path) -> None:
    def visit(token: str) -> Tape:
        tape = Tape()
        tape.add("GET", "http://127.0.0.1:8000/", answer="{}")
        tape.add("GET", f"http://127.0.0.1:8000/confirm/{token}", answer="{}")
        return tape

    steps, left, _ = written(tmp_path, visit("NtzMxvQiyj-LWcqD"), visit("gTrewQplmZ_bhYuX"))
    assert list(steps) == ["home", "confirm"]
    assert any(item.startswith("step confirm: segment 2 of the path") for item in left)


def test_the_template_has_the_mark_that_a_recorded_journey_is_written_behind() -> None:
    assert TEMPLATE.count(JOURNEY_MARK) == 1
    assert form(a="1")["params"] == [{"name": "a", "value": "1"}]
