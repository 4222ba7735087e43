"""When a run of a search ends before its time."""

from pathlib import Path

from gelombang.stops import STOP_FILE
from gelombang_cli.backlog import BacklogWatch


def follow(folder: Path, growth_per_second: float) -> BacklogWatch:
    """Ten people arrive a second, over 1,200 seconds."""
    watch = BacklogWatch(folder, 10.0, 1_200.0)
    for second in range(0, 1_200, 60):
        event = {"event": "progress", "people_seconds": second, "waiting": 50 + int(second * growth_per_second), "in_flight": 3}
        watch.take(event)
    return watch


def test_a_backlog_that_keeps_most_of_the_arrivals_ends_the_run(tmp_path: Path) -> None:
    watch = follow(tmp_path, 8.0)
    assert "80% of all who arrive stay inside" in watch.reason
    assert (tmp_path / STOP_FILE).exists()


def test_a_backlog_that_grows_a_little_is_watched_to_the_end(tmp_path: Path) -> None:
    watch = follow(tmp_path, 2.0)
    assert watch.reason == ""
    assert not (tmp_path / STOP_FILE).exists()
