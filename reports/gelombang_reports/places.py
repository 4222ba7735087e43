"""Where uploads ended, at both ends, each place with one colour in table, legend and chart; and what was wasted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gelombang.record import RunRecord
from gelombang.record_uploads import JoinCell, UploadFailure

ACKNOWLEDGED = "acknowledged"

_COLOURS = {
    ACKNOWLEDGED: "c-ack",
    "upload_failed": "c1",
    "upload_timed_out": "c2",
    "acknowledge/client_left": "c3",
    "body/client_left": "c4",
    "uploads_busy": "c5",
    "photo_too_large": "c6",
    "timed_out": "c7",
    "store/client_left": "c8",
    "connect_refused": "c10",
    "reset": "c11",
    "cut": "c12",
}
"""By the key of the windows, or by what stands after its stage: one code has one colour wherever it occurs."""
_SPARE = ("c9", "c11", "c10", "c12", "c8", "c4", "c2", "c3", "c7", "c1", "c5", "c6")


@dataclass(frozen=True, slots=True)
class Place:
    """One place where upload attempts ended; `attempts` has one number per record."""

    stage: str
    code: str
    outcome: str
    meaning: str
    colour: str
    attempts: tuple[int, ...]
    acknowledged: bool

    @property
    def name(self) -> str:
        """`store · upload_failed`; without a code, how it ended: `connect · timed_out`."""
        return place_name(self.stage, self.outcome, self.code)


@dataclass(frozen=True, slots=True)
class BothEnds:
    """One combination of what the person saw and what the server saw; `attempts` has one number per record."""

    client: str
    server: str
    explained: bool
    meaning: str
    attempts: tuple[int, ...]


def key_of(entry: UploadFailure) -> str:
    """The key under which the windows count this place."""
    return ACKNOWLEDGED if is_acknowledged(entry) else f"{entry.stage}/{_reason(entry.outcome, entry.code)}"


def window_key(place: Place) -> str:
    """The key under which the windows count a place."""
    return ACKNOWLEDGED if place.acknowledged else f"{place.stage}/{_reason(place.outcome, place.code)}"


def is_acknowledged(entry: UploadFailure) -> bool:
    """Whether these attempts were acknowledged to their person."""
    return ACKNOWLEDGED in (entry.stage, entry.outcome) or (entry.outcome in ("completed", "ok") and entry.code == "none")


def place_name(stage: str, outcome: str, code: str) -> str:
    """How a place is called."""
    return f"{stage} · {_reason(outcome, code)}"


def key_name(key: str) -> str:
    """How a key of the windows is called: `store · upload_failed`."""
    return key.replace("/", " · ")


def colours(records: Sequence[RunRecord]) -> dict[str, str]:
    """A colour class for each key that occurs: the well-known ones always have the same."""
    named = {key: _COLOURS.get(key) or _COLOURS.get(key.partition("/")[2]) for key in _keys(records)}
    found = {key: colour for key, colour in named.items() if colour}
    spare = [colour for colour in _SPARE if colour not in found.values()] or list(_SPARE)
    unknown = [key for key in _keys(records) if key not in found]
    return found | {key: spare[i % len(spare)] for i, key in enumerate(unknown)}


def places(records: Sequence[RunRecord]) -> tuple[Place, ...]:
    """Every place of any record: the acknowledged ones first, then the largest first."""
    colour_of = colours(records)
    entries: dict[tuple[str, str, str], UploadFailure] = {}
    attempts: dict[tuple[str, str, str], list[int]] = {}
    for index, record in enumerate(records):
        for entry in record.uploads.where if record.uploads else []:
            identity = (entry.stage, entry.outcome, entry.code)
            entries.setdefault(identity, entry)
            attempts.setdefault(identity, [0] * len(records))[index] += entry.attempts
    found = [
        Place(e.stage, e.code, e.outcome, e.meaning, colour_of[key_of(e)], tuple(attempts[identity]), is_acknowledged(e))
        for identity, e in entries.items()
    ]
    return tuple(sorted(found, key=lambda place: (not place.acknowledged, -sum(place.attempts), place.stage, place.code)))


def worst(record: RunRecord) -> UploadFailure | None:
    """The place where most uploads failed; too large photos are not a failure of the site."""
    failed = [e for e in (record.uploads.where if record.uploads else []) if not is_acknowledged(e) and e.code != "photo_too_large"]
    return max(failed, key=lambda e: e.attempts, default=None)


def both_ends(records: Sequence[RunRecord]) -> tuple[BothEnds, ...]:
    """The join of the two ledgers: what is unexplained first, then the largest first."""
    cells: dict[tuple[str, str], JoinCell] = {}
    attempts: dict[tuple[str, str], list[int]] = {}
    for index, record in enumerate(records):
        for cell in record.join:
            identity = (_client(cell), _server(cell))
            cells.setdefault(identity, cell)
            attempts.setdefault(identity, [0] * len(records))[index] += cell.attempts
    found = [BothEnds(*identity, cell.explained, cell.meaning, tuple(attempts[identity])) for identity, cell in cells.items()]
    return tuple(sorted(found, key=lambda row: (row.explained, -sum(row.attempts), row.client, row.server)))


def stacking_order(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Keys of the windows in the order in which they lie on the axis: acknowledged at the bottom, then the largest."""
    totals = {key: sum(sum(record.windows.upload_where.get(key, [])) for record in records) for key in _window_keys(records)}
    return tuple(sorted((key for key in totals if totals[key]), key=lambda key: (key != ACKNOWLEDGED, -totals[key], key)))


def failed_ratio(record: RunRecord) -> float | None:
    """Share of upload attempts that failed, too large photos counted on neither side; None without attempts."""
    uploads = record.uploads
    if uploads is None or uploads.failed + uploads.acknowledged == 0:
        return None
    return uploads.failed / (uploads.failed + uploads.acknowledged)


def refused_ratio(record: RunRecord) -> float:
    """Share of upload attempts, too large photos apart, that were refused on purpose with a time to come back."""
    uploads = record.uploads
    if uploads is None or uploads.failed + uploads.acknowledged == 0:
        return 0.0
    return sum(entry.attempts for entry in uploads.where if entry.outcome == "refused") / (uploads.failed + uploads.acknowledged)


def _reason(outcome: str, code: str) -> str:
    return outcome if code in ("", "none") else code


def _keys(records: Sequence[RunRecord]) -> list[str]:
    entries = [key_of(entry) for record in records if record.uploads for entry in record.uploads.where]
    return list(dict.fromkeys([*entries, *_window_keys(records)]))


def _window_keys(records: Sequence[RunRecord]) -> Iterable[str]:
    return dict.fromkeys(key for record in records for key in record.windows.upload_where)


def _client(cell: JoinCell) -> str:
    return cell.client_outcome if cell.client_phase in ("", "none") else f"{cell.client_outcome} in {cell.client_phase}"


def _server(cell: JoinCell) -> str:
    parts = [cell.server_stage, cell.server_outcome, cell.code]
    return " · ".join(part for part in parts if part not in ("", "none"))
