"""When alerts fire on recorded runs, second by second through Prometheus's own evaluation of the rules: as the page of lead times says, and
never where nothing was wrong.

To see what a longer scrape interval does, every 15th scrape of the recordings is taken and the rest left out, with the rules for that
interval: each alert fires on its recording all the same, within a minute of wall time, and none where nothing was wrong. Of every 60th
there would be two.
"""

from pathlib import Path

import pytest

from gelombang.drill_file import read_drill
from gelombang_dashboards.lead import CASES
from gelombang_dashboards.lead_page import read_fired, recordings
from gelombang_dashboards.replayed_alerts import firing
from gelombang_dashboards.rule_clock import RuleClock
from tests.support.debian_tools import program

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
RARE_SECONDS = 15.0
LATER_SECONDS = 60
"""Four scrapes: the shortest window that a rate can have."""
CONTROLS = sorted((ROOT / "tests" / "data").glob("drill*/control*.json.gz"))


@pytest.mark.parametrize("name", dict.fromkeys(case.recording for case in CASES))
def test_the_alerts_of_a_recorded_run_fire_when_the_page_of_lead_times_says(tmp_path: Path, name: str) -> None:
    found = firing(recordings(ROOT)[name], program("promtool"), tmp_path)
    assert found == read_fired(ROOT)[name], "stale: run python -m gelombang_dashboards.lead_page"


@pytest.mark.parametrize("name", dict.fromkeys(case.recording for case in CASES))
def test_with_every_15th_scrape_each_alert_still_fires_on_its_recording_and_not_before(tmp_path: Path, name: str) -> None:
    run, rare = recordings(ROOT)[name], RuleClock(60.0, scrape_seconds=RARE_SECONDS)
    found = firing(run, program("promtool"), tmp_path, rare)
    often = read_fired(ROOT)[name]
    for alert in (case.alert.alert for case in CASES if case.recording == name):
        began = run.fault_seconds or 0.0
        assert found[alert][0] > began, alert
        assert found[alert][0] - next(second for second in often[alert] if second > began) <= LATER_SECONDS, alert


@pytest.mark.parametrize("scrape_seconds", [1.0, RARE_SECONDS])
@pytest.mark.parametrize("control", CONTROLS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_no_alert_fires_where_nothing_is_wrong(tmp_path: Path, control: Path, scrape_seconds: float) -> None:
    assert len(CONTROLS) == 3
    assert firing(read_drill(control), program("promtool"), tmp_path, RuleClock(60.0, scrape_seconds)) == {}
