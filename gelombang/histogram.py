"""A mergeable histogram of durations: fixed memory, a stated error at every quantile, one line to add to.

Promise: for any durations from 0 to `LIMIT_US`, any quantile differs from the exact one (nearest rank on the sorted samples) by less than
1 % of it, below 128 µs by nothing, and the same whether samples were added to one histogram or to many that were merged. Idea: 64 linear
buckets inside each power of two, so the bucket of a value is its leading seven bits (Tene, HdrHistogram, 2012; the same layout as
"log-linear" of Circllhist, Hartmann and Schlossnagle, 2020, with base 2 in place of 10). A bucket answers with its middle, which is at
most half a bucket, 1/128 of the value, away. Smallest and largest sample are kept exactly.
"""

import struct
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SUB_BITS = 6
_SUB = 1 << _SUB_BITS
_VALUE_BITS = 40
LIMIT_US = (1 << _VALUE_BITS) - 1
"""12.7 days; larger durations count as this large."""
BUCKETS = (_VALUE_BITS - _SUB_BITS + 1) << _SUB_BITS
RELATIVE_ERROR_LIMIT = 1.0 / (2 * _SUB)
"""Of any quantile, against the exact one."""

_HEADER = struct.Struct("<4sIqq")
_MAGIC = b"GLH1"
_PAIRS = np.dtype([("bucket", "<u4"), ("count", "<u8")])


def bucket_of(value_us: int) -> int:
    """The bucket of one duration of 0 or more."""
    assert value_us >= 0, f"a duration of {value_us} µs"
    value = min(value_us, LIMIT_US)
    shift = max(value.bit_length() - _SUB_BITS - 1, 0)
    return (shift << _SUB_BITS) + (value >> shift)


def buckets_of(values_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """`bucket_of` for many: the same numbers."""
    assert not len(values_us) or values_us.min() >= 0, f"a duration of {values_us.min()} µs"
    values = np.minimum(values_us, LIMIT_US)
    # frexp's exponent is the bit length, exactly, for whole numbers below 2**53.
    shift = np.maximum(np.frexp(values.astype(np.float64))[1].astype(np.int64) - (_SUB_BITS + 1), 0)
    found: NDArray[np.int64] = (shift << _SUB_BITS) + (values >> shift)
    return found


def bucket_middles_us() -> NDArray[np.float64]:
    """What each bucket answers with, in µs."""
    index = np.arange(BUCKETS, dtype=np.int64)
    shift = np.maximum((index >> _SUB_BITS) - 1, 0)
    lower = (index - (shift << _SUB_BITS)) << shift
    middles: NDArray[np.float64] = lower + ((np.int64(1) << shift) - 1) / 2
    return middles


_MIDDLES_US = bucket_middles_us()


class Histogram:
    """Counts of durations in whole microseconds."""

    __slots__ = ("counts", "max_us", "min_us", "samples")

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BUCKETS, dtype=np.int64)
        self.samples = 0
        self.min_us = LIMIT_US
        """Exact; meaningless without samples, like `max_us`."""
        self.max_us = 0

    @classmethod
    def of(cls, values_us: ArrayLike) -> Self:
        """The histogram of these durations."""
        made = cls()
        made.add_many(np.asarray(values_us, dtype=np.int64))
        return made

    def add(self, value_us: int) -> None:
        """Count one duration of 0 or more."""
        self.counts[bucket_of(value_us)] += 1
        self.samples += 1
        self.min_us = min(self.min_us, value_us)
        self.max_us = max(self.max_us, value_us)

    def add_many(self, values_us: NDArray[np.int64]) -> None:
        """Count many durations of 0 or more."""
        if not len(values_us):
            return
        self.counts += np.bincount(buckets_of(values_us), minlength=BUCKETS)
        self.samples += len(values_us)
        self.min_us = min(self.min_us, int(values_us.min()))
        self.max_us = max(self.max_us, int(values_us.max()))

    def merge(self, other: "Histogram") -> None:
        """Count everything that `other` counted, too."""
        self.counts += other.counts
        self.samples += other.samples
        self.min_us = min(self.min_us, other.min_us)
        self.max_us = max(self.max_us, other.max_us)

    def since(self, earlier: "Histogram") -> "Histogram":
        """What was counted after `earlier`, which this one has grown from; its least and most are within the error only."""
        made = Histogram()
        made.counts = self.counts - earlier.counts
        made.samples = self.samples - earlier.samples
        filled = np.flatnonzero(made.counts)
        assert made.samples == made.counts.sum()
        assert not len(filled) or made.counts[filled].min() > 0, "the earlier one counted what this one did not"
        if len(filled):
            made.min_us, made.max_us = int(_MIDDLES_US[filled[0]]), min(int(_MIDDLES_US[filled[-1]]), self.max_us)
        return made

    def quantile_us(self, probability: float) -> float | None:
        """The duration at nearest rank ceil(probability × samples), within `RELATIVE_ERROR_LIMIT`; None without samples."""
        assert 0 <= probability <= 1
        if not self.samples:
            return None
        rank = max(int(np.ceil(probability * self.samples)), 1)
        if rank == self.samples:
            return float(self.max_us)
        index = int(np.searchsorted(np.cumsum(self.counts), rank))
        return float(min(max(_MIDDLES_US[index], self.min_us), self.max_us))

    def to_bytes(self) -> bytes:
        """A header and the filled buckets, little-endian; `from_bytes` reads it back."""
        filled = np.flatnonzero(self.counts)
        pairs = np.empty(len(filled), dtype=_PAIRS)
        pairs["bucket"] = filled
        pairs["count"] = self.counts[filled]
        return _HEADER.pack(_MAGIC, len(filled), self.min_us, self.max_us) + pairs.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`. Raises ValueError for anything else."""
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise ValueError(f"{len(data)} bytes that begin with {data[:4]!r}; want a histogram, which begins with {_MAGIC!r}")
        _, filled, min_us, max_us = _HEADER.unpack_from(data)
        if len(data) != _HEADER.size + filled * _PAIRS.itemsize:
            raise ValueError(f"a histogram of {len(data)} bytes; want {_HEADER.size + filled * _PAIRS.itemsize}, as its header says")
        pairs = np.frombuffer(data, dtype=_PAIRS, offset=_HEADER.size)
        if filled and pairs["bucket"].max() >= BUCKETS:
            raise ValueError(f"a histogram with bucket {pairs['bucket'].max()}; want less than {BUCKETS}")
        made = cls()
        made.counts[pairs["bucket"]] = pairs["count"]
        made.samples = int(pairs["count"].sum())
        made.min_us, made.max_us = min_us, max_us
        return made
