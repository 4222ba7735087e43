"""What pages say: the same names in both languages, words for what a person may be refused for, the way, and the questions."""

import re
from datetime import UTC, datetime

import pytest

from gelombang.attempt import Code
from gelombang.programme.benefits import Kind
from gelombang.programme.wave import Shown
from gelombang_server.applicants import Applicant
from gelombang_server.contract.operation import WALK
from gelombang_server.contract.operations import OPERATIONS
from gelombang_server.data import PersonalData
from gelombang_server.pages.drawing import environment, rupiah, told_day, wait_text, words
from gelombang_server.pages.photos import _SAID_BY_SCRIPT
from gelombang_server.pages.registering import international, way
from gelombang_server.pages.testing import question
from gelombang_server.pages.visitor import Language
from gelombang_server.problem import STATUS_OF_CODE
from gelombang_server.programme.benefiting import Purchase, WalletChoice
from gelombang_server.programme.holdings import _PROBLEMS
from gelombang_server.programme.joining import _FAULTS
from gelombang_server.routes import Route
from gelombang_server.test import Answers
from gelombang_server.wave import Consent

STEPS = (
    Route.ACCOUNT,
    Route.LOGIN,
    Route.EMAIL_LINK,
    Route.DATA,
    Route.OTP_SEND,
    Route.OTP,
    Route.TEST_START,
    Route.TEST,
    Route.JOIN,
    Route.LOOK,
    Route.WALLET,
    Route.BENEFITS,
    Route.TRAINING,
    Route.TRAINING_DONE,
    Route.SURVEY,
)
NEVER_SHOWN = {
    Code.SESSION_MISSING,
    Code.SESSION_INVALID,
    Code.SESSION_EXPIRED,
    Code.IDEMPOTENCY_KEY_INVALID,
    Code.IDEMPOTENCY_KEY_REUSED,
    Code.MALFORMED_REQUEST,
    Code.WRONG_TYPE,
    Code.INTERNAL_ERROR,
    Code.BODY_TOO_LARGE,
}
"""Whoever is not logged in is asked to; the other ones no browser brings about, or they have no better words than the common ones."""


def applicant(**changes: object) -> Applicant:
    fields = {
        "email": "siti@mail.example",
        "email_verified": True,
        "nik": None,
        "kk": None,
        "birth_date": None,
        "address": None,
        "nik_state": None,
        "phone_verified": False,
        "photo_states": {},
        "test_began_us": None,
        "test_handed_in": False,
        "joined_wave": None,
    }
    return Applicant(**(fields | changes))  # type: ignore[arg-type]


def states(**changes: object) -> dict[str, str]:
    one = applicant(**changes)
    return {stop.name: stop.state for stop in way(one, {}, one.test_handed_in)}


def test_both_languages_have_the_same_names_and_the_same_places_to_fill() -> None:
    indonesian, english = (words(language) for language in Language)
    assert set(indonesian) == set(english)
    for name, text in indonesian.items():
        assert text.strip()
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[name])), name


def test_a_step_never_refuses_somebody_without_words_of_its_own() -> None:
    refused = {code for route in STEPS for code in OPERATIONS[route].all_codes()} - NEVER_SHOWN
    assert refused
    for language in Language:
        assert {f"code_{code.name.lower()}" for code in refused} <= set(words(language)), language


def test_a_photo_that_is_refused_has_words_of_its_own() -> None:
    photo = {*WALK, Code.PHOTO_TOO_LARGE, Code.PHOTO_UNDECODABLE, Code.UPLOADS_BUSY, Code.STORE_FULL, Code.UPLOAD_FAILED, Code.COMMITS_BUSY}
    assert {f"code_{code.name.lower()}" for code in photo} <= set(words(Language.ENGLISH))


def test_words_of_codes_are_of_codes_that_exist() -> None:
    known = {f"code_{code.name.lower()}" for code in STATUS_OF_CODE} | {"code_other"}
    assert {name for name in words(Language.ENGLISH) if name.startswith("code_")} <= known


def test_a_refusal_of_the_programme_has_words_of_its_own() -> None:
    """By the tables from which joining and benefits refuse, whatever the contract says."""
    refused = {code for code, _ in (*_FAULTS.values(), *_PROBLEMS.values())}
    for language in Language:
        assert {f"code_{code.name.lower()}" for code in refused} <= set(words(language)), language


