"""Where a loop rests, its password threads have so much in hand that they don't wait for it."""

import asyncio
from threading import Event

import pytest

from gelombang.attempt import Code
from gelombang.loading import load_profile
from gelombang.profile import Password
from gelombang_server.metrics import Metrics
from gelombang_server.passwords import HASHED_BYTES_PER_SECOND, Passwords, places_per_thread
from gelombang_server.problem import Problem

KIB = 1024


def password(**changes: object) -> Password:
    return load_profile("planned").password.model_copy(update=changes)


def test_a_loop_that_never_rests_hands_a_thread_one_more_than_it_hashes() -> None:
    assert places_per_thread(password(), 0.0) == 2


@pytest.mark.parametrize("memory_bytes", [19_922_944, 905_588, 300_000])
def test_a_thread_has_work_for_two_rests(memory_bytes: int) -> None:
    rest_seconds, asked = 0.004, password(memory_bytes=memory_bytes)
    hash_seconds = memory_bytes // KIB * KIB * asked.time_cost / HASHED_BYTES_PER_SECOND
    ahead = places_per_thread(asked, rest_seconds) - 2
    assert (ahead - 1) * hash_seconds < 2 * rest_seconds <= ahead * hash_seconds


def test_however_little_a_hash_costs_a_thread_is_handed_no_more_than_a_bound() -> None:
    assert places_per_thread(password(memory_bytes=1), 0.05) == 64


@pytest.mark.parametrize(("rest_seconds", "hashed_meanwhile"), [(0.0, 2), (0.05, 10)])
async def test_threads_go_on_hashing_while_the_loop_looks_at_nothing(rest_seconds: float, hashed_meanwhile: int) -> None:
    asked = password(threads_limit=1, memory_bytes=12_600_000, time_cost=2, line=None)  # some 12.6 ms of a thread
    passwords = Passwords(asked, Metrics("planned", "1", 0), rest_seconds)
    begun: list[int] = []
    enough, worked_off = Event(), Event()

    def work(number: int) -> None:
        begun.append(number)
        if len(begun) == hashed_meanwhile:
            enough.set()

    people = [asyncio.create_task(passwords._in_thread(work, number)) for number in range(20)]
    while not begun:
        await asyncio.sleep(0)
    assert enough.wait(20), "with the loop held here nobody else can hand a thread its work"
    passwords._threads.later(worked_off.set)
    assert worked_off.wait(20)
    assert len(begun) == hashed_meanwhile
    await asyncio.gather(*people)
    assert sorted(begun) == list(range(20))
    passwords.close()


async def test_however_much_is_handed_ahead_no_more_wait_than_the_profile_says() -> None:
    few = password(threads_limit=1, queue_limit=3, memory_bytes=1, line=None)
    passwords = Passwords(few, Metrics("planned", "1", 0), 0.05)
    goes_on = Event()
    people = [asyncio.create_task(passwords._in_thread(goes_on.wait, 20.0)) for _ in range(5)]
    while not people[-1].done():
        await asyncio.sleep(0)
    refused = people[-1].exception()
    assert isinstance(refused, Problem)
    assert refused.code is Code.HASH_QUEUE_FULL
    goes_on.set()
    assert all(await asyncio.gather(*people[:-1]))
    passwords.close()
