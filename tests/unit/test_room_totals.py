"""The waiting room's promises, read off a run's metrics; a site without a room has none to keep."""

from pathlib import Path

import pytest

from gelombang.loading import load_profile
from gelombang.room_totals import RoomTotals, room_totals
from gelombang.series_file import SERIES_FILE, SeriesWriter, Source
from gelombang.telemetry import Side

PAGE = """\
# TYPE gelombang_server_room_admitted_total counter
gelombang_server_room_admitted_total{{promise="kept"}} {kept}
gelombang_server_room_admitted_total{{promise="broken"}} {broken}
# TYPE gelombang_server_room_told_again_total counter
gelombang_server_room_told_again_total {again}
"""


@pytest.fixture
def scraped(tmp_path: Path) -> Path:
    """Two processes that take uploads, each looked at twice."""
    with (tmp_path / SERIES_FILE).open("wb") as file:
        writer = SeriesWriter(file, [Source(Side.SERVER, "server-1"), Source(Side.SERVER, "server-2")], 0.0)
        for moment, numbers in enumerate([(1, 0, 0), (30, 2, 5)]):
            for process in (0, 1):
                kept, broken, again = (number + process for number in numbers)
                writer.take(process, moment * 1_000_000, 1_000, PAGE.format(kept=kept, broken=broken, again=again).encode())
    return tmp_path


def test_the_last_numbers_of_all_processes_are_added(scraped: Path) -> None:
    assert room_totals(scraped, load_profile("waiting-room")) == RoomTotals(kept=61, broken=5, told_again=11)


@pytest.mark.parametrize("profile", ["hardened", "april-2020"])
def test_a_site_without_a_waiting_room_has_no_promises(scraped: Path, profile: str) -> None:
    assert room_totals(scraped, load_profile(profile)) is None
    assert room_totals(scraped, None) is None


def test_without_kept_metrics_nobody_says_anything(tmp_path: Path) -> None:
    assert room_totals(tmp_path, load_profile("waiting-room")) is None
