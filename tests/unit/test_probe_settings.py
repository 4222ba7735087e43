"""The browser beside a run: what a scenario may ask for, where it is refused, and what record and page say of it."""

import re
from pathlib import Path

import pytest

from gelombang.errors import FileError, HostError, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.moment import seconds_after
from gelombang.record import Validity
from gelombang.record_probe import PICTURE_BYTES_LIMIT, BrowserProbe, ProbeStep, read_probe
from gelombang.runplan import write_model
from gelombang.summary import RunFacts, summarise
from gelombang_cli import probing
from gelombang_cli.probing import require_probe
from gelombang_reports.detail import Detail, read_detail
from gelombang_reports.page import render_page
from support.records import hardened
from support.run_folder import RunFolder

ASKED = ["browser_probes=1", 'browser_probe_at="19:40"']
STEPS = [
    ProbeStep(step="the first page", at_seconds=2_400.0, took_seconds=0.25, picture="probe-0.jpg"),
    ProbeStep(step="signing up", at_seconds=2_460.0, took_seconds=10.0),
]
WALK = BrowserProbe(
    due_seconds=2_400.0, uplink_bytes_per_second=250_000, round_trip_seconds=0.3, steps=STEPS, failed="it did not get past signing up: <b>"
)


def test_its_moment_is_on_the_people_s_clock() -> None:
    assert seconds_after("2020-04-11T19:00:00+07:00", "19:40") == 2_400.0
    assert seconds_after("2020-04-11T19:00:00+07:00", "00:00:30") == 5 * 3_600.0 + 30.0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["browser_probes=1"], "browser_probes 1 with browser_probe_at none"),
        (['browser_probe_at="19:40"'], "browser_probes 0 with browser_probe_at 19:40"),
        (["browser_probes=2", 'browser_probe_at="19:40"'], "browser_probes"),
        (["browser_probes=1", 'browser_probe_at="half past"'], "want a time of the day at the opening's place"),
        (["browser_probes=1", 'browser_probe_at="19:40+07:00"'], "want a time of the day at the opening's place"),
    ],
)
def test_a_scenario_names_one_browser_and_its_moment_or_neither(asked: list[str], said: str) -> None:
    with pytest.raises(FileError, match=re.escape(said)):
        load_scenario("opening-hour", asked)


def test_it_is_refused_where_it_could_not_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, profile = load_scenario("opening-hour", ASKED), load_profile("hardened")
    require_probe(load_scenario("opening-hour"), None, 60.0)
    with pytest.raises(InputError, match="want a site of the reference server"):
        require_probe(scenario, None, 3_600.0)
    with pytest.raises(InputError, match=r"has no \[pages\]"):
        require_probe(scenario, profile.model_copy(update={"pages": None}), 3_600.0)
    with pytest.raises(InputError, match="19:40 is 2400 s after the opening and people come for 600 s"):
        require_probe(scenario, profile, 600.0)
    monkeypatch.setattr(probing, "find_spec", lambda name: None)
    with pytest.raises(HostError, match="Playwright, which is not installed"):
        require_probe(scenario, profile, 3_600.0)
    monkeypatch.setattr(probing, "find_spec", lambda name: object())
    monkeypatch.setattr(probing, "find_chromium", lambda: None)
    with pytest.raises(HostError, match="none of chromium, chromium-browser, google-chrome is on PATH"):
        require_probe(scenario, profile, 3_600.0)


def test_a_browser_that_left_nothing_is_told_as_one_that_never_set_off(tmp_path: Path) -> None:
    assert read_probe(tmp_path, load_scenario("opening-hour")) is None
    found = read_probe(tmp_path, load_scenario("opening-hour", ASKED))
    assert found is not None
    assert (found.due_seconds, found.steps) == (2_400.0, [])
    assert found.failed.startswith("it never set off")


def test_the_record_keeps_the_walk_and_remarks_that_it_cost_this_machine(tmp_path: Path) -> None:
    run = RunFolder(tmp_path).everybody().write()
    plan = run.plan.model_copy(update={"scenario": load_scenario("opening-hour", ASKED)})
    write_model(tmp_path / "plan.json", plan)
    write_model(tmp_path / "probe.json", WALK)
    (tmp_path / "probe-0.jpg").write_bytes(b"a picture")
    record = summarise(tmp_path, plan, run.profile, RunFacts("2026-01-01T00:00:00+00:00"), due_us=run.due_us())
    assert record.probe == WALK
    assert {"probe.json", "probe-0.jpg"} <= record.files.keys()
    (remark,) = [doubt for doubt in record.doubts if doubt.name == "browser-probe"]
    assert remark.severity is Validity.VALID
    assert "10.2 s of wall time" in remark.evidence
    assert read_detail(tmp_path, record).pictures == {"probe-0.jpg": b"a picture"}
    (tmp_path / "probe-0.jpg").write_bytes(b"x" * (PICTURE_BYTES_LIMIT + 1))
    assert read_detail(tmp_path, record).pictures == {}


def test_the_page_shows_what_one_person_saw_with_the_pictures_inside_it() -> None:
    record = hardened().model_copy(update={"probe": WALK})
    page = render_page([record], details=[Detail(pictures={"probe-0.jpg": b"a picture"})])
    assert "What one person saw at 19:40</h3>" in page
    assert '<img src="data:image/jpeg;base64,YSBwaWN0dXJl" alt="the first page"' in page
    assert page.count("no picture</span>") == 1
    assert "It ended early: it did not get past signing up: &lt;b&gt;." in page
    assert "What one person saw" not in render_page([hardened()])
    late = WALK.model_copy(update={"due_seconds": 2_340.0})
    assert "What one person saw at 19:40 (to set off at 19:39)</h3>" in render_page([hardened().model_copy(update={"probe": late})])
