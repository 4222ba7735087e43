"""The part of the record that says what one person saw: a real browser's walk over the site's pages beside the run, step by step.

The browser's process writes it after each step, so what was seen stays whatever ends the walk. The pictures are files beside it.
"""

from pathlib import Path

from pydantic import Field

from gelombang.moment import seconds_after
from gelombang.record_uploads import RecordPart
from gelombang.runplan import read_model
from gelombang.scenario import Scenario

PROBE_FILE = "probe.json"
PICTURES_LIMIT = 8
PICTURE_BYTES_LIMIT = 40_000


class ProbeStep(RecordPart):
    """One thing that the person did."""

    step: str
    at_seconds: float
    """People's time at which it began."""
    took_seconds: float
    """WALL time: a browser does not draw faster because the people's clock does."""
    picture: str = ""
    """The file that shows how the page looked then; empty where there is none within the bounds."""


class BrowserProbe(RecordPart):
    """One walk."""

    due_seconds: float
    """People's time at which it was to set off."""
    uplink_bytes_per_second: float
    """As emulated: the scenario's median line, under the scale."""
    round_trip_seconds: float
    steps: list[ProbeStep] = Field(default_factory=list)
    failed: str = ""
    """Why it did not come to its end, in one sentence; empty when it did."""


def read_probe(folder: Path, scenario: Scenario) -> BrowserProbe | None:
    """What the browser of a run left; None when the scenario wants none. Raises RecordError for a file that can't be read."""
    if scenario.browser_probe_at is None:
        return None
    if not (folder / PROBE_FILE).exists():
        return BrowserProbe(
            due_seconds=seconds_after(scenario.opens_at, scenario.browser_probe_at),
            uplink_bytes_per_second=0,
            round_trip_seconds=0,
            failed="it never set off: the run ended before, or its process did (probe.log)",
        )
    return read_model(folder / PROBE_FILE, BrowserProbe)
