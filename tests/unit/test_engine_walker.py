"""People walking a small journey on virtual time: what they send, what they make of answers, and what the ledgers say afterwards."""

import json
from pathlib import Path

import pytest

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.person import make_person, template_values
from gelombang.steps import PhotoKind
from gelombang_loadtests.beside import Beside
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.walker import Values
from tests.support.small_scenario import ACCOUNT, CODE, HOME, KTP, SEND, SMS, TICKET, scenario
from tests.support.walking import LATE, RUN, Walk, ok, picture, problem, scripted


def test_a_persons_own_values_are_those_that_every_reader_of_a_scenario_expects() -> None:
    person = make_person(1, 7, scenario(HOME), RUN)
    assert dict(Values(person, {"session": "s"}, Beside())) == template_values(person) | {"session": "s"}


def test_placeholders_captures_and_the_attempts_identity_go_into_requests(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(ACCOUNT, HOME), scripted(ok({"session": "s-1"}, 201)), due_seconds=(1.0, 2.0))
    (_, account), (_, home) = walk.requests[0], walk.requests[1]
    assert (account.method, account.target, account.host, account.port) == (b"POST", b"/accounts", "127.0.0.1", 9)
    assert json.loads(bytes(account.body)) == {"email": "pendaftar.0.5@warga.example"}
    assert dict(account.headers)[b"content-type"] == b"application/json"
    assert dict(account.headers)[b"traceparent"] == b"00-00000000050000000000000000000001-0000000000000001-01"
    assert dict(home.headers)[b"authorization"] == b"Bearer s-1"
    assert dict(home.headers)[b"traceparent"][3:35] == b"00000000050000000000000001000001"
    assert walk.fates() == [Fate.FINISHED, Fate.FINISHED]
    assert walk.people["due"].tolist() == walk.people["started"].tolist() == [1_000_000, 2_000_000]
    assert walk.people["passed"][:, :2].tolist() == [[1_000_000, 1_000_000], [2_000_000, 2_000_000]]


def test_an_ok_answer_without_what_the_step_captures_has_an_outcome_of_its_own(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(ACCOUNT), scripted(ok({"else": 1}), ok({"session": "s"})))
    assert walk.outcomes() == [Outcome.CAPTURE_FAILED, Outcome.OK]
    assert walk.said == [
        "step account: capture session (json_pointer /session) found nothing; status 200, the answer begins '{\"else\": 1}'"
    ]


def test_who_comes_by_a_way_that_captured_nothing_sends_nothing_and_is_told_apart(tmp_path: Path) -> None:
    known_already = ACCOUNT | {"success": {"status": {"409": "conflict"}}}
    walk = Walk(
        tmp_path,
        scenario(known_already, HOME, attempts_limit=2),
        scripted(problem(409, "email_taken"), ok({"session": "s"}, 201)),
        (1.0, 2.0),
    )
    assert [request.target for _, request in walk.requests] == [b"/accounts", b"/accounts", b"/me"]
    assert walk.outcomes() == [Outcome.CONFLICT, Outcome.CAPTURE_FAILED, Outcome.OK, Outcome.OK, Outcome.CAPTURE_FAILED]
    assert walk.fates() == [Fate.GAVE_UP, Fate.FINISHED]
    assert walk.said == [
        "step home: asks for {session}, which no answer on this person's way held; want a capture on every way here; nothing was sent"
    ]


def test_a_failure_is_tried_again_after_the_retry_time_and_numbers_rise(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}), scripted(problem(500, "internal_error"), ok()))
    assert walk.requests_at_seconds() == [1.0, 16.0]
    assert walk.outcomes() == [Outcome.FAILED, Outcome.OK]
    assert walk.attempts["number"].tolist() == [1, 2]
    assert walk.attempts["code"].tolist() == [Code.INTERNAL_ERROR, Code.NONE]
    assert walk.attempts["due"].tolist() == [1_000_000, 16_000_000]


@pytest.mark.parametrize(
    "answer",
    [
        problem(503, "uploads_busy", retry_after_seconds=40.5),
        Answer(None, Phase.RECEIVE, 503, {b"retry-after": b"99"}, b'{"code":"uploads_busy","retry_after_seconds":40.5}'),
    ],
)
def test_a_told_time_is_obeyed_to_the_second_and_the_body_wins_over_the_header(tmp_path: Path, answer: Answer) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}), scripted(answer, ok()))
    assert walk.requests_at_seconds() == [1.0, 41.5]
    assert walk.outcomes() == [Outcome.REFUSED, Outcome.OK]


def test_a_time_to_return_in_a_header_alone_is_obeyed(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}), scripted(Answer(None, Phase.RECEIVE, 429, {b"retry-after": b"30"}, b""), ok()))
    assert walk.requests_at_seconds() == [1.0, 31.0]


