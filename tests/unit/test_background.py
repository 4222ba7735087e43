"""Which problems background work waits out, and which end it."""

from collections.abc import Iterator

import pytest

from gelombang.attempt import Code
from gelombang_server import background
from gelombang_server.background import PASSING, run_for_ever
from gelombang_server.problem import STATUS_OF_CODE, Problem


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.0)


class Work:
    """Raises these one after the other; None is a tick that does well."""

    def __init__(self, *raised: Exception | None) -> None:
        self._raised: Iterator[Exception | None] = iter(raised)

    async def tick(self) -> None:
        error = next(self._raised)
        if error is not None:
            raise error


async def test_what_passes_is_waited_out_and_told_once_when_it_begins_and_once_when_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    busy = Problem(Code.DATABASE_BUSY, "held by another")
    with pytest.raises(ValueError, match="the end"):
        await run_for_ever("the work", Work(None, busy, busy, None, None, ValueError("the end")).tick, 0.0)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "the work waits: database_busy, held by another"
    assert second.startswith("the work goes on after")


@pytest.mark.parametrize("code", sorted(set(STATUS_OF_CODE) - PASSING))
async def test_any_other_problem_ends_the_work(code: Code) -> None:
    with pytest.raises(Problem):
        await run_for_ever("the work", Work(Problem(code, "no")).tick, 0.0)
