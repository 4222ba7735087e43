"""The threads that wait for the disk: what is told, when, and what is not done any more."""

import asyncio
from threading import Event

import pytest

from gelombang_server.commit_threads import CommitThreads, Waiting


async def test_what_is_told_together_is_heard_in_one_turn_of_the_loop() -> None:
    threads, left, woken = CommitThreads(2), list[Waiting[int]](), 0
    wake = asyncio.get_running_loop().call_soon_threadsafe

    def leave_behind(waiting: Waiting[int]) -> None:
        waiting.result = 7
        left.append(waiting)
        if len(left) == 3:
            threads.tell(left)

    def count_wakes(*arguments: object) -> asyncio.Handle:
        nonlocal woken
        woken += 1
        return wake(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "call_soon_threadsafe", count_wakes)
        futures = [threads.ask(leave_behind) for _ in range(3)]
        assert threads.in_progress == 3
        await futures[0]
    assert [future.result() for future in futures] == [7, 7, 7]
    assert (woken, threads.in_progress) == (1, 0)
    threads.close()


async def test_an_error_is_told_to_who_asked() -> None:
    threads = CommitThreads(1)

    def fail(_: Waiting[int]) -> None:
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        await threads.ask(fail)
    threads.close()


async def test_an_error_that_nobody_waits_for_is_written_down_and_the_thread_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    threads = CommitThreads(1)

    def fail() -> None:
        raise OSError(28, "nobody waits")

    threads.later(fail)
    assert await threads.ask(lambda waiting: _answer(threads, waiting)) == 1
    assert "nobody waits" in capsys.readouterr().err
    threads.close()


async def test_work_cancelled_before_a_thread_took_it_is_not_done() -> None:
    threads, may_end, done = CommitThreads(1), Event(), list[str]()

    def hold(waiting: Waiting[int]) -> None:
        assert may_end.wait(10)
        done.append("first")
        _answer(threads, waiting)

    first = threads.ask(hold)

    def note(waiting: Waiting[int]) -> None:
        done.append("second")
        _answer(threads, waiting)

    second = threads.ask(note)
    second.cancel()
    may_end.set()
    await first
    await threads.ask(lambda waiting: _answer(threads, waiting))
    assert done == ["first"]
    assert threads.in_progress == 0
    threads.close()


async def test_after_the_end_nothing_is_taken() -> None:
    threads = CommitThreads(1)
    threads.close()
    with pytest.raises(RuntimeError):
        threads.ask(lambda waiting: _answer(threads, waiting))


def _answer(threads: CommitThreads, waiting: Waiting[int]) -> None:
    waiting.result = 1
    threads.tell((waiting,))