def test_who_leaves_comes_back_after_the_away_time(tmp_path: Path) -> None:
    what = scenario(HOME | {"headers": {}}, persist_ratio=0.0)
    walk = Walk(tmp_path, what, scripted(problem(500, "internal_error"), ok()), end_seconds=5000.0)
    assert walk.requests_at_seconds() == [1.0, 3601.0]


def test_who_is_away_past_the_end_is_waiting(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}, persist_ratio=0.0), scripted(problem(500, "internal_error")))
    assert walk.fates() == [Fate.WAITING]
    assert walk.people["attempts"].tolist() == [1]


def test_people_give_up_at_the_limit_of_attempts(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}, attempts_limit=3), scripted(problem(500, "internal_error")))
    assert walk.outcomes() == [Outcome.FAILED] * 3
    assert walk.fates() == [Fate.GAVE_UP]


def test_a_journey_that_goes_in_circles_ends_at_the_limit_of_attempts(tmp_path: Path) -> None:
    circle = HOME | {"headers": {}, "on": {"expired": "step:other"}}
    other = HOME | {"step": "other", "headers": {}, "on": {"ok": "step:home"}}
    walk = Walk(tmp_path, scenario(circle, other, attempts_limit=4), lambda walk, _: problem(410, "") if len(walk.requests) % 2 else ok())
    assert walk.fates() == [Fate.GAVE_UP]
    assert len(walk.attempts) == 8


def test_an_invalid_answer_rejects_for_good(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}), scripted(problem(422, "nik_invalid")))
    assert walk.fates() == [Fate.REJECTED]


def test_patience_that_runs_out_is_a_time_out_and_the_run_s_end_is_a_cut(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}), scripted(LATE), end_seconds=35.0)
    assert walk.patience_seconds[0] == 12.0
    assert walk.attempts["done"].tolist() == [13_000_000, 35_000_000]
    assert walk.outcomes() == [Outcome.TIMED_OUT, Outcome.CUT]
    assert walk.attempts["phase"].tolist() == [Phase.WAIT, Phase.WAIT]
    assert walk.fates() == [Fate.CUT]


def test_an_attempt_that_does_not_notice_the_end_is_killed_and_cut(tmp_path: Path) -> None:
    def deaf(walk: Walk, request: Request) -> Answer:
        walk.takes(10_000.0)
        return ok()

    walk = Walk(tmp_path, scenario(HOME | {"headers": {}}), deaf, end_seconds=35.0)
    assert walk.outcomes() == [Outcome.CUT]
    assert walk.fates() == [Fate.CUT]
    assert walk.people["attempts"].tolist() == [1]


def code_site(walk: Walk, request: Request) -> Answer:
    return ok()


