"""Counter-based randomness: every draw is a pure function of (seed, person, purpose, n).

No stream is shared, so one person can be replayed alone, striping over processes changes nothing, and a live and a simulated run can
be compared person by person. The mixer is splitmix64's finaliser (Steele, Lea, Flood, "Fast splittable pseudorandom number
generators", 2014, section 3), applied once per coordinate, on integers only: bit for bit the same in Python, NumPy and compiled code.
"""

from enum import IntEnum
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_M1 = 0xBF58476D1CE4E5B9
_M2 = 0x94D049BB133111EB
_UNIT = 2.0**-53
LEAST_UNIT = 0.5 * _UNIT
"""The least that `unit` can give."""
_NORMAL = NormalDist()
_STATES_KEPT_LIMIT = 16_384
"""Draws that are begun already, by person and purpose: a person draws some thirty numbers, most of them soon one after the other."""


class Purpose(IntEnum):
    """What a draw decides. Numbers are part of the plan's identity: never reuse one."""

    ARRIVAL = 1
    IDENTITY = 2
    ZONE = 3
    UPLINK = 4
    ROUND_TRIP = 5
    EMAIL_READ = 6
    NIK_VALID = 7
    PHOTO_SIZE = 8
    SMALLER_COPY_SIZE = 9
    SMALLER_COPY = 10
    THINK = 11
    PATIENCE = 12
    PERSIST = 13
    RETRY_DELAY = 14
    AWAY = 15
    RETURN = 16
    LEAVE_WHEN_REFUSED = 17
    FIXED_LINE = 18
    SERVER_JITTER = 19
    FEED = 20
    FEED_ORDER = 21
    FOLDER_FILE = 22
    TLS_RESUMED = 23
    USER_CLASS = 24
    PERSONA = 25
    SECOND_TAB = 26
    SECOND_TAB_AFTER = 27
    GATE_ORDER = 30
    RESAMPLE = 31
    PLAN_INPUT = 32
    WAITING_PLACE = 33
    PLACE_IN_WAVE = 34
    PARTNER_MANNERS = 35
    CPU_TIME = 40
    COMMIT_TIME = 41
    ANSWER_TIME = 42
    THERE_BEFORE = 36
    NEWCOMER_JITTER = 43
    COMPLAINT = 50


def mix(value: int) -> int:
    """splitmix64's finaliser on a 64-bit integer."""
    value = (value ^ (value >> 30)) * _M1 & _MASK
    value = (value ^ (value >> 27)) * _M2 & _MASK
    return value ^ (value >> 31)


def draw(seed: int, person: int, purpose: int, n: int = 0) -> int:
    """A 64-bit integer; `n` counts draws of one person for one purpose."""
    value = (_state_of(seed, person, purpose) + _GOLDEN * (n + 1)) & _MASK
    # `mix`, written out: everything that people do is drawn here.
    value = (value ^ (value >> 30)) * _M1 & _MASK
    value = (value ^ (value >> 27)) * _M2 & _MASK
    return value ^ (value >> 31)


@lru_cache(_STATES_KEPT_LIMIT)
def _state_of(seed: int, person: int, purpose: int) -> int:
    """What the draws of one person for one purpose have in common: all but the last of their four mixes."""
    return mix((mix((mix((seed + _GOLDEN) & _MASK) + _GOLDEN * (person + 1)) & _MASK) + _GOLDEN * (purpose + 1)) & _MASK)


def unit(seed: int, person: int, purpose: int, n: int = 0) -> float:
    """A float in the open interval (0, 1): never 0, so that a quantile function is always finite."""
    return ((draw(seed, person, purpose, n) >> 11) + 0.5) * _UNIT


def normal_quantile(probability: float) -> float:
    """The standard normal quantile (Wichura 1988, algorithm AS241), probability in (0, 1)."""
    return _NORMAL.inv_cdf(probability)


def draw_array(seed: int, people: NDArray[np.int64], purpose: int, n: int = 0) -> NDArray[np.uint64]:
    """`draw` for many people at once; the same bits."""
    with np.errstate(over="ignore"):
        state = np.full(len(people), mix((seed + _GOLDEN) & _MASK), dtype=np.uint64)
        state = _mix_array(state + np.uint64(_GOLDEN) * (people.astype(np.uint64) + np.uint64(1)))
        for coordinate in (purpose, n):
            state = _mix_array(state + np.uint64(_GOLDEN * (coordinate + 1) & _MASK))
    return state


def unit_array(seed: int, people: NDArray[np.int64], purpose: int, n: int = 0) -> NDArray[np.float64]:
    """`unit` for many people at once; the same bits."""
    return ((draw_array(seed, people, purpose, n) >> np.uint64(11)).astype(np.float64) + 0.5) * _UNIT


def _mix_array(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_M1)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_M2)
    return value ^ (value >> np.uint64(31))
