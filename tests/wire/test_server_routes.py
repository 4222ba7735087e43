"""The registration, route by route: the good path and each documented refusal."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from serversite import PASSWORD, Site, plan, profile, serving

from gelombang.attempt_id import AttemptId
from gelombang.ledger import SERVER_ROW, read_rows
from gelombang_server.database import Database

DATA = {"nik": "9901015204900001", "kk": "9901010101100001", "birth_date": "1990-04-12", "address": "Jalan Contoh 1"}
UNKNOWN_TO_REGISTRY = {"nik": "9999011204900002", "birth_date": "1990-04-12", "address": "Jalan Contoh 2"}
ANSWERS = {"answers": [1, 2, 3, 4] * 4 + [1, 2]}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    quick = {"lookups_per_second": 2_000.0}
    async with serving(plan(tmp_path, profile("hardened", registry=quick))) as site:
        yield site


async def refused(site: Site, method: str, path: str, json: Any = None, session: str | None = None, **more: Any) -> tuple[int, str]:
    status, document = await site.ask(method, path, json, session, **more)
    return status, document["code"]


async def test_a_person_walks_through_the_whole_registration(site: Site) -> None:
    session = await site.sign_up()
    await site.verify_email()
    assert await site.ask("PUT", "/api/v1/me/data", DATA, session) == (202, {"state": "being_checked"})
    status, sent = await site.ask("POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session)
    assert (status, sent) == (202, {"expires_in_seconds": 5.0})
    code = (await site.message("+6200012345678"))["code"]
    assert await site.ask("PUT", "/api/v1/me/otp", {"code": code}, session) == (200, {"state": "phone_verified"})
    status, page = await site.ask("GET", "/api/v1/me/uploads", None, session)
    assert page == {
        "protocol": "ticket",
        "url": "http://127.0.0.1:9/api/v1/me/tickets",
        "tus_url": "http://127.0.0.1:9/api/v1/me/tus",
        "shows_progress": True,
        "photo_limit_bytes": 200_000,
        "stored": [],
        "send_again": {},
    }
    await until(site, session, "nik")
    store_photos(site)
    assert await site.ask("POST", "/api/v1/me/test", None, session) == (201, {"questions": 18, "seconds": 25.0})
    assert await site.ask("PUT", "/api/v1/me/test", ANSWERS, session) == (200, {"state": "scored"})
    status, joined = await site.ask("POST", "/api/v1/me/waves/wave-1", {"accept_terms": True}, session)
    assert (status, joined) == (201, {"state": "waiting_for_wave_to_close"})
    status, me = await site.ask("GET", "/api/v1/me", None, session)
    assert all(me["steps"].values())
    assert (await site.ask("GET", "/api/v1/me/uploads", None, session))[1]["stored"] == ["ktp", "selfie"]
    for step in ("account", "email-link", "data", "otp", "nik", "test", "join"):
        assert site.sample("people_steps_total", step=step) == 1, step
    assert site.sample("requests_total", route="join", status="201") == 1


async def test_no_statement_of_a_registration_reads_a_whole_table(site: Site) -> None:
    """With 1.4 million people in it, one that does stops everybody: 71 ms for a million messages."""
    seen: set[str] = set()
    database = site.context.database
    assert isinstance(database, Database)
    for connection in (database._reader, database._writer):
        connection.set_trace_callback(seen.add)
    await test_a_person_walks_through_the_whole_registration(site)
    statements = [statement for statement in seen if statement.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")]
    assert len(statements) > 20
    slow = [
        (statement, detail)
        for statement in statements
        for *_, detail in site.execute(f"EXPLAIN QUERY PLAN {statement}")
        if "USING" not in detail
        and detail.startswith(("SCAN", "SEARCH"))
        and detail != "SCAN CONSTANT ROW"
        # The ends of a table's own key are found at once.
        and not (detail.startswith("SEARCH") and re.search(r"(min|max)\(id\)", statement))
    ]
    assert slow == []


async def until(site: Site, session: str, step: str) -> None:
    while not (await site.ask("GET", "/api/v1/me", None, session))[1]["steps"][step]:
        await asyncio.sleep(0.01)


def store_photos(site: Site) -> None:
    for kind in ("ktp", "selfie"):
        site.execute("INSERT INTO photos SELECT ?, 1, 1, 1, id, ?, 'aa', 1, ?, 1 FROM applicants", kind, kind, f"{kind}.jpg")


async def test_health_names_the_profile(site: Site) -> None:
    assert await site.ask("GET", "/healthz") == (200, {"status": "ok", "profile": "hardened"})


async def test_an_address_has_one_account_however_many_ask_at_once(site: Site) -> None:
    body = {"name": "Siti", "email": "Siti@Mail.example", "password": PASSWORD}
    answers = await asyncio.gather(*(site.ask("POST", "/api/v1/accounts", body) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [201] + [409] * 7
    assert {document.get("code") for _, document in answers} == {None, "email_taken"}
    assert site.execute("SELECT count(*) FROM applicants") == [(1,)]
    assert site.execute("SELECT count(*) FROM outbox") == [(1,)]


async def test_a_nik_and_a_phone_belong_to_one_person(site: Site) -> None:
    sessions = [await site.sign_up(name) for name in ("adi", "budi")]
    site.execute("UPDATE applicants SET email_verified_us = 1")
    answers = await asyncio.gather(*(site.ask("PUT", "/api/v1/me/data", DATA, session) for session in sessions))
    assert sorted((status, document.get("code")) for status, document in answers) == [(202, None), (409, "nik_taken")]
    for session in sessions:
        assert (await site.ask("POST", "/api/v1/me/otp", {"phone": "+6200011111111"}, session))[0] == 202
    codes = [code for (code,) in site.execute("SELECT code FROM otps ORDER BY applicant")]
    confirm = (site.ask("PUT", "/api/v1/me/otp", {"code": code}, session) for code, session in zip(codes, sessions, strict=True))
    answers = await asyncio.gather(*confirm)
    assert sorted((status, document.get("code")) for status, document in answers) == [(200, None), (409, "phone_taken")]
    loser = sessions[answers.index(next(answer for answer in answers if answer[0] == 409))]
    assert await refused(site, "POST", "/api/v1/me/otp", {"phone": "+6200011111111"}, loser) == (409, "phone_taken")


async def test_a_log_in_needs_the_right_password_and_locks_after_five_wrong_ones(site: Site) -> None:
    await site.sign_up()
    right, wrong = ({"email": "siti@mail.example", "password": password} for password in (PASSWORD, "salah-salah"))
    assert (await site.ask("POST", "/api/v1/sessions", right))[0] == 200
    assert await refused(site, "POST", "/api/v1/sessions", {"email": "nobody@mail.example", "password": "x"}) == (401, "credentials_wrong")
    for _ in range(4):
        assert await refused(site, "POST", "/api/v1/sessions", wrong) == (401, "credentials_wrong")
    status, locked = await site.ask("POST", "/api/v1/sessions", wrong)
    assert (status, locked["code"]) == (429, "tries_exhausted")
    assert 0 < locked["retry_after_seconds"] <= 15.0
    assert await refused(site, "POST", "/api/v1/sessions", right) == (429, "tries_exhausted")
    site.execute("UPDATE applicants SET locked_until_us = 1")
    assert (await site.ask("POST", "/api/v1/sessions", right))[0] == 200


async def test_wrong_guesses_at_the_same_time_get_no_more_tries(site: Site) -> None:
    await site.sign_up()
    wrong = {"email": "siti@mail.example", "password": "salah-salah"}
    answers = await asyncio.gather(*(refused(site, "POST", "/api/v1/sessions", wrong) for _ in range(12)))
    assert answers.count((401, "credentials_wrong")) == 4
    assert answers.count((429, "tries_exhausted")) == 8


async def test_a_link_may_be_followed_again_and_dies_of_age(site: Site) -> None:
    session = await site.sign_up()
    assert await refused(site, "GET", "/api/v1/email-links/nobody-gave-this") == (404, "link_invalid")
    mail = await site.message("siti@mail.example")
    assert mail["kind"] == "email-link"
    site.execute("UPDATE email_links SET expires_us = 1")
    assert await refused(site, "GET", mail["path"]) == (410, "link_expired")
    assert await refused(site, "PUT", "/api/v1/me/data", DATA, session) == (409, "step_not_open")
    site.execute("UPDATE email_links SET expires_us = 1 << 62")
    for _ in range(2):
        assert await site.ask("GET", mail["path"]) == (200, {"state": "email_verified"})


async def test_data_is_checked_and_may_be_sent_again(site: Site) -> None:
    session = await site.sign_up()
    await site.verify_email()
    for change, expected in (
        ({"nik": "1234"}, (422, "nik_invalid")),
        ({"birth_date": "1990-04-13"}, (422, "birth_date_mismatch")),
        ({"nik": "9901011204100001", "birth_date": "2010-04-12"}, (422, "field_invalid")),
        ({"birth_date": "12 April"}, (422, "field_invalid")),
        ({"kk": "12"}, (422, "field_invalid")),
    ):
        assert await refused(site, "PUT", "/api/v1/me/data", DATA | change, session) == expected
    assert (await site.ask("PUT", "/api/v1/me/data", DATA, session))[0] == 202
    assert (await site.ask("PUT", "/api/v1/me/data", DATA, session))[0] == 202
    assert await refused(site, "PUT", "/api/v1/me/data", DATA | {"address": "elsewhere"}, session) == (409, "already_done")
    assert site.sample("people_steps_total", step="data") == 1


async def test_a_nik_that_the_registry_does_not_know_may_be_corrected(site: Site) -> None:
    session = await site.sign_up()
    await site.verify_email()
    assert (await site.ask("PUT", "/api/v1/me/data", UNKNOWN_TO_REGISTRY, session))[0] == 202
    message = await site.message("siti@mail.example")
    assert (message["kind"], message["result"]) == ("registry", "unknown")
    assert await site.ask("PUT", "/api/v1/me/data", DATA, session) == (202, {"state": "being_checked"})
    assert (await site.message("siti@mail.example"))["result"] == "verified"
    assert await site.ask("PUT", "/api/v1/me/data", DATA, session) == (202, {"state": "verified"})


async def test_a_code_has_a_life_and_three_tries(site: Site) -> None:
    session = await site.sign_up()
    assert await refused(site, "POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session) == (409, "step_not_open")
    site.execute("UPDATE applicants SET email_verified_us = 1")
    assert await refused(site, "PUT", "/api/v1/me/otp", {"code": "000000"}, session) == (409, "step_not_open")
    assert (await site.ask("POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session))[0] == 202
    site.execute("UPDATE otps SET code = '123456'")
    for _ in range(3):
        assert await refused(site, "PUT", "/api/v1/me/otp", {"code": "654321"}, session) == (422, "otp_wrong")
    assert await refused(site, "PUT", "/api/v1/me/otp", {"code": "123456"}, session) == (429, "tries_exhausted")
    assert (await site.ask("POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session))[0] == 202
    site.execute("UPDATE otps SET code = '123456', expires_us = 1")
    assert await refused(site, "PUT", "/api/v1/me/otp", {"code": "123456"}, session) == (410, "otp_expired")
    site.execute("UPDATE otps SET expires_us = 1 << 62")
    for _ in range(2):
        assert await site.ask("PUT", "/api/v1/me/otp", {"code": "123456"}, session) == (200, {"state": "phone_verified"})
    assert site.sample("people_steps_total", step="otp") == 1


async def test_codes_can_be_asked_for_ten_times_and_again_after_a_pause(site: Site) -> None:
    session = await site.sign_up()
    site.execute("UPDATE applicants SET email_verified_us = 1")
    for _ in range(10):
        assert (await site.ask("POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session))[0] == 202
    assert await refused(site, "POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session) == (429, "tries_exhausted")
    site.execute("UPDATE otps SET sent_us = 1")
    assert (await site.ask("POST", "/api/v1/me/otp", {"phone": "+6200012345678"}, session))[0] == 202


async def test_the_test_opens_after_everything_else_and_closes_with_its_time(site: Site) -> None:
    session = await site.sign_up()
    assert await refused(site, "POST", "/api/v1/me/test", None, session) == (409, "step_not_open")
    assert await refused(site, "PUT", "/api/v1/me/test", ANSWERS, session) == (409, "step_not_open")
    site.execute("UPDATE applicants SET nik_state = 'verified', phone_verified_us = 1")
    site.execute("INSERT INTO photos SELECT 'ktp', 1, 1, 1, id, 'ktp', 'aa', 1, 'ktp.jpg', 1 FROM applicants")
    assert await refused(site, "POST", "/api/v1/me/test", None, session) == (409, "step_not_open")
    site.execute("INSERT INTO photos SELECT 'selfie', 1, 1, 1, id, 'selfie', 'aa', 1, 'selfie.jpg', 1 FROM applicants")
    assert (await site.ask("POST", "/api/v1/me/test", None, session))[0] == 201
    assert await refused(site, "POST", "/api/v1/me/test", None, session) == (409, "already_done")
    for answers in ([1] * 17, [1] * 19, [1] * 17 + [5], [1] * 17 + ["1"], [1] * 17 + [True]):
        assert await refused(site, "PUT", "/api/v1/me/test", {"answers": answers}, session) == (422, "field_invalid")
    began = site.execute("SELECT began_us FROM tests")[0][0]
    site.execute("UPDATE tests SET began_us = began_us - 26000000")
    assert await refused(site, "PUT", "/api/v1/me/test", ANSWERS, session) == (410, "test_time_over")
    site.execute("UPDATE tests SET began_us = ?", began)
    for _ in range(2):
        assert (await site.ask("PUT", "/api/v1/me/test", ANSWERS, session))[0] == 200
    assert site.sample("people_steps_total", step="test") == 1


async def test_a_wave_is_joined_once_after_the_test_and_with_consent(site: Site) -> None:
    session = await site.sign_up()
    yes = {"accept_terms": True}
    assert await refused(site, "POST", "/api/v1/me/waves/wave-9", yes, session) == (404, "wave_unknown")
    assert await refused(site, "POST", "/api/v1/me/waves/wave-1", {"accept_terms": False}, session) == (422, "field_invalid")
    assert await refused(site, "POST", "/api/v1/me/waves/wave-1", yes, session) == (409, "step_not_open")
    site.execute("INSERT INTO tests SELECT id, 1, 2, x'01' FROM applicants")
    assert (await site.ask("POST", "/api/v1/me/waves/wave-1", yes, session))[0] == 201
    assert await refused(site, "POST", "/api/v1/me/waves/wave-1", yes, session) == (409, "already_done")


async def test_a_session_is_asked_for_and_must_be_ours_and_young(site: Site) -> None:
    session = await site.sign_up()
    assert await refused(site, "GET", "/api/v1/me") == (401, "session_missing")
    assert await refused(site, "GET", "/api/v1/me", headers={"Authorization": "Basic abc"}) == (401, "session_missing")
    for forged in ("x", session[:-2] + "AA", "A" * 44, session.lower(), "é" * 44):
        assert await refused(site, "GET", "/api/v1/me", None, forged) == (401, "session_invalid")
    from gelombang_server.sessions import issue_session

    old = issue_session(site.context.session_key, 1, site.context.now_us() - 1)
    assert await refused(site, "GET", "/api/v1/me", None, old) == (401, "session_expired")
    nobody = issue_session(site.context.session_key, 999, site.context.now_us() + 10**9)
    assert await refused(site, "GET", "/api/v1/me", None, nobody) == (401, "session_invalid")


async def test_each_request_with_a_trace_leaves_its_row(site: Site, tmp_path: Path) -> None:
    traces = [AttemptId(run=77, person=5, tab=0, step=step, number=1).traceparent(1) for step in range(3)]
    body = {"name": "Siti", "email": "siti@mail.example", "password": PASSWORD}
    await site.ask("POST", "/api/v1/accounts", body, headers={"traceparent": traces[0]})
    await site.ask("POST", "/api/v1/accounts", body, headers={"traceparent": traces[1]})
    await site.ask("GET", "/nowhere", headers={"traceparent": traces[2]})
    site.context.book.ledger.buffer.flush()
    made, taken, lost = read_rows(tmp_path / "ledger-server-0.bin", SERVER_ROW)
    assert (made["person"], made["step"], made["outcome"], made["stage"], made["status"], made["code"]) == (5, 0, 1, 9, 201, 0)
    assert made["commit_us"] > 0
    assert (taken["outcome"], taken["status"], taken["code"], taken["route"]) == (3, 409, 20, 2)
    assert (lost["outcome"], lost["status"], lost["code"], lost["route"]) == (3, 404, 4, 0)
    assert site.sample("problems_total", code="email_taken") == 1
