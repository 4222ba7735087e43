"""What became of the times that a waiting room told, as the site itself counted: read off the run's series, as of the last scrape.

The scrape is made when the generators have ended and the site has not. A time is kept when the person was let in within a fifth of it
(`gelombang.waiting_room`); somebody who was told one and asks before it, or finds no room at it, is told again.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gelombang import telemetry
from gelombang.profile import Profile
from gelombang.series_file import SERIES_FILE, RunSeries, read_series


class RoomTotals(BaseModel):
    """People who had a place in the waiting room."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kept: int
    """Let in about when they had been told."""
    broken: int
    """Let in at another time."""
    told_again: int
    """Refusals of people who had a place already."""


def room_totals(folder: Path, profile: Profile | None) -> RoomTotals | None:
    """None for a site without a waiting room, and where nobody scraped it. Raises RecordError."""
    path = folder / SERIES_FILE
    tickets = profile.uploads.tickets if profile is not None else None
    if tickets is None or tickets.room is None or not path.exists():
        return None
    series = read_series(path)

    def last(name: str) -> int:
        return _last(series, name)

    admitted = telemetry.ROOM_ADMITTED.name
    return RoomTotals(
        kept=last(f'{admitted}{{promise="kept"}}'),
        broken=last(f'{admitted}{{promise="broken"}}'),
        told_again=last(telemetry.ROOM_TOLD_AGAIN.name),
    )


def _last(series: RunSeries, name: str) -> int:
    """The counter's last value, of all processes together."""
    return round(sum(each.values[-1] for each in series.series if each.name == name and each.values))
