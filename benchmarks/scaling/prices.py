"""What one person costs the site's processors and its database's writer, from measured rounds; and what a steady stream of people asks."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scaling.processes import LARGE_PHOTO_BYTES
from scaling.rounds import POSTGRESQL, SQLITE, Measured, Round, middle
from server_bench.flow import PHOTO_BYTES

from gelombang.errors import InputError
from gelombang_capacity.plan_outcome import flow
from gelombang_capacity.simulation import Simulated
from gelombang_capacity.world import KEPT

SMALL_REQUESTS = 8
"""Of a person in a round: account, link, data, code asked for, code, test begun and handed in, wave. Tickets belong to their photo."""
PHOTOS = 2
BUSY_PASSWORD_RATIO = 1.25
"""A hash in a thread of a server that works, against one in an idle process: 22.5 against 18 ms (docs/capacity.md, Find)."""


@dataclass(frozen=True, slots=True)
class Prices:
    """CPU seconds, but for the writer's, which are wall seconds."""

    small_seconds: float
    photo_seconds: float
    """Of a photo of `LARGE_PHOTO_BYTES`, with its ticket."""
    photo_byte_seconds: float
    """What a byte more of a photo costs."""
    password_seconds: float
    decode_seconds: float
    write_seconds: float
    """Of the one writer's time, for a write among as many as were committed together."""
    small_spread_seconds: float = 0.0
    photo_spread_seconds: float = 0.0
    """Standard deviations over the rounds."""


def shared_database(measured: Measured) -> str:
    """The database that several hosts could share: PostgreSQL where it was measured, else the one that was."""
    return POSTGRESQL if any(each.database == POSTGRESQL for each in measured.rounds) else SQLITE


def prices(measured: Measured) -> Prices:
    """From the rounds with one API and one upload process, on a file; the write from those on the database that hosts could share. Raises
    InputError when there are none of one kind."""
    small = _rounds(measured, PHOTO_BYTES, SQLITE)
    large = _rounds(measured, LARGE_PHOTO_BYTES, SQLITE)
    writing = _rounds(measured, PHOTO_BYTES, shared_database(measured))
    small_photo = middle(small, _photo_seconds)
    return Prices(
        small_seconds=middle(small, _small_seconds),
        photo_seconds=middle(large, _photo_seconds),
        photo_byte_seconds=(middle(large, _photo_seconds) - small_photo) / (LARGE_PHOTO_BYTES - PHOTO_BYTES),
        password_seconds=BUSY_PASSWORD_RATIO * statistics.median(measured.password_seconds),
        decode_seconds=statistics.median(measured.decode_seconds),
        write_seconds=middle(writing, lambda each: each.writer_seconds / each.writes),
        small_spread_seconds=_deviation(small, _small_seconds),
        photo_spread_seconds=_deviation(large, _photo_seconds),
    )


def _rounds(measured: Measured, photo_bytes: int, database: str) -> list[Round]:
    found = measured.at(1, 1, photo_bytes, database)
    if not found:
        raise InputError(f"the figures have no round of 1 API and 1 upload process on {database} with photos of {photo_bytes:,} bytes")
    return found


def _small_seconds(each: Round) -> float:
    return sum(each.api_cpu_seconds) / each.people / SMALL_REQUESTS


def _photo_seconds(each: Round) -> float:
    return sum(each.uploads_cpu_seconds) / each.people / PHOTOS


def _deviation(rounds: list[Round], take: Callable[[Round], float]) -> float:
    return statistics.stdev(map(take, rounds)) if len(rounds) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class PerFinished:
    """What a steady stream asks of a site for each person who finishes, everybody who does not finish included."""

    arrivals: float
    small: float
    passwords: float
    photo_tries: float
    photos_kept: float
    writes: float
    lookups: float
    mails: float
    sms: float
    received_bytes: float
    kept_bytes: float

    def cpu_seconds(self, price: Prices) -> "Cores":
        """Where the processor's time of one finished person goes."""
        return Cores(
            small=self.small * price.small_seconds,
            passwords=self.passwords * price.password_seconds,
            photos=self.photo_tries * price.photo_seconds,
            decoding=self.photos_kept * price.decode_seconds,
        )


@dataclass(frozen=True, slots=True)
class Cores:
    """CPU seconds of one finished person."""

    small: float
    passwords: float
    photos: float
    decoding: float

    @property
    def total(self) -> float:
        return self.small + self.passwords + self.photos + self.decoding


def per_finished(simulated: Simulated, from_seconds: float) -> PerFinished:
    """From a simulated run whose arrivals are even and which is steady from then on."""
    found, grid, order = flow(simulated), simulated.grid, simulated.order
    first, until = round(from_seconds / grid.seconds), round(order.for_seconds / grid.seconds)
    stands, windows = order.scale.stands_for(1.0), slice(first, until)
    finished = stands * float(simulated.passed("join")[windows].sum())

    def each(rate: NDArray[np.float64]) -> float:
        return float(rate[windows].sum()) * found.window_seconds / finished

    def passed(step: str) -> float:
        return stands * float(simulated.passed(step)[windows].sum()) / finished

    due = grid.counts(simulated.plan.due_us)[windows]
    return PerFinished(
        arrivals=stands * float(due.sum()) / finished,
        small=each(found.small) + each(found.password),
        passwords=each(found.password),
        photo_tries=each(found.uploads),
        photos_kept=passed("ktp") + passed("selfie"),
        writes=each(found.writes),
        lookups=passed("data"),
        mails=each(found.mails),
        sms=each(found.sms),
        received_bytes=each(found.received),
        kept_bytes=stands * float(simulated.world.by_window[KEPT, windows].sum()) / order.scale.bytes_ratio / finished,
    )
