"""Uploads of a run: where they ended, in total and in each window, and what was received, kept and wasted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.audit import Audit
from gelombang.evidence import Evidence
from gelombang.profile import Profile
from gelombang.record_uploads import UploadFailure, Uploads
from gelombang.row_match import NOT_JOINED, match
from gelombang.scale import Scale, scaled
from gelombang.step_totals import decided
from gelombang.steps import Step, is_upload
from gelombang.upload_places import Place, place_of
from gelombang.windows import WindowGrid

_UNSEEN_STAGE = 15


@dataclass(frozen=True, slots=True, eq=False)
class UploadRows:
    """The upload attempts of a run, and what is known of each; arrays have one entry per attempt."""

    rows: NDArray[np.void]
    places: list[Place]
    place: NDArray[np.int64]
    """Index into `places`."""
    received_bytes: NDArray[np.int64]
    """What the server received of the photo; what was sent, where it has no row."""
    stored_bytes: NDArray[np.int64]
    """What the server stored."""
    kept_bytes: NDArray[np.int64]
    """What the server stored and acknowledged, at the first acknowledgement to its person."""

    @property
    def told(self) -> NDArray[np.bool_]:
        """Acknowledged to their person."""
        found: NDArray[np.bool_] = self.rows["outcome"] == Outcome.OK
        return found


def photo_steps(steps: Sequence[Step]) -> list[int]:
    """The indices of the photo steps."""
    return [i for i, step in enumerate(steps) if step.form == "photo"]


def upload_steps(steps: Sequence[Step]) -> list[int]:
    """The indices of the photo steps, and of the requests that carry a photo or file in their body."""
    return [i for i, step in enumerate(steps) if is_upload(step)]


def upload_rows(evidence: Evidence, server_of: NDArray[np.int64], steps: Sequence[Step]) -> UploadRows:
    """The attempts at upload steps, in the ledger's order; `server_of` is the join's."""
    chosen = np.isin(evidence.generator["step"], upload_steps(steps))
    rows, server_of = evidence.generator[chosen], server_of[chosen]
    seen = server_of != NOT_JOINED
    beside = evidence.server[server_of[seen]]
    received = rows["bytes_sent"].astype(np.int64)
    received[seen] = beside["bytes_received"]
    stored = np.zeros(len(rows), dtype=np.int64)
    stored[seen] = beside["bytes_kept"]
    places, place = _places(rows, seen, beside)
    kept = _kept_bytes(evidence, rows)
    # Only photo steps leave a digest to count once; of another upload, what was sent counts when it was acknowledged.
    plain = (rows["outcome"] == Outcome.OK) & ~np.isin(rows["step"], photo_steps(steps))
    kept[plain] = rows["bytes_sent"][plain]
    return UploadRows(rows, places, place, received, stored, kept)


def _places(rows: NDArray[np.void], seen: NDArray[np.bool_], beside: NDArray[np.void]) -> tuple[list[Place], NDArray[np.int64]]:
    """Each different combination is named once."""
    own = rows["outcome"].astype(np.int64) << 16 | rows["phase"].astype(np.int64) << 8 | np.minimum(rows["code"], 255)
    other = np.full(len(rows), _UNSEEN_STAGE << 16, dtype=np.int64)
    other[seen] = beside["stage"].astype(np.int64) << 16 | beside["outcome"].astype(np.int64) << 8 | np.minimum(beside["code"], 255)
    combinations, place = np.unique(own << 24 | other, return_inverse=True)
    return [_place(int(packed)) for packed in combinations], place.astype(np.int64)


def _place(packed: int) -> Place:
    code, server_outcome, stage = packed & 255, packed >> 8 & 255, packed >> 16 & 255
    own_code, phase, outcome = packed >> 24 & 255, packed >> 32 & 255, packed >> 40
    try:
        return place_of(
            Outcome(outcome),
            Phase(phase),
            Code(own_code),
            None if stage == _UNSEEN_STAGE else Stage(stage),
            ServerOutcome(server_outcome),
            Code(code),
        )
    except ValueError:
        return Place("none", "impossible", "none", "a row holds a value that no program writes")


def _kept_bytes(evidence: Evidence, rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Bytes of each acknowledged photo at its attempt; a photo acknowledged twice to its person counts once."""
    kept = np.zeros(len(rows), dtype=np.int64)
    told = evidence.acknowledged
    _, first = np.unique(told["person"].astype(np.uint64) << np.uint64(16) | told["step"], return_index=True)
    once = told[np.sort(first)]
    attempt_of, _, _, _ = match(once, rows)
    known = attempt_of != NOT_JOINED
    kept[attempt_of[known]] = once["bytes"][known]
    return kept


def windows_where(uploads: UploadRows, grid: WindowGrid) -> dict[str, list[int]]:
    """Attempts ended, by place and window."""
    found: dict[str, NDArray[np.int64]] = {}
    window = grid.of(ended_us(uploads.rows))
    counts = np.bincount(uploads.place * grid.count + window, minlength=len(uploads.places) * grid.count).reshape(-1, grid.count)
    for place, row in zip(uploads.places, counts, strict=True):
        found[place.key] = found.get(place.key, np.zeros(grid.count, dtype=np.int64)) + row
    return {key: [int(n) for n in row] for key, row in sorted(found.items())}