@pytest.mark.parametrize("language", Language)
def test_a_field_of_a_form_a_state_of_a_wave_and_a_part_of_the_benefits_have_words(language: Language) -> None:
    fields = {f"field_{name}" for kind in (WalletChoice, Purchase, Consent, Answers, PersonalData) for name in kind.model_fields}
    states_shown = {f"wave_{state}{text}" for state in Shown if state is not Shown.NOT_JOINED for text in ("", "_text")}
    parts = {f"part_{kind}" for kind in Kind} | {f"part_promised_{kind}" for kind in Kind}
    partners = {f"partner_{name}" for name in ("gopay", "ovo", "linkaja", "bni")}
    assert fields | states_shown | parts | partners <= set(words(language))


@pytest.mark.parametrize(("amount", "text"), [(0, "Rp0"), (50_000, "Rp50.000"), (3_550_000, "Rp3.550.000")])
def test_rupiah_are_written_as_indonesian_writes_them(amount: int, text: str) -> None:
    assert rupiah(amount) == text


def test_a_day_is_told_by_the_clock_of_the_capital() -> None:
    moment = datetime(2020, 4, 17, 3, 0, tzinfo=UTC)
    assert told_day(words(Language.INDONESIAN), moment) == "17 April 2020 pukul 10:00 WIB"
    assert told_day(words(Language.ENGLISH), moment) == "17 April 2020, 10:00 WIB"


def test_the_wave_opens_when_the_test_is_handed_in_and_is_done_when_one_was_joined() -> None:
    photos = {"ktp": "validated", "selfie": "received"}
    before = {"nik": "99", "nik_state": "verified", "phone_verified": True, "photo_states": photos, "test_handed_in": True}
    assert states(**before)["wave"] == "next"
    assert states(**before, joined_wave="wave-1")["wave"] == "done"


def test_the_script_finds_all_its_words() -> None:
    assert set(_SAID_BY_SCRIPT) <= set(words(Language.ENGLISH))


def test_what_a_person_typed_is_text_and_never_markup() -> None:
    shown = environment().from_string("{{ name }}").render(name="<script>alert(1)</script>")
    assert shown == "&lt;script&gt;alert(1)&lt;/script&gt;"


def test_the_first_step_that_is_open_is_the_next_one_and_those_after_it_come_later() -> None:
    found = states(nik="99", nik_state="being_checked")
    assert found == {
        "email": "done", "data": "done", "phone": "next", "ktp": "later", "selfie": "later", "nik": "waiting", "test": "later",
        "wave": "later",
    }  # fmt: skip


def test_a_nik_that_nobody_knows_and_a_photo_that_was_rejected_are_to_be_done_again() -> None:
    assert states(nik="99", nik_state="unknown")["data"] == "again"
    photos = {"ktp": "photo_undecodable", "selfie": "received"}
    found = states(nik="99", nik_state="verified", phone_verified=True, photo_states=photos)
    assert (found["ktp"], found["selfie"], found["test"]) == ("again", "done", "later")


def test_the_test_opens_when_all_before_it_is_done() -> None:
    photos = {"ktp": "validated", "selfie": "received"}
    assert states(nik="99", nik_state="verified", phone_verified=True, photo_states=photos)["test"] == "next"


@pytest.mark.parametrize("number", range(7, 60))
def test_a_sum_offers_its_right_answer_once(number: int) -> None:
    asked = question(words(Language.ENGLISH), number)
    first, second = (int(one) for one in re.findall(r"\d+", asked.text))
    assert asked.choices.count(str(first + second)) == 1
    assert len(set(asked.choices)) == 4


@pytest.mark.parametrize(("typed", "number"), [("0001 3456-7890", "+6200134567890"), ("+62 001 34567", "+6200134567"), ("812", "812")])
def test_a_number_is_taken_as_people_write_it(typed: str, number: str) -> None:
    assert international(typed) == number


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "in 1 seconds"), (59, "in 59 seconds"), (61, "in 2 minutes"), (120, "in 2 minutes")])
def test_a_wait_is_never_told_shorter_than_it_is(seconds: float, text: str) -> None:
    assert wait_text(words(Language.ENGLISH), seconds) == text
