"""A crowd takes as many addresses of this machine as its busiest minute needs."""

import numpy as np

from gelombang.clock import MICROSECONDS
from gelombang_loadtests.loopback import ADDRESSES_LIMIT, PEOPLE_PER_ADDRESS, loopback_sources


def people(per_second: int, seconds: int) -> np.ndarray:
    return np.arange(per_second * seconds, dtype=np.int64) * (MICROSECONDS // per_second)


def test_few_people_need_no_address_of_their_own() -> None:
    assert loopback_sources(people(1, 3_600)) == []
    assert loopback_sources(np.array([], dtype=np.int64)) == []
    assert loopback_sources(people(PEOPLE_PER_ADDRESS // 60, 120)) == []


def test_the_busiest_minute_counts_and_not_how_many_come_in_all() -> None:
    calm, busy = people(20, 3_600), people(200, 90) + 3_600 * MICROSECONDS
    assert loopback_sources(np.concatenate([calm, busy])) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]


def test_the_addresses_have_a_bound() -> None:
    assert len(loopback_sources(people(20_000, 60))) == ADDRESSES_LIMIT