def ended_us(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """When each attempt ended; attempts of a killed process end, as far as anybody knows, when they began."""
    found: NDArray[np.int64] = np.where(rows["done"] > 0, rows["done"], rows["sent"])
    return found


@dataclass(slots=True, eq=False)
class UploadCounts:
    """Uploads of a run, or of some of its people, added up; arrays have one entry per window of the grid."""

    grid: WindowGrid
    outcomes: NDArray[np.int64]
    """Attempts by outcome."""
    places: Counter[Place]
    where: dict[str, list[int]]
    """Attempts ended, by place and window."""
    received_bytes: NDArray[np.int64]
    kept_bytes: NDArray[np.int64]
    ended: NDArray[np.int64]
    failed: NDArray[np.int64]
    unheard_bytes: int
    """Stored for people who were not told."""
    kept_in_time_bytes: int
    told_in_time: int
    """Of both, what was told while arrivals were due."""

    @classmethod
    def of(cls, uploads: UploadRows, grid: WindowGrid, arrivals_us: float) -> "UploadCounts":
        """`arrivals_us` of wall time is what the store's use is measured over."""
        rows, told = uploads.rows, uploads.told
        ended = ended_us(rows)
        failed = decided(rows) & ~told & (rows["outcome"] != Outcome.TOO_LARGE)
        in_time = told & (ended < arrivals_us)
        return cls(
            grid=grid,
            outcomes=np.bincount(rows["outcome"], minlength=256).astype(np.int64),
            places=_counted(uploads),
            where=windows_where(uploads, grid),
            received_bytes=grid.counts(ended, uploads.received_bytes),
            kept_bytes=grid.counts(ended, uploads.kept_bytes),
            ended=grid.counts(ended),
            failed=grid.counts(ended[failed]),
            unheard_bytes=int(uploads.stored_bytes[~told].sum()),
            kept_in_time_bytes=int(uploads.kept_bytes[in_time].sum()),
            told_in_time=int(in_time.sum()),
        )

    def add(self, other: "UploadCounts") -> None:
        """Count what `other` counted, too: those of other people, on the same grid."""
        assert self.grid == other.grid
        self.outcomes += other.outcomes
        self.places.update(other.places)
        for key, counts in other.where.items():
            self.where[key] = [a + b for a, b in zip(self.where.get(key, [0] * self.grid.count), counts, strict=True)]
        self.where = dict(sorted(self.where.items()))
        self.received_bytes += other.received_bytes
        self.kept_bytes += other.kept_bytes
        self.ended += other.ended
        self.failed += other.failed
        self.unheard_bytes += other.unheard_bytes
        self.kept_in_time_bytes += other.kept_in_time_bytes
        self.told_in_time += other.told_in_time


def upload_totals(
    counts: UploadCounts, profile: Profile | None, scale: Scale, for_seconds: float, people_past: int, audited: Audit | None
) -> Uploads:
    """The record's upload part. `for_seconds` of the people's time is what the store's use is measured over."""
    attempts = int(counts.outcomes.sum())
    outcomes = {each: int(counts.outcomes[each]) for each in Outcome}
    acknowledged, too_large = outcomes[Outcome.OK], outcomes[Outcome.TOO_LARGE]
    cut = outcomes[Outcome.CUT] + outcomes[Outcome.PROCESS_DIED]
    received, kept = int(counts.received_bytes.sum()), int(counts.kept_bytes.sum())
    store = scaled(profile, scale).store if profile is not None else None
    used = None
    if store is not None:
        used = (counts.kept_in_time_bytes + counts.told_in_time * store.commit_bytes) / (
            store.bandwidth_bytes_per_second * scale.wall_seconds(for_seconds)
        )
    return Uploads(
        attempts=attempts,
        acknowledged=acknowledged,
        failed=attempts - acknowledged - too_large - cut,
        too_large=too_large,
        cut=cut,
        refused=outcomes[Outcome.REFUSED],
        where=_failures(counts.places),
        received_bytes=received,
        kept_bytes=kept,
        # The audit knows of photos stored after their attempt had ended (504 while the work went on); the ledger does not.
        stored_unheard_bytes=audited.stored_unheard_bytes if audited is not None else counts.unheard_bytes,
        people_past_both_photos=people_past,
        photos_acknowledged_lost=audited.lost if audited is not None else 0,
        audited=audited is not None,
        attempts_per_acknowledged_photo=attempts / acknowledged if acknowledged else None,
        received_per_kept_byte=received / kept if kept else None,
        store_used_ratio=used,
        store_bytes_per_second=store.bandwidth_bytes_per_second if store is not None else None,
        commit_bytes=store.commit_bytes if store is not None else 0,
    )


def places_of(uploads: UploadRows) -> list[UploadFailure]:
    """Every place where attempts ended, most attempts first."""
    return _failures(_counted(uploads))


def _counted(uploads: UploadRows) -> Counter[Place]:
    counts: Counter[Place] = Counter()
    for place, attempts in zip(uploads.places, np.bincount(uploads.place, minlength=len(uploads.places)).tolist(), strict=True):
        counts[place] += attempts
    return counts


def _failures(counts: Counter[Place]) -> list[UploadFailure]:
    """Places with as many attempts stand in the order of their words, whatever order they were met in."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [UploadFailure(**place._asdict(), attempts=attempts) for place, attempts in ranked]
