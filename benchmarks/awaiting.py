"""A fixture for code that awaits: `asyncio_benchmark(work, ...)` times awaits inside one loop that is running already.

`asyncio.run` in a benchmark measures mostly the making of a loop (a thousand times a bare await); here the loop is made once for the test,
each round awaits `work` a fixed number of times, and what pytest-benchmark sees is that round.
"""

from collections.abc import Awaitable, Callable, Iterator

import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 30
AWAITS = 50
"""In one round. With --benchmark-disable there is one round of one."""

AsyncioBenchmark = Callable[[Callable[[], Awaitable[object]]], None]


@pytest.fixture
def loop() -> Iterator[uvloop.Loop]:
    """The loop of the test, for what it opens and closes, too."""
    made = uvloop.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def asyncio_benchmark(benchmark: BenchmarkFixture, loop: uvloop.Loop) -> AsyncioBenchmark:
    """Time `await work()`."""

    def timed(work: Callable[[], Awaitable[object]]) -> None:
        awaits = 1 if benchmark.disabled else AWAITS

        async def one_round() -> None:
            for _ in range(awaits):
                await work()

        benchmark.pedantic(lambda: loop.run_until_complete(one_round()), rounds=1 if benchmark.disabled else ROUNDS, warmup_rounds=1)
        benchmark.extra_info["awaits_in_a_round"] = awaits

    return timed
