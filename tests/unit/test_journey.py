"""Where each outcome leads, and what an answer means."""

from typing import Any

import pytest

from gelombang.attempt import Fate, Outcome
from gelombang.errors import Fault
from gelombang.journey import RETRY, Journey, compile_journey, fate_of_target, outcome_of_answer
from gelombang.journey_check import journey_faults, outline_faults, outlines
from gelombang.loading import load_scenario
from gelombang.steps import Success


@pytest.fixture(scope="module")
def journey() -> Journey:
    return compile_journey(load_scenario("opening-hour"))


def leads(journey: Journey, step: str, outcome: Outcome) -> str:
    target = journey.follow(journey.index(step), outcome)
    fate = fate_of_target(target)
    if fate is not None:
        return f"fate {fate.name.lower()}"
    return "retry" if target == RETRY else journey.names[target]


def test_the_happy_path_goes_through_every_step_but_the_second_login(journey: Journey) -> None:
    walked, step = [], 0
    while fate_of_target(step) is None:
        walked.append(journey.names[step])
        step = journey.follow(step, Outcome.OK)
    assert walked == [name for name in journey.names if name != "login"]
    assert fate_of_target(step) is Fate.FINISHED


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.REFUSED,
        Outcome.FAILED,
        Outcome.TIMED_OUT,
        Outcome.CONNECT_REFUSED,
        Outcome.RESET,
        Outcome.PROTOCOL,
        Outcome.TOO_LARGE,
        Outcome.EXPIRED,
        Outcome.NO_MESSAGE,
        Outcome.CAPTURE_FAILED,
    ],
)
def test_what_may_work_next_time_is_tried_again(journey: Journey, outcome: Outcome) -> None:
    assert leads(journey, "ktp", outcome) == "retry"


def test_what_was_done_already_is_done(journey: Journey) -> None:
    assert leads(journey, "data", Outcome.CONFLICT) == "otp-send"
    assert leads(journey, "ktp", Outcome.CONFLICT) == "selfie"
    assert leads(journey, "test-start", Outcome.CONFLICT) == "test"


def test_what_is_wrong_for_good_ends_the_journey(journey: Journey) -> None:
    assert leads(journey, "data", Outcome.INVALID) == "fate rejected"
    assert leads(journey, "nik", Outcome.INVALID) == "fate rejected"
    assert leads(journey, "email", Outcome.NOT_READ) == "fate unreachable"
    assert leads(journey, "email", Outcome.CUT) == "fate cut"


def test_the_scenario_has_the_last_word(journey: Journey) -> None:
    assert leads(journey, "account", Outcome.CONFLICT) == "login"
    assert leads(journey, "login", Outcome.OK) == "email"
    assert leads(journey, "otp-sms", Outcome.NO_MESSAGE) == "otp-send"
    assert leads(journey, "join", Outcome.CONFLICT) == "fate finished"


def test_titles_and_milestones_are_the_scenarios(journey: Journey) -> None:
    assert journey.title(journey.index("ktp")) == "KTP photo"
    assert [journey.names[i] for i in journey.milestones] == [
        "account",
        "email-link",
        "data",
        "otp",
        "nik",
        "ktp",
        "selfie",
        "test",
        "join",
    ]


@pytest.mark.parametrize(
    ("status", "code", "told", "outcome"),
    [
        (200, None, False, Outcome.OK),
        (201, None, False, Outcome.OK),
        (202, "", True, Outcome.OK),
        (409, "already_done", False, Outcome.CONFLICT),
        (409, "email_taken", False, Outcome.CONFLICT),
        (409, "step_not_open", False, Outcome.INVALID),
        (413, "photo_too_large", False, Outcome.TOO_LARGE),
        (401, "session_expired", False, Outcome.EXPIRED),
        (410, "ticket_expired", False, Outcome.EXPIRED),
        (503, "uploads_busy", True, Outcome.REFUSED),
        (429, "tries_exhausted", True, Outcome.REFUSED),
        (503, "upload_failed", False, Outcome.FAILED),
        (500, "internal_error", True, Outcome.FAILED),
        (504, "upload_timed_out", False, Outcome.FAILED),
        (429, None, False, Outcome.FAILED),
        (408, None, False, Outcome.FAILED),
        (400, "malformed_request", False, Outcome.INVALID),
        (404, "wave_unknown", False, Outcome.INVALID),
        (422, "photo_truncated", True, Outcome.INVALID),
        (302, None, False, Outcome.INVALID),
    ],
)
def test_an_answer_means_one_outcome(status: int, code: str | None, told: bool, outcome: Outcome) -> None:
    assert outcome_of_answer(status, code, None, told) is outcome


def test_the_steps_own_rules_come_first_and_the_most_exact_one_wins() -> None:
    rules = Success.model_validate({"status": {"4xx": "conflict", "42x": "failed", "429": "expired", "302": "ok"}})
    assert outcome_of_answer(429, None, rules, told_to_return=True) is Outcome.EXPIRED
    assert outcome_of_answer(422, None, rules) is Outcome.FAILED
    assert outcome_of_answer(404, None, rules) is Outcome.CONFLICT
    assert outcome_of_answer(302, None, rules) is Outcome.OK
    assert outcome_of_answer(503, None, rules) is Outcome.FAILED


# What can be wrong with a journey of well-formed steps.

