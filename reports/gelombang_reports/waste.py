"""What was wasted: bytes moved for nothing, attempts made again, and what was stored for nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.record import RunRecord
from gelombang.record_uploads import Uploads
from gelombang_reports.figures import NOTHING, Figures
from gelombang_reports.texts import Texts


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: a text and a note for each record."""

    title: str
    values: tuple[str, ...]
    notes: tuple[str, ...]
    alarms: tuple[bool, ...]
    """Whether a value is a loss that must never happen."""


def waste(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> tuple[Measure, ...]:
    """The measures, the most telling first. Empty when nobody tried to upload."""
    uploads = [record.uploads for record in records]
    if not any(u.attempts for u in uploads if u):
        return ()

    def measure(title: str, values: list[str], notes: list[str] | None = None, alarms: list[bool] | None = None) -> Measure:
        return Measure(title, tuple(values), tuple(notes or [""] * len(values)), tuple(alarms or [False] * len(values)))

    def sizes(title: str, amounts: list[int | None]) -> Measure:
        notes = [_full_size(record, amount, texts, figures) for record, amount in zip(records, amounts, strict=True)]
        return measure(title, [figures.size(amount) for amount in amounts], notes)

    def of(take: str) -> list[int | None]:
        return [None if u is None else _bytes_of(u)[take] for u in uploads]

    # Without a store to look into, 0 would be a claim that nobody has looked for.
    lost = [None if u is None or not u.audited else u.photos_acknowledged_lost for u in uploads]
    return (
        measure(texts.received_per_kept, [figures.decimal(u.received_per_kept_byte if u else None) for u in uploads]),
        measure(texts.attempts_per_photo, [figures.decimal(u.attempts_per_acknowledged_photo if u else None) for u in uploads]),
        sizes(texts.unheard, of("unheard")),
        measure(texts.store_used, [figures.ratio(u.store_used_ratio if u else None) for u in uploads]),
        sizes(texts.received_total, of("received")),
        sizes(texts.kept_total, of("kept")),
        measure(texts.lost, [NOTHING if n is None else figures.count(n) for n in lost], alarms=[bool(n) for n in lost]),
    )


def _bytes_of(uploads: Uploads) -> dict[str, int | None]:
    unheard = uploads.stored_unheard_bytes if uploads.audited else None
    return {"received": uploads.received_bytes, "kept": uploads.kept_bytes, "unheard": unheard}


def _full_size(record: RunRecord, amount: int | None, texts: Texts, figures: Figures) -> str:
    scale = record.scale.scale()
    if amount is None or (scale.sample == 1 and scale.bytes_ratio == 1):
        return ""
    return texts.full_size_bytes.format(size=figures.size(amount / float(scale.sample) / scale.bytes_ratio))
