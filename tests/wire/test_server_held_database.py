"""A database that somebody else holds, and one whose disk is full: who asks is told, what runs by itself waits, and nothing is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serversite import PASSWORD, Site, plan, profile, serving

from gelombang_server import background, database
from gelombang_server.peoplestore import Cursor
from tests.support.upload_site import until

AT_ONCE = {"kind": "fixed", "value": 0.0}
REGISTRY = {"latency_seconds": 0.0, "lookups_per_second": 1e6}
MESSAGES = {"mail_delay_seconds": AT_ONCE, "mail_per_second": 1e6}
SITE = profile("hardened", registry=REGISTRY, messages=MESSAGES)
PEOPLE_LIMIT = 50
"""By then a disk without room has shown itself."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, short ones."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.02)
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.01)


async def sign_up(site: Site, name: str) -> tuple[int, Any]:
    return await site.ask("POST", "/api/v1/accounts", {"name": name, "email": f"{name}@mail.example", "password": PASSWORD})


def queue_lookup(site: Site, address: str) -> None:
    site.execute("UPDATE applicants SET nik = 9901015204900001, nik_state = 'being_checked' WHERE email = ?", address)
    site.execute("INSERT INTO registry_queue (applicant, nik, queued_us) SELECT id, nik, 0 FROM applicants WHERE email = ?", address)


def disk_of(pages: int) -> Callable[[Cursor], Any]:
    """An operation after which the database may have so many pages and no more, as if its disk ended there."""
    return lambda cursor: cursor.execute(f"PRAGMA max_page_count = {pages}").fetchone()


async def test_a_lock_longer_than_a_transaction_waits_is_told_to_who_asks_and_outlived_by_what_runs_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def told() -> str:
        said.append(capsys.readouterr().err)
        return "".join(said)

    async with serving(plan(tmp_path, SITE)) as site:
        await site.sign_up("siti")
        assert (await site.message("siti@mail.example"))["kind"] == "email-link"
        queue_lookup(site, "siti@mail.example")
        site.execute("INSERT INTO outbox (kind, address, content, queued_us) VALUES ('otp', '+62001', '1111', 0)")
        with site.held_database():
            await until(lambda: all(f"{name} waits: database_busy" in told() for name in ("the outbox", "the registry")))
            status, answer = await sign_up(site, "budi")
            assert (status, answer["code"]) == (503, "database_busy")
            assert answer["retry_after_seconds"] > 0
            assert site.context.failure is None
        assert (await site.message("+62001"))["code"] == "1111"
        assert (await site.message("siti@mail.example"))["result"] == "verified"
        assert (await sign_up(site, "budi"))[0] == 201
        assert (await site.message("budi@mail.example"))["kind"] == "email-link"
        assert site.execute("SELECT email, nik_state FROM applicants ORDER BY id") == [
            ("siti@mail.example", "verified"),
            ("budi@mail.example", None),
        ]
        assert site.execute("SELECT delivered FROM outbox ORDER BY delivered") == [(n,) for n in range(1, 5)]
        assert site.context.failure is None
    for name in ("the outbox", "the registry"):
        assert told().count(f"{name} waits: database_busy") == 1
        assert told().count(f"{name} goes on after") == 1


async def test_a_full_disk_is_told_by_name_and_what_was_acknowledged_goes_out_when_there_is_room(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, SITE)) as site:
        await site.sign_up("siti")
        assert (await site.message("siti@mail.example"))["kind"] == "email-link"
        await site.context.database.run(disk_of(1))
        queue_lookup(site, "siti@mail.example")
        told: list[str] = []
        while "database_full" not in told and len(told) < PEOPLE_LIMIT:
            status, answer = await sign_up(site, f"person-{len(told)}")
            told.append(answer.get("code", "created"))
        assert set(told) <= {"created", "database_full"}
        assert (status, answer["code"]) == (503, "database_full")
        assert site.context.failure is None
        await site.context.database.run(disk_of(1_000_000))
        assert (await sign_up(site, "late"))[0] == 201
        acknowledged = ["siti", *(f"person-{n}" for n, code in enumerate(told) if code == "created"), "late"]
        addresses = [(f"{name}@mail.example",) for name in acknowledged]
        assert site.execute("SELECT email FROM applicants ORDER BY id") == addresses
        await until(lambda: site.execute("SELECT count(*) FROM outbox WHERE delivered IS NULL") == [(0,)])
        assert site.execute("SELECT address FROM outbox WHERE kind = 'email-link' ORDER BY id") == addresses
        assert site.execute("SELECT nik_state FROM applicants WHERE id = 1") == [("verified",)]


async def test_results_of_the_registry_wait_for_room_among_the_messages(tmp_path: Path) -> None:
    """Room for two messages (100 at full size): a result is settled only together with the mail that tells it."""
    narrow = profile("hardened", registry=REGISTRY, messages=MESSAGES | {"queue_limit": 100})
    async with serving(plan(tmp_path, narrow)) as site:
        assert site.context.profile.messages.queue_limit == 2
        for n in range(20):
            site.execute("INSERT INTO applicants (email, name, password_hash, created_us) VALUES (?, 'x', 'x', 1)", f"{n}@mail.example")
        site.execute("UPDATE applicants SET nik = 9901015204900000 + id, nik_state = 'being_checked'")
        site.execute("INSERT INTO registry_queue (applicant, nik, queued_us) SELECT id, nik, 0 FROM applicants")
        await until(lambda: site.execute("SELECT count(*) FROM outbox WHERE delivered IS NOT NULL") == [(20,)])
        assert site.execute("SELECT count(*) FROM registry_queue") == [(0,)]
        assert site.context.failure is None
