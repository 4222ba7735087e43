"""When alerts fire on recorded runs, second by second through Prometheus's own evaluation of the rules: as the page of lead times says, and
never where nothing was wrong."""

from pathlib import Path

import pytest

from gelombang.drill_file import read_drill
from gelombang_dashboards.lead import CASES
from gelombang_dashboards.lead_page import read_fired, recordings
from gelombang_dashboards.replayed_alerts import firing
from tests.support.debian_tools import program

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
CONTROLS = sorted((ROOT / "tests" / "data").glob("drill*/control*.json.gz"))


@pytest.mark.parametrize("name", dict.fromkeys(case.recording for case in CASES))
def test_the_alerts_of_a_recorded_run_fire_when_the_page_of_lead_times_says(tmp_path: Path, name: str) -> None:
    found = firing(recordings(ROOT)[name], program("promtool"), tmp_path)
    assert found == read_fired(ROOT)[name], "stale: run python -m gelombang_dashboards.lead_page"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_no_alert_fires_where_nothing_is_wrong(tmp_path: Path, control: Path) -> None:
    assert len(CONTROLS) == 3
    assert firing(read_drill(control), program("promtool"), tmp_path) == {}
