"""Python's collector of rings in a run: nothing by itself, a little each second."""

import gc
import weakref

import pytest

from gelombang_loadtests.gevent_loop import COLLECT_EVERY_US, GeventLoop, calm_collector, collect_young


class Ring:
    """Keeps itself alive: only the collector can end it."""

    def __init__(self) -> None:
        self.itself = self


class EndedError(Exception):
    pass


class Turns(GeventLoop):
    """A loop that sleeps for no time, and makes a ring each time that it does."""

    def __init__(self, limit: int) -> None:
        super().__init__(0)
        self.slept_us: list[int] = []
        self.alive: list[int] = []
        self._rings: list[weakref.ref[Ring]] = []
        self._limit = limit

    def now_us(self) -> int:
        return sum(self.slept_us)

    def sleep_until(self, when_us: int) -> None:
        self.alive.append(sum(ring() is not None for ring in self._rings))
        if len(self.slept_us) == self._limit:
            raise EndedError
        self.slept_us.append(when_us - self.now_us())
        self._rings.append(weakref.ref(Ring()))


def test_rings_are_looked_for_each_second_and_not_in_between() -> None:
    loop = Turns(3)
    calm_collector()
    try:
        assert not gc.isenabled()
        with pytest.raises(EndedError):
            collect_young(loop)
        assert loop.slept_us == [COLLECT_EVERY_US] * 3
        assert loop.alive == [0, 0, 0, 0]
        assert gc.isenabled(), "when the run is over, the collector works as it did"
    finally:
        gc.enable()
        gc.unfreeze()