SEND = {"step": "send", "form": "request", "capture": {"session": {"json_pointer": "/session"}}}
WAIT = {"step": "wait", "form": "message", "address": "{email}", "capture": {"code": {"message": "code"}}}
USE = {"step": "use", "form": "request", "path": "/{session}/{code}/{nik}"}


def faults(*steps: dict[str, Any]) -> list[Fault]:
    return outline_faults(outlines(list(steps)), ["ktp"])


def test_a_sound_journey_has_no_faults() -> None:
    assert faults(SEND, WAIT, USE) == []
    assert journey_faults(load_scenario("opening-hour")) == []


def test_a_placeholder_that_nobody_fills_is_named_with_the_one_that_was_meant() -> None:
    (fault,) = faults(SEND, WAIT, {**USE, "path": "/{sesion}"})
    assert (fault.where, fault.found) == ("journey[2].path", "{sesion}")
    assert "session (did you mean that?)" in fault.wanted


def test_a_capture_that_comes_later_is_too_late() -> None:
    assert [fault.where for fault in faults(USE, SEND, WAIT)] == ["journey[0].path", "journey[0].path"]


def test_a_capture_must_lie_on_every_way_to_the_step() -> None:
    skipping = {"step": "first", "form": "request", "on": {"conflict": "step:use"}}
    assert {fault.found for fault in faults(skipping, SEND, WAIT, USE)} == {
        "{session}, captured on no way or not on every way to this step",
        "{code}, captured on no way or not on every way to this step",
    }


def test_an_answer_that_is_not_ok_captures_nothing() -> None:
    assert [fault.where for fault in faults({**SEND, "on": {"conflict": "next"}}, WAIT, USE)] == ["journey[2].path"]


def test_a_detour_that_captures_the_same_is_fine() -> None:
    first = {**SEND, "on": {"conflict": "step:again"}}
    again = {"step": "again", "form": "request", "capture": {"session": {"json_pointer": "/session"}}, "on": {"ok": "step:wait"}}
    assert faults(first, WAIT, {**USE, "on": {"ok": "fate:finished"}}, again) == []


def test_where_a_broken_rule_leads_is_a_way_too() -> None:
    rules = {"rules": {"there": {"contains": "x", "leads_to": "step:use"}, "wrong": {"contains": "y", "leads_to": "step:ues"}}}
    found = faults({**SEND, "success": rules}, WAIT, USE)
    assert [fault.where for fault in found] == ["journey[0].success.rules.wrong.leads_to", "journey[2].path", "journey[2].path"]


def test_a_photo_in_a_form_must_be_described_too() -> None:
    send = {"step": "send", "form": "request", "body": {"multipart": {"scan": {"photo": "selfie"}, "note": "text"}}}
    assert [fault.where for fault in faults(send)] == ["journey[0].body.multipart.scan.photo"]


def test_parallel_requests_capture_and_ask_for_values_too() -> None:
    beside = [{"path": "/{nobody}", "capture": {"seen": {"json_pointer": "/a"}}, "body": {"multipart": {"p": {"photo": "selfie"}}}}]
    found = faults({**SEND, "parallel": beside}, WAIT, {**USE, "path": "/{session}/{seen}"})
    assert [fault.where for fault in found] == ["journey[0].parallel[0].body.multipart.p.photo", "journey[0].parallel[0].path"]


def test_a_step_that_nothing_leads_to_is_named() -> None:
    (fault,) = faults({**SEND, "on": {"ok": "step:use"}}, {"step": "lost", "form": "request"}, {"step": "use", "form": "request"})
    assert (fault.where, fault.found) == ("journey[1].step", "'lost', which no step leads to")


def test_a_target_that_does_not_exist_is_named_with_the_one_that_was_meant() -> None:
    (fault,) = faults({**SEND, "on": {"conflict": "step:wiat"}}, WAIT, USE)
    assert fault.where == "journey[0].on.conflict"
    assert "wait (did you mean that?)" in fault.wanted


def test_two_steps_of_one_name_are_named() -> None:
    assert [fault.where for fault in faults(SEND, {"step": "send", "form": "request"}) if "too" in fault.found] == ["journey[1].step"]


def test_a_journey_that_goes_in_circles_has_no_end() -> None:
    assert [(f.where, f.found) for f in faults({**SEND, "on": {"ok": "step:wait"}}, {**WAIT, "on": {"ok": "step:send"}})] == [
        ("journey", "without an end")
    ]


def test_an_outcome_that_a_form_never_has_is_refused() -> None:
    assert [f.where for f in faults({**SEND, "on": {"no_message": "retry"}}, {**WAIT, "on": {"reset": "retry"}}, USE)] == [
        "journey[0].on.no_message",
        "journey[1].on.reset",
    ]


def test_a_capture_of_the_wrong_kind_is_refused() -> None:
    assert [f.where for f in faults({**SEND, "capture": {"session": {"message": "code"}}}, WAIT, USE)] == ["journey[0].capture.session"]


def test_a_photo_that_nobody_has_is_refused() -> None:
    photo = {"step": "photo", "form": "photo", "photo": "selfie"}
    assert [f.where for f in faults(photo)] == ["journey[0].photo"]


@pytest.mark.parametrize("steps", [None, "text", 3, [], ["text"], [{"step": 3, "on": "x", "capture": [1]}]])
def test_nonsense_in_the_place_of_a_journey_breaks_nothing(steps: object) -> None:
    outline_faults(outlines(steps), [])