def test_a_message_is_waited_for_read_and_used(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        if request.method == b"POST":
            walk.deliver(20.0, address="+6200000000000", kind="otp", code="123456")
        return ok()

    walk = Walk(tmp_path, scenario(SEND, SMS, CODE), site)
    assert walk.requests_at_seconds() == [1.0, 21.0]
    assert json.loads(bytes(walk.requests[1][1].body)) == {"code": "123456"}
    waiting = walk.attempts[1]
    assert (waiting["due"], waiting["sent"], waiting["done"]) == (1_000_000, 1_000_000, 21_000_000)
    assert (waiting["outcome"], waiting["phase"], waiting["exchanges"]) == (Outcome.OK, Phase.INBOX, 0)


def test_a_message_that_came_before_the_person_looked_is_there(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        if request.method == b"POST":
            walk.phone.deliver({"address": "+6200000000000", "kind": "otp", "code": "1"}, walk.engine.wake)
        return ok()

    walk = Walk(tmp_path, scenario(SEND, SMS, CODE), site)
    assert walk.requests_at_seconds() == [1.0, 1.0]


def test_no_message_in_time_leads_where_the_scenario_says_and_an_old_code_is_thrown_away(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        asked = sum(sent.method == b"POST" for _, sent in walk.requests)
        if request.method == b"POST":
            walk.deliver(302.0 if asked == 1 else 20.0, address="+6200000000000", kind="otp", code=f"code {asked}")
            walk.takes(1.0)
        return ok()

    walk = Walk(tmp_path, scenario(SEND | {"think_seconds": {"value": 2.0}}, SMS, CODE), site)
    assert walk.outcomes() == [Outcome.OK, Outcome.NO_MESSAGE, Outcome.OK, Outcome.OK, Outcome.OK]
    assert json.loads(bytes(walk.requests[-1][1].body)) == {"code": "code 2"}


def test_a_message_that_does_not_hold_what_the_step_accepts_is_invalid(tmp_path: Path) -> None:
    nik = {
        "step": "nik",
        "form": "message",
        "kind": "registry",
        "address": "{email}",
        "within_seconds": 900.0,
        "accept": {"result": "verified"},
    }

    def site(walk: Walk, request: Request) -> Answer:
        walk.deliver(5.0, address="pendaftar.0.5@warga.example", kind="registry", result="unknown")
        return ok()

    walk = Walk(tmp_path, scenario(SEND, nik), site)
    assert walk.outcomes() == [Outcome.OK, Outcome.INVALID]
    assert walk.fates() == [Fate.REJECTED]


def test_mail_that_is_never_read_ends_at_once_as_unreachable(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(SEND, SMS | {"read_ratio": 1e-9}), code_site)
    assert walk.outcomes() == [Outcome.OK, Outcome.NOT_READ]
    assert walk.fates() == [Fate.UNREACHABLE]


def test_a_wait_for_a_message_at_the_end_of_the_run_is_cut_and_its_person_is_waiting(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(SEND, SMS), code_site, end_seconds=100.0)
    assert walk.outcomes() == [Outcome.OK, Outcome.CUT]
    assert walk.fates() == [Fate.WAITING]
    assert walk.people["step"].tolist() == [1]


def test_a_photo_that_is_too_large_is_sent_again_as_a_smaller_copy_and_acknowledged_with_its_digest(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(KTP), scripted(problem(413, "photo_too_large"), ok({"photo": "p"}, 201)))
    assert [request.target for _, request in walk.requests] == [b"/photos/ktp", b"/photos/ktp"]
    assert walk.patience_seconds == [45.0, 45.0]
    assert walk.outcomes() == [Outcome.TOO_LARGE, Outcome.OK]
    assert walk.acknowledged["bytes"].tolist() == [500_000]
    assert walk.acknowledged["number"].tolist() == [2]
    assert bytes(walk.acknowledged["sha256"][0]) == picture(PhotoKind.KTP, 500_000, b"5.0.1").sha256


def test_a_photo_on_a_ticket_is_one_attempt_of_two_exchanges(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        if request.method == b"POST":
            return ok({"url": "http://127.0.0.1:8/put?x=1"}, 201)
        return ok({}, 201)

    walk = Walk(tmp_path, scenario(TICKET), site)
    (_, asked), (_, put) = walk.requests
    assert json.loads(bytes(asked.body)) == {"kind": "ktp", "bytes": 3_000_000, "sha256": picture(PhotoKind.KTP, 0, b"5.0.0").sha256.hex()}
    assert (put.method, put.target, put.port) == (b"PUT", b"/put?x=1", 8)
    assert dict(asked.headers)[b"traceparent"][3:35] == dict(put.headers)[b"traceparent"][3:35]
    assert [dict(r.headers)[b"traceparent"][36:52] for r in (asked, put)] == [b"0000000000000001", b"0000000000000002"]
    assert walk.attempts["exchanges"].tolist() == [2]
    assert walk.heard == [("POST ticket", Outcome.OK, Code.NONE), ("PUT photo", Outcome.OK, Code.NONE)]
    assert walk.patience_seconds == [12.0, 45.0]
    assert len(walk.acknowledged) == 1


def test_a_photo_that_the_site_already_has_needs_no_second_exchange(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(TICKET), scripted(ok({"photo": "p", "stored": True})))
    assert walk.attempts["exchanges"].tolist() == [1]
    assert walk.outcomes() == [Outcome.OK]
    assert len(walk.acknowledged) == 1


def test_a_refused_ticket_is_asked_for_again_when_told_and_no_photo_is_sent(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(TICKET), scripted(problem(503, "uploads_busy", retry_after_seconds=77.0), ok({"stored": True})))
    assert walk.requests_at_seconds() == [1.0, 78.0]
    assert all(request.method == b"POST" for _, request in walk.requests)


def test_a_ticket_for_another_machine_is_not_followed(tmp_path: Path) -> None:
    walk = Walk(tmp_path, scenario(TICKET, attempts_limit=1), scripted(ok({"url": "http://192.0.2.1/put"}, 201)))
    assert walk.outcomes() == [Outcome.PROTOCOL]
    assert len(walk.requests) == 1


def test_upload_patience_is_longer_when_the_page_shows_progress(tmp_path: Path) -> None:
    page = {
        "step": "photo-page",
        "form": "request",
        "method": "GET",
        "path": "/uploads",
        "capture": {"upload_shows_progress": {"json_pointer": "/shows_progress"}},
    }
    walk = Walk(tmp_path, scenario(page, KTP), scripted(ok({"shows_progress": True}), ok({}, 201)))
    assert walk.patience_seconds == [12.0, 90.0]


def test_counts_and_ledgers_agree(tmp_path: Path) -> None:
    site = scripted(problem(500, "internal_error"), LATE, problem(500, "upload_failed"), ok({}, 201))
    walk = Walk(tmp_path, scenario(KTP), site, due_seconds=(1.0, 2.0, 3.0), end_seconds=50.0)
    assert walk.counts.attempts_ended == len(walk.attempts) == walk.people["attempts"].sum()
    counted = walk.counts.outcomes(0)
    assert counted == {outcome: walk.outcomes().count(outcome) for outcome in set(walk.outcomes())}
    assert sum(walk.engine.fates.values()) == 3
