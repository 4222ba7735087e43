"""The part of the record that says where uploads failed and what was wasted."""

from pydantic import BaseModel, ConfigDict

from gelombang.room_totals import RoomTotals


class RecordPart(BaseModel):
    """What every part of the record is: closed, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UploadFailure(RecordPart):
    """Upload attempts that ended in one place, on one end."""

    stage: str
    """Server stage, or the generator's phase for what the server never saw (`connect`, `send`, `wait`, `receive`)."""
    outcome: str
    code: str
    attempts: int
    meaning: str


class JoinCell(RecordPart):
    """Attempts whose two ends agree on one combination."""

    client_outcome: str
    client_phase: str
    server_stage: str
    """`unseen` when the server has no row."""
    server_outcome: str
    code: str
    attempts: int
    explained: bool
    meaning: str


class Uploads(RecordPart):
    """Where uploads failed, and what was wasted."""

    attempts: int
    acknowledged: int
    failed: int
    """Not acknowledged, photo_too_large apart."""
    too_large: int
    cut: int = 0
    """Undecided: ended by the end of the run or by a killed generator. attempts = acknowledged + failed + too_large + cut."""
    refused: int = 0
    """Of `failed`: told when to come back."""
    where: list[UploadFailure]
    """Every upload attempt in exactly one entry, largest first, acknowledged ones included."""
    received_bytes: int
    kept_bytes: int
    """Bytes of photos acknowledged to their person."""
    stored_unheard_bytes: int
    """Bytes stored although nobody was waiting any more."""
    people_past_both_photos: int
    photos_acknowledged_lost: int
    audited: bool = True
    """False: the store could not be looked into (a foreign target), and `photos_acknowledged_lost` says nothing."""
    attempts_per_acknowledged_photo: float | None
    received_per_kept_byte: float | None
    store_used_ratio: float | None
    """Bytes acknowledged, with commit cost, over what the store could carry while arrivals were due."""
    store_bytes_per_second: float | None = None
    """The modelled store's bandwidth in wall time, under the scale; None against a foreign target."""
    commit_bytes: int = 0
    """The store's commit cost under the scale."""
    room: RoomTotals | None = None
    """None: the site has no waiting room, or its metrics were not kept."""
