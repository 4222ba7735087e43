"""Idempotency keys: the same key and body once more is not done once more, and is answered as the first time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from serversite import PASSWORD, Site, plan, profile, serving

NEW = {"name": "Siti", "email": "siti@mail.example", "password": PASSWORD}
PHONE = {"phone": "+6299900000001"}
WAVE = "/api/v1/me/waves/"


async def ask(site: Site, path: str, body: Any, session: str | None, key: str) -> tuple[int, Any]:
    return await site.ask("POST", path, body, session, headers={"Idempotency-Key": f'"{key}"'})


async def test_an_account_asked_for_again_with_its_key_is_the_same_account_and_session(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        first = await ask(site, "/api/v1/accounts", NEW, None, "a")
        assert first[0] == 201
        assert await ask(site, "/api/v1/accounts", NEW, None, "a") == first
        status, problem = await ask(site, "/api/v1/accounts", NEW | {"name": "Sri"}, None, "a")
        assert (status, problem["code"]) == (422, "idempotency_key_reused")
        assert (await ask(site, "/api/v1/accounts", NEW, None, "b"))[1]["code"] == "email_taken"
        assert site.execute("SELECT count(*) FROM applicants") == [(1,)]
        assert site.sample("people_steps_total", step="account") == 1


async def test_the_same_key_with_another_body_is_refused_and_does_nothing(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        await ask(site, "/api/v1/accounts", NEW, None, "a")
        for other in (NEW | {"email": "sri@mail.example"}, NEW | {"password": "another-one"}):
            status, problem = await ask(site, "/api/v1/accounts", other, None, "a")
            assert (status, problem["code"]) == (422, "idempotency_key_reused")
        assert site.execute("SELECT count(*) FROM applicants") == [(1,)]


async def test_many_at_once_with_one_key_are_one_account_and_one_answer(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        answers = await asyncio.gather(*(ask(site, "/api/v1/accounts", NEW, None, "a") for _ in range(10)))
        assert {status for status, _ in answers} == {201}
        assert len({document["session"] for _, document in answers}) == 1
        assert site.execute("SELECT count(*) FROM applicants") == [(1,)]


async def test_a_code_asked_for_again_with_its_key_sends_no_second_message(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        session = await site.sign_up()
        await site.verify_email()
        first = await ask(site, "/api/v1/me/otp", PHONE, session, "a")
        assert first[0] == 202
        assert await ask(site, "/api/v1/me/otp", PHONE, session, "a") == first
        assert site.execute("SELECT sends FROM otps") == [(1,)]
        assert site.execute("SELECT count(*) FROM outbox WHERE kind = 'otp'") == [(1,)]
        status, problem = await ask(site, "/api/v1/me/otp", {"phone": "+6299900000002"}, session, "a")
        assert (status, problem["code"]) == (422, "idempotency_key_reused")
        await ask(site, "/api/v1/me/otp", PHONE, session, "b")
        assert site.execute("SELECT sends FROM otps") == [(2,)]


async def test_the_test_begun_and_the_wave_joined_again_with_their_keys_are_answered_as_the_first_time(tmp_path: Path) -> None:
    site_profile = profile("hardened")
    async with serving(plan(tmp_path, site_profile)) as site:
        session = await site.sign_up()
        site.execute("UPDATE applicants SET email_verified_us = 0, nik_state = 'verified', phone_verified_us = 0")
        for kind in ("ktp", "selfie"):
            site.execute("INSERT INTO photos VALUES (?, 0, 0, 1, 1, ?, '', 1, '', 0)", kind, kind)
        begun = await ask(site, "/api/v1/me/test", None, session, "a")
        assert begun[0] == 201
        assert await ask(site, "/api/v1/me/test", None, session, "a") == begun
        assert (await ask(site, "/api/v1/me/test", None, session, "b"))[1]["code"] == "already_done"
        site.execute("UPDATE tests SET handed_in_us = 0")
        path, consent = WAVE + site_profile.waves[0], {"accept_terms": True}
        joined = await ask(site, path, consent, session, "a")
        assert joined[0] == 201
        assert await ask(site, path, consent, session, "a") == joined
        assert (await ask(site, path, consent, session, "b"))[1]["code"] == "already_done"
        assert site.sample("people_steps_total", step="join") == 1


async def test_a_key_belongs_to_who_asks(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        for number, name in enumerate(("siti", "sri")):
            session = await site.sign_up(name)
            await site.verify_email(name)
            assert (await ask(site, "/api/v1/me/otp", {"phone": f"+629990000000{number}"}, session, "a"))[0] == 202
        assert site.execute("SELECT count(*) FROM outbox WHERE kind = 'otp'") == [(2,)]


async def test_a_write_that_was_refused_may_be_tried_again_with_its_key(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        session = await site.sign_up()
        assert (await ask(site, "/api/v1/me/otp", PHONE, session, "a"))[1]["code"] == "step_not_open"
        await site.verify_email()
        assert (await ask(site, "/api/v1/me/otp", PHONE, session, "a"))[0] == 202


async def test_a_key_holds_over_a_restart(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        first = await ask(site, "/api/v1/accounts", NEW, None, "a")
    (tmp_path / "ledger-server-0.bin").unlink()
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        assert await ask(site, "/api/v1/accounts", NEW, None, "a") == first


async def test_keys_are_bounded_in_number_and_the_oldest_makes_room(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened", api={"idempotency_keys_limit": 100}))) as site:  # 100 x 1/50 = 2
        for name in ("siti", "sri", "adi"):
            assert (await ask(site, "/api/v1/accounts", NEW | {"email": f"{name}@mail.example"}, None, name))[0] == 201
        assert site.execute("SELECT count(*) FROM idempotency_keys") == [(2,)]
        assert (await ask(site, "/api/v1/accounts", NEW, None, "siti"))[1]["code"] == "email_taken"
        assert (await ask(site, "/api/v1/accounts", NEW | {"email": "adi@mail.example"}, None, "adi"))[0] == 201


async def test_a_key_dies_of_age(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        assert (await ask(site, "/api/v1/accounts", NEW, None, "a"))[0] == 201
        life_us = round(site.context.profile.api.idempotency_life_seconds * 1e6)
        site.execute("UPDATE idempotency_keys SET at_us = at_us - ?", life_us)
        assert (await ask(site, "/api/v1/accounts", NEW, None, "a"))[1]["code"] == "email_taken"
        assert (await ask(site, "/api/v1/accounts", NEW | {"email": "sri@mail.example"}, None, "a"))[0] == 201


@pytest.mark.parametrize("sent", ['""', '"' + "x" * 129 + '"', "x" * 129, '"a', "a b", '"a", "b"', '"a"; p=1'])
async def test_a_key_that_is_none_is_told_what_is_wanted(tmp_path: Path, sent: str) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        status, problem = await site.ask("POST", "/api/v1/accounts", NEW, headers={"Idempotency-Key": sent})
        assert (status, problem["code"]) == (400, "idempotency_key_invalid")
        assert site.execute("SELECT count(*) FROM applicants") == [(0,)]


async def test_what_is_kept_of_a_key_holds_neither_the_body_nor_the_session(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        _, document = await ask(site, "/api/v1/accounts", NEW, None, "a-key-of-mine")
        (row,) = site.execute("SELECT * FROM idempotency_keys")
        kept = repr(row)
        for secret in (PASSWORD, "siti", document["session"], "a-key-of-mine"):
            assert secret not in kept
