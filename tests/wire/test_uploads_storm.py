"""A mixed storm: hundreds of uploads, many of them cut at a random byte or moment. Whatever happens, the books balance."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.seeds import unit
from tests.support.upload_site import (
    RawClient,
    UploadSite,
    form,
    jpeg,
    ledger,
    request_head,
    sha256,
    traceparent,
    until,
    upload_site,
)

UPLOADS = 300
CUT = 1
SIZE = 2
STAY = 3
TICKET_LIFE_SECONDS = 2.0
"""Longer than a client stands still on a busy machine: a photo that comes after twice as long begins an attempt of its own."""
STORE = {"bandwidth_bytes_per_second": 1.2e6, "commit_bytes": 2_000, "latency_seconds": 0.001, "turns_limit": 8, "queue_limit": 200}


def photo_of(person: int) -> bytes:
    """A tenth are no whole photo, a tenth are too large, the others differ in size and content."""
    photo = jpeg(1_000 + round(19_000 * unit(5, person, SIZE)), mark=person)
    if person % 10 == 3:
        return photo[: len(photo) // 2]
    return jpeg(40_000, mark=person) if person % 10 == 7 else photo


async def send_raw(site: UploadSite, person: int, head: bytes, body: bytes) -> int | None:
    """The status; None when this client left first: a third leave at a random byte, a third after a random stay."""
    client = await RawClient.connect(site.url)
    try:
        if person % 3 == 1:
            await client.send(head + body[: round(len(body) * unit(5, person, CUT))])
            return None
        await client.send(head + body)
        patience = 0.15 * unit(5, person, STAY) if person % 3 == 2 else 20.0
        async with asyncio.timeout(patience):
            line = await client.reader.readline()
        return int(line.split()[1])
    except TimeoutError:
        return None
    except ConnectionError:
        # Refused while it was sending: the answer was lost with the connection.
        return None
    finally:
        client.leave()


async def upload_by_form(site: UploadSite, person: int) -> tuple[int, int | None]:
    body = form(photo_of(person))
    headers = site.headers(person) | {"Content-Type": "multipart/form-data; boundary=xyz", "Content-Length": str(len(body))}
    return person, await send_raw(site, person, request_head("POST", f"{site.url}/api/v1/me/photos/ktp", headers), body)


async def upload_by_ticket(site: UploadSite, person: int) -> tuple[int, int | None]:
    photo = photo_of(person)
    status, ticket = await site.ask(person, photo)
    if status != 201 or person % 15 == 4:
        return person, status if status != 201 else None
    headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(photo)), "traceparent": traceparent(person, 1, 2)}
    return person, await send_raw(site, person, request_head("PUT", ticket["url"], headers), photo)


async def told_by(site: UploadSite, is_ticket: bool) -> dict[int, int | None]:
    """What each person was told; arrivals are spread over a second."""

    async def one(person: int) -> tuple[int, int | None]:
        await asyncio.sleep(1.0 * person / UPLOADS)
        return await (upload_by_ticket if is_ticket else upload_by_form)(site, person)

    return dict(await asyncio.gather(*(one(person) for person in range(1, UPLOADS + 1))))


@pytest.mark.parametrize("profile", ["april-2020", "hardened"])
async def test_every_attempt_ends_once_and_what_was_acknowledged_is_there(tmp_path: Path, profile: str) -> None:
    is_ticket = profile == "hardened"
    uploads = {"photo_limit_bytes": 30_000, "answer_within_seconds": 2.0, "body_stall_seconds": 2.0}
    changes = (
        {"tickets": {"admitted_budget_bytes": 400_000, "received_budget_bytes": 200_000, "life_seconds": TICKET_LIFE_SECONDS}}
        if is_ticket
        else {}
    )
    store = STORE | ({} if is_ticket else {"queue_limit": 0})
    async with upload_site(tmp_path, profile, store=store, uploads=uploads, **changes) as site:
        told = await told_by(site, is_ticket)
        await until(lambda: site.context.book.in_flight == 0)
        book = site.context.book
        assert book.started_count == book.ended_count >= UPLOADS
        assert (site.keeper.store.turns, site.keeper.store.waiting, len(site.keeper.works)) == (0, 0, 0)
        if is_ticket:
            assert (site.desk.unfinished, site.desk.admitted_bytes, site.desk.received_bytes) == (0, 0, 0)
        rows = {row[1]: row for row in site.rows()}
        for person, row in rows.items():
            assert sha256(site.file_of(row)) == row[5] == sha256(photo_of(person))
        acknowledged = {person for person, status in told.items() if status == 201}
        assert acknowledged <= rows.keys()
        assert len(acknowledged) >= 5
        assert site.keeper.store.used_bytes == sum(row[6] for row in rows.values())
        on_disk = [path for path in (tmp_path / "site" / "photos").rglob("*") if path.is_file()]
        assert len(on_disk) == len(rows)
        started, ended = (site.metric(f"upload_attempts_{what}total", photo="ktp") for what in ("started_", ""))
        assert started == UPLOADS
        assert ended == 0, "this counter has more labels than the photo"
        assert sum(sample_values(site, "upload_attempts_total")) == UPLOADS
    seen = ledger(tmp_path)
    assert Counter(int(row["person"]) for row in seen) == dict.fromkeys(range(1, UPLOADS + 1), 1)
    by_person = {int(row["person"]): row for row in seen}
    done = {person for person, row in by_person.items() if row["outcome"] in (ServerOutcome.COMPLETED, ServerOutcome.COMPLETED_UNHEARD)}
    assert done == rows.keys()
    for person, status in told.items():
        row = by_person[person]
        assert row["outcome"] != ServerOutcome.OPEN
        assert (row["code"] == Code.NONE) == (row["stage"] == Stage.ACKNOWLEDGE) == (person in done)
        if status is not None:
            assert row["status"] == status
    outcomes = Counter(ServerOutcome(row["outcome"]) for row in seen)
    assert outcomes[ServerOutcome.ABANDONED] >= 5
    assert outcomes[ServerOutcome.FAILED if not is_ticket else ServerOutcome.REFUSED] >= 5
    assert (outcomes[ServerOutcome.FAILED] == 0) == is_ticket, "who got a ticket is never refused for lack of a turn"


def sample_values(site: UploadSite, name: str) -> list[float]:
    families = site.context.metrics.registry.collect()
    return [sample.value for family in families for sample in family.samples if sample.name == f"gelombang_server_{name}"]


async def test_clients_that_come_at_once_do_not_pass_the_limits(tmp_path: Path) -> None:
    """50 whole forms in the same moment before 8 turns: 8 have a turn, nobody waits, 42 are told that the upload failed."""
    async with upload_site(tmp_path, "april-2020", store=STORE | {"queue_limit": 0, "bandwidth_bytes_per_second": 1e5}) as site:
        answers = await asyncio.gather(*(site.post(person, jpeg(5_000)) for person in range(50)), return_exceptions=True)
        statuses = Counter(answer[0] for answer in answers if not isinstance(answer, BaseException | aiohttp.ClientError))
        assert statuses == {201: 8, 503: 42}
