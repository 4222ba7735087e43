"""The waiting room on sockets: places that are signed, told times that hold, people inside before newcomers."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.upload_site import STUCK_STORE, UploadSite, jpeg, put_and_stay, sha256, until, upload_site

BODY = jpeg(2_000)
ROOM = {"capacity_ratio": 1.0, "walk_in_budget_ratio": 0.4, "block_seconds": 2.0, "horizon_seconds": 1_000.0, "grace_seconds": 60.0}
TICKETS: dict[str, Any] = {
    "received_budget_bytes": 1_000_000,
    "admitted_budget_bytes": 310_000,
    "first_photo_budget_ratio": 0.8,
    "mean_photo_bytes": 1,
    "return_min_seconds": 0.05,
    "room": ROOM,
}
"""With a commit of 100,000 bytes: one person without a place has room, two with one, and three inside."""
STORE = STUCK_STORE | {"bandwidth_bytes_per_second": 20.0}
"""Ten people a second have a place, and none of them is through within the test."""


async def asked(site: UploadSite, person: int, kind: str = "ktp", place: str | None = None) -> tuple[int, Any]:
    wish = {"kind": kind, "bytes": len(BODY), "sha256": sha256(BODY)}
    headers = site.headers(person) | ({"Upload-Place": place} if place is not None else {})
    async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wish, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def due(site: UploadSite, person: int) -> None:
    room = site.desk.room
    assert room is not None
    await until(lambda: room.is_due(site.context.now_us(), person))


async def test_who_comes_at_the_told_time_is_let_in_before_who_comes_without_a_place(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "waiting-room", store=STORE, tickets=TICKETS) as site:
        held = await put_and_stay(site, 1, BODY)
        status, told = await asked(site, 2)
        assert (status, told["code"]) == (503, "uploads_busy")
        assert 0 < told["retry_after_seconds"] <= 2.2
        assert site.metric("room_people") == 1
        await due(site, 2)
        assert (await asked(site, 3))[1]["code"] == "uploads_busy", "who comes without a place has none yet"
        assert (await asked(site, 2))[0] == 201
        assert site.metric("room_admitted_total", promise="kept") == 1
        assert site.metric("room_told_again_total") == 0
        held.leave()


async def test_asking_again_before_the_time_keeps_the_place(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "waiting-room", store=STORE, tickets=TICKETS) as site:
        held = await put_and_stay(site, 1, BODY)
        _, told = await asked(site, 2)
        _, again = await asked(site, 2)
        assert again["place"] == told["place"]
        assert again["retry_after_seconds"] <= told["retry_after_seconds"]
        assert site.metric("room_people") == 1
        assert site.metric("room_told_again_total") == 1
        held.leave()


async def test_a_place_that_is_shown_holds_after_the_site_was_started_again(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "waiting-room", store=STORE, tickets=TICKETS) as site:
        held = await put_and_stay(site, 1, BODY)
        _, told = await asked(site, 2)
        await due(site, 2)
        room = site.desk.room
        assert room is not None
        room.admitted(0, 2)  # As after a start: nobody remembers.
        assert not room.is_due(site.context.now_us(), 2)
        assert (await asked(site, 2, place=told["place"]))[0] == 201
        held.leave()


@pytest.mark.parametrize("change", ["forged", "cut", "no place at all"])
async def test_a_forged_place_is_refused_by_name(tmp_path: Path, change: str) -> None:
    async with upload_site(tmp_path, "waiting-room", store=STORE, tickets=TICKETS) as site:
        held = await put_and_stay(site, 1, BODY)
        place = str((await asked(site, 2))[1]["place"])
        shown = {"forged": place[:14] + ("A" if place[14] != "A" else "B") + place[15:], "cut": place[:-8]}.get(change, "!")
        status, document = await asked(site, 2, place=shown)
        assert (status, document["code"]) == (403, "place_invalid")
        assert "not one of this site" in document["detail"]
        held.leave()


async def test_a_shared_place_is_refused_by_name(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "waiting-room", store=STORE, tickets=TICKETS) as site:
        held = await put_and_stay(site, 1, BODY)
        place = str((await asked(site, 2))[1]["place"])
        status, document = await asked(site, 3, place=place)
        assert (status, document["code"]) == (403, "place_invalid")
        assert "somebody else's" in document["detail"]
        held.leave()


async def stored_first_photo(site: UploadSite, person: int) -> None:
    """A person who is inside: one of the two photos is there already."""

    def insert(cursor: Any) -> None:
        row = (f"photo-{person}", person, 0, 0, person, "ktp", "0" * 64, 1, "aa/x.jpg", 0)
        cursor.execute("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    await site.context.database.run(insert)


@pytest.mark.parametrize("profile", ["hardened", "waiting-room"])
async def test_people_inside_go_before_newcomers_and_newcomers_are_turned_away_before_a_byte(tmp_path: Path, profile: str) -> None:
    """Two are inside the budget, which has room for a third; it is kept for whoever has one photo there already, or a ticket."""
    tickets = {name: value for name, value in TICKETS.items() if name != "room"}
    if profile == "waiting-room":
        tickets["room"] = ROOM | {"walk_in_budget_ratio": 0.8}
    async with upload_site(tmp_path, profile, store=STORE, tickets=tickets) as site:
        held = [await put_and_stay(site, person, BODY) for person in (1, 2)]
        await stored_first_photo(site, 4)
        assert (await asked(site, 3))[1]["code"] == "uploads_busy"
        assert (await asked(site, 4, "selfie"))[0] == 201
        assert (await asked(site, 3))[1]["code"] == "uploads_busy"
        assert site.metric("upload_received_bytes_total") <= 2 * len(BODY), "who was refused sent nothing"
        for client in held:
            client.leave()


async def test_a_told_time_is_in_the_answers_header_as_well(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "waiting-room", store=STORE, tickets=TICKETS) as site:
        held = await put_and_stay(site, 1, BODY)
        wish = {"kind": "ktp", "bytes": len(BODY), "sha256": sha256(BODY)}
        async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wish, headers=site.headers(2)) as answer:
            assert int(answer.headers["Retry-After"]) >= (await answer.json(content_type=None))["retry_after_seconds"]
        held.leave()
