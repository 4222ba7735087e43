"""How many messages wait is the same in every database, and for each of several servers that share it."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gelombang_server.outbox import MessageKind, post_message
from gelombang_server.peoplestore import Cursor, PeopleStore
from gelombang_server.waiting_messages import WaitingMessages
from tests.support.people_stores import people_store


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PeopleStore]:
    async with people_store(request, tmp_path) as opened:
        yield opened


async def test_servers_count_the_same_whoever_wrote_and_delivered_and_whenever_they_started(store: PeopleStore) -> None:
    first = WaitingMessages(store)
    servers = [first]

    async def posted(*kinds: MessageKind) -> None:
        def write(cursor: Cursor) -> None:
            for kind in kinds:
                post_message(cursor, kind, "somebody", "something", 1, 1_000)

        await store.run(write)

    async def delivered(*numbers: tuple[int, int]) -> None:
        await store.run(lambda cursor: cursor.executemany("UPDATE outbox SET delivered = ? WHERE id = ?", numbers) and None)

    async def counts() -> list[dict[str, int]]:
        return [dict(+Counter(await server.count())) for server in servers]

    assert await counts() == [{}]
    await posted(MessageKind.OTP, MessageKind.EMAIL_LINK, MessageKind.OTP)
    assert await counts() == [{"otp": 2, "email-link": 1}]
    await delivered((1, 3), (2, 2))
    await posted(MessageKind.WAVE_RESULT)
    servers.append(WaitingMessages(store))
    assert await counts() == [{"otp": 1, "wave-result": 1}] * 2
    await delivered((3, 4))
    await posted(MessageKind.REGISTRY)
    first.forget()
    servers.append(WaitingMessages(store))
    assert await counts() == await counts() == [{"otp": 1, "registry": 1}] * 3
