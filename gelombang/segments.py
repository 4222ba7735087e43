"""The mergeable part of a record: histograms of each step for the run and for each window, in the run's `segments/`.

`histograms.npz` holds response and service of each step and the generator's lateness, as `Histogram.to_bytes`; `windows.npz` holds the
response of each step in each window as counts (step, window, bucket). Durations are wall µs, whatever the scale.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.errors import HostError, RecordError
from gelombang.histogram import BUCKETS, Histogram, bucket_middles_us

SEGMENTS_FOLDER = "segments"
HISTOGRAMS_FILE = "histograms.npz"
WINDOWS_FILE = "windows.npz"
_LATENESS = "lateness"

WINDOW_COUNT = np.dtype([("step", "<u2"), ("window", "<u4"), ("bucket", "<u2"), ("count", "<u8")])


@dataclass(slots=True, eq=False)
class Segments:
    """Histograms by step name; `windows` is sorted by step, window, bucket, and its steps are indices of `steps`."""

    steps: list[str]
    response: dict[str, Histogram] = field(default_factory=dict)
    service: dict[str, Histogram] = field(default_factory=dict)
    lateness: Histogram = field(default_factory=Histogram)
    windows: NDArray[np.void] = field(default_factory=lambda: np.empty(0, dtype=WINDOW_COUNT))

    def merge(self, other: "Segments") -> None:
        """Count everything that `other` counted, too: the same steps, of other people."""
        assert self.steps == other.steps
        for own, others in ((self.response, other.response), (self.service, other.service)):
            for name, histogram in others.items():
                own.setdefault(name, Histogram()).merge(histogram)
        self.lateness.merge(other.lateness)
        both = np.concatenate((self.windows, other.windows))
        place = both["step"].astype(np.uint64) << np.uint64(48) | both["window"].astype(np.uint64) << np.uint64(16) | both["bucket"]
        _, first, at = np.unique(place, return_index=True, return_inverse=True)
        self.windows = both[first]
        self.windows["count"] = 0
        np.add.at(self.windows["count"], at, both["count"])

    def window_quantile_us(self, steps: list[str], first: int, past: int, probability: float) -> float | None:
        """A quantile of response over these steps (none: all) in windows first to past - 1; None without samples."""
        chosen = self._chosen(steps, first, past)
        counts = np.bincount(chosen["bucket"], weights=chosen["count"], minlength=BUCKETS)
        samples = int(counts.sum())
        if not samples:
            return None
        rank = max(int(np.ceil(probability * samples)), 1)
        return float(bucket_middles_us()[np.searchsorted(np.cumsum(counts), rank)])

    def window_samples(self, steps: list[str], first: int, past: int) -> int:
        """How many durations `window_quantile_us` looks at."""
        return int(self._chosen(steps, first, past)["count"].sum())

    def p99_by_window_us(self, step: int, count: int) -> list[float | None]:
        """The 99th percentile of response of one step in each of `count` windows."""
        found: list[float | None] = [None] * count
        rows = self.windows[self.windows["step"] == step]
        middles = bucket_middles_us()
        edges = np.searchsorted(rows["window"], np.arange(count + 1))
        for window in range(count):
            part = rows[edges[window] : edges[window + 1]]
            if len(part):
                seen = np.cumsum(part["count"])
                place = np.searchsorted(seen, max(int(np.ceil(0.99 * int(seen[-1]))), 1))
                found[window] = float(middles[part["bucket"][place]])
        return found

    def _chosen(self, steps: list[str], first: int, past: int) -> NDArray[np.void]:
        wanted = [i for i, name in enumerate(self.steps) if not steps or name in steps]
        rows = self.windows
        return rows[np.isin(rows["step"], wanted) & (rows["window"] >= first) & (rows["window"] < past)]


def write_segments(folder: Path, segments: Segments) -> None:
    """Write both files below the run's folder. Raises HostError when the disk is full."""
    below = folder / SEGMENTS_FOLDER
    below.mkdir(exist_ok=True)
    parts = {f"response:{name}": found for name, found in segments.response.items()}
    parts |= {f"service:{name}": found for name, found in segments.service.items()}
    parts[_LATENESS] = segments.lateness
    arrays = {name: np.frombuffer(found.to_bytes(), dtype=np.uint8) for name, found in parts.items()}
    try:
        np.savez_compressed(below / HISTOGRAMS_FILE, allow_pickle=False, **arrays)
        np.savez_compressed(below / WINDOWS_FILE, allow_pickle=False, steps=np.array(segments.steps), windows=segments.windows)
    except OSError as error:
        raise HostError(f"{below} can't be written ({error.strerror}); want free disk") from error


def read_segments(folder: Path) -> Segments:
    """Read what `write_segments` wrote. Raises RecordError with the file and what is wrong."""
    below = folder / SEGMENTS_FOLDER
    try:
        with np.load(below / WINDOWS_FILE, allow_pickle=False) as windows:
            segments = Segments(steps=[str(name) for name in windows["steps"]], windows=windows["windows"])
        with np.load(below / HISTOGRAMS_FILE, allow_pickle=False) as histograms:
            for name in histograms.files:
                found = Histogram.from_bytes(histograms[name].tobytes())
                kind, _, step = name.partition(":")
                if kind == _LATENESS:
                    segments.lateness = found
                else:
                    (segments.response if kind == "response" else segments.service)[step] = found
    except FileNotFoundError as error:
        raise RecordError(f"{error.filename} is missing; want what `gelombang run` writes into {SEGMENTS_FOLDER}/") from None
    except (ValueError, KeyError, OSError) as error:
        raise RecordError(f"{below} is not readable as a run's segments: {error}") from None
    return segments
