"""Registry, mail and SMS: the cap, the order, and what survives."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from serversite import TOKEN, Site, plan, profile, serving

from gelombang_server.outbox import MessageKind, post_message


async def messages(site: Site, query: str, token: str = TOKEN) -> tuple[int, Any]:
    async with site.client.get(f"{site.harness_url}/messages?{query}", headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status, await answer.json(content_type=None)


def queue_people(site: Site, count: int) -> None:
    for n in range(count):
        site.execute("INSERT INTO applicants (email, name, password_hash, created_us) VALUES (?, 'x', 'x', 1)", f"{n}@mail.example")
    site.execute("UPDATE applicants SET nik = 9901015204900000 + id, nik_state = 'being_checked'")
    site.execute("INSERT INTO registry_queue (applicant, nik, queued_us) SELECT id, nik, ? FROM applicants", site.context.now_us())


async def test_the_registry_is_asked_at_its_rate_and_no_faster(tmp_path: Path) -> None:
    """Full rate 100/s at 1/50 and 60 times as fast is 120 a second; mail takes no time here."""
    at_once = {"kind": "fixed", "value": 0.0}
    site_of_rate = profile("hardened", registry={"lookups_per_second": 100.0}, messages={"mail_delay_seconds": at_once})
    async with serving(plan(tmp_path, site_of_rate)) as site:
        began_us = site.context.now_us()
        queue_people(site, 60)
        while site.execute("SELECT count(*) FROM registry_queue") != [(0,)]:
            await asyncio.sleep(0.005)
        took_us = site.context.now_us() - began_us
        assert took_us >= 59 / 120 * 1e6
        while site.sample("registry_lookups_total", result="verified") != 60:
            await asyncio.sleep(0.005)
        assert await site.level("registry_waiting") == 0
        status, answer = await messages(site, "after=59&wait_seconds=10")
        assert (status, len(answer["messages"]), answer["last"]) == (200, 1, 60)
        _, answer = await messages(site, "after=0&limit=100")
        assert [message["address"] for message in answer["messages"]] == [f"{n}@mail.example" for n in range(60)]
        assert [message["id"] for message in answer["messages"]] == list(range(1, 61))
        assert answer["messages"][0] == {"id": 1, "kind": "registry", "address": "0@mail.example", "result": "verified"}


async def post(site: Site, *posts: tuple[MessageKind, str, str]) -> None:
    def write(cursor: Any) -> None:
        for kind, address, content in posts:
            post_message(cursor, kind, address, content, site.context.now_us(), 1_000)

    await site.context.database.run(write)


async def test_messages_come_in_order_of_delivery_and_are_read_from_any_point(tmp_path: Path) -> None:
    delays = {"mail_delay_seconds": {"kind": "fixed", "value": 18.0}, "sms_delay_seconds": {"kind": "fixed", "value": 0.0}}
    async with serving(plan(tmp_path, profile("hardened", messages=delays))) as site:
        waiting = asyncio.create_task(messages(site, "after=0&wait_seconds=10"))
        await post(site, (MessageKind.EMAIL_LINK, "a@mail.example", "/link"), (MessageKind.OTP, "+62000", "1234"))
        assert await site.level("messages_waiting", kind="email-link") == 1
        _, first = await waiting
        assert first == {"messages": [{"id": 1, "kind": "otp", "address": "+62000", "code": "1234"}], "last": 1}
        _, second = await messages(site, "after=1&wait_seconds=10")
        assert second == {"messages": [{"id": 2, "kind": "email-link", "address": "a@mail.example", "path": "/link"}], "last": 2}
        assert await messages(site, "after=2&wait_seconds=0.01") == (200, {"messages": [], "last": 2})
        assert site.sample("messages_sent_total", kind="otp") == 1


async def test_a_site_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    orders = plan(tmp_path, profile("hardened"))
    async with serving(orders) as site:
        await post(site, (MessageKind.OTP, "+62001", "1111"))
        assert (await messages(site, "after=0&wait_seconds=10"))[1]["last"] == 1
        site.execute("INSERT INTO outbox (kind, address, content, queued_us) VALUES ('otp', '+62002', '2222', 1)")
    async with serving(orders) as site:
        _, old = await messages(site, "after=0")
        assert [message["code"] for message in old["messages"]][:1] == ["1111"]
        _, new = await messages(site, "after=1&wait_seconds=10")
        assert (new["messages"][0]["code"], new["last"]) == ("2222", 2)


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=20000", "wait_seconds=nan", "wait_seconds=61"])
async def test_a_wrong_question_to_the_harness_is_a_problem(tmp_path: Path, query: str) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        status, problem = await messages(site, query)
        assert (status, problem["code"]) == (422, "field_invalid")


async def test_the_harness_listener_wants_its_token_except_for_metrics(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        assert (await messages(site, "after=0", "a wrong token"))[0] == 401
        async with site.client.get(site.harness_url + "/site") as answer:
            assert answer.status == 401
        async with site.client.get(site.harness_url + "/site", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert await answer.json() == {
                "profile": "hardened",
                "scale": {"sample": "1/50", "speed": 60.0, "bytes_ratio": 0.1, "load": 1.0},
                "run": 77,
                "zero_us": 0,
            }
        async with site.client.get(site.harness_url + "/metrics") as answer:
            page = await answer.text()
        scale = "1/50 of the people, 60 times as fast, photos × 0.1"
        assert f'gelombang_server_info{{profile="hardened",run_id="",scale="{scale}",scenario="",slot="0"}} 1.0' in page
        cpu_seconds = site.sample("cpu_seconds_total")
        resident_bytes = site.sample("resident_bytes")
        assert cpu_seconds is not None
        assert cpu_seconds > 0
        assert resident_bytes is not None
        assert resident_bytes > 10_000_000
        async with site.client.get(site.url + "/messages", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert answer.status == 404, "what no applicant sees is not on the public listener"


async def test_a_long_poll_ends_when_the_process_drains(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        assert site.worker.outbox is not None
        waiting = asyncio.create_task(site.worker.outbox.wait_after(0, 10, 60.0))
        await asyncio.sleep(0)
    assert await asyncio.wait_for(waiting, 5) == []
