"""`gelombang capacity` as people call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.calibrations import CALIBRATION
from support.made_run import live_looking_run, measurable_run, rising

pytestmark = [pytest.mark.system, pytest.mark.timeout(1_800)]


def capacity(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gelombang_cli", "capacity", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=1_700, check=False, cwd=folder)


def test_a_simulated_limit_ends_in_a_rate_with_an_interval_a_page_and_a_prediction(tmp_path: Path) -> None:
    done = capacity(tmp_path, "find", "breakpoint", "--simulated", "--sample", "1/20", "--probes", "60", "--out", "limit")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "limit" / "limit.json").read_text())
    assert found["kind"] == "simulated"
    assert found["low_per_second"] < found["limit_per_second"] < found["high_per_second"]
    assert found["confirmed_per_second"] == pytest.approx(found["low_per_second"])
    assert found["probes"][-1]["is_long"]
    assert "<html" in (tmp_path / "limit" / "limit.html").read_text()
    (line,) = (tmp_path / "runs" / "predictions.jsonl").read_text().splitlines()
    assert json.loads(line)["quantities"][0]["name"] == "limit"


def test_a_plan_ends_in_a_page_a_profile_that_can_be_run_and_a_prediction(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text(CALIBRATION.model_dump_json())
    words = ("--calibration", "calibration.json", "--sample", "1/200", "--worlds", "2", "--for", "14400", "--through", "80%")
    done = capacity(tmp_path, "plan", "surge-2020", *words, "--registry-wait", "7200", "--out", "plan")
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads((tmp_path / "plan" / "capacity-plan.json").read_text())
    assert plan["planned"]["share_through"]["median"] > 0.8
    assert plan["store_bandwidth_bytes_per_second"] > 13_500_000 / 2
    assert "upload places" in plan["cheapest_improvement"]
    assert "<html" in (tmp_path / "plan" / "plan.html").read_text()
    simulated = [sys.executable, "-m", "gelombang_cli", "simulate", "opening-hour", "--sample", "1/200", "--profile", "plan/planned.toml"]
    again = subprocess.run(simulated, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path)
    assert "planned" in again.stdout, again.stderr
    assert json.loads((tmp_path / "runs" / "predictions.jsonl").read_text())["by"] == "plan"


def test_an_infeasible_plan_says_how_far_one_gets(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text(CALIBRATION.model_dump_json())
    words = ("--calibration", "calibration.json", "--sample", "1/500", "--worlds", "1", "--for", "7200", "--through", "99.9%")
    done = capacity(tmp_path, "plan", "surge-2020", *words, "--set", "patience.upload_seconds.median=1", "--out", "plan")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "INFEASIBLE" in done.stdout
    assert "the best is" in done.stdout.replace("\n", " ")


def test_a_run_is_scored_against_what_was_expected_before_it_and_the_history_is_kept(tmp_path: Path) -> None:
    words = ["simulate", "opening-hour", "--profile", "hardened", "--sample", "1/100", "--speed", "60", "--bytes", "0.1", "--expect"]
    command = [sys.executable, "-m", "gelombang_cli", *words, "--out", "simulated"]
    expected = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path)
    assert "expected of hardened: people past selfie" in expected.stdout, expected.stdout + expected.stderr
    live_looking_run(tmp_path / "later", "2100-01-01T00:00:00+00:00")
    scored = capacity(tmp_path, "score", "later")
    assert scored.returncode == 0, scored.stdout + scored.stderr
    assert "lay in the interval that promised 90%" in scored.stdout
    assert capacity(tmp_path, "score").stdout.count("people past selfie") == 1
    live_looking_run(tmp_path / "earlier", "2000-01-01T00:00:00+00:00")
    kept = len((tmp_path / "runs" / "scores.jsonl").read_text().splitlines())
    capacity(tmp_path, "score", "earlier", "later")
    assert len((tmp_path / "runs" / "scores.jsonl").read_text().splitlines()) == kept


def test_a_calibration_ends_in_a_page_that_tells_costs_answers_and_how_well_it_foretold(tmp_path: Path) -> None:
    for seed, load in enumerate((0.6, 0.9, 1.2), 41):
        measurable_run(tmp_path / f"load-{load}", load, seed, {"data": rising(0.001, 0.004), "ktp": rising(0.001, 0.004)})
    done = capacity(tmp_path, "calibrate", "load-0.6", "load-0.9", "load-1.2", "--out", "calibration")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The model holds on 1 run that it was not fitted to" in done.stdout
    assert "Held out: load-1.2" in done.stdout
    assert "answer to data" in done.stdout
    found = json.loads((tmp_path / "calibration" / "calibration.json").read_text())
    assert found["fitted"] == ["load-0.6", "load-0.9"]
    assert "<html" in (tmp_path / "calibration" / "calibration.html").read_text()


def test_a_map_tells_where_the_site_stays_down(tmp_path: Path) -> None:
    words = ("--loads", "0.2,0.7", "--stalls", "0,300", "--seeds", "2", "--out", "map")
    done = capacity(tmp_path, "map", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "april-2020 does not come back by itself from 1 of the places with a trigger; without anybody trying again, from 0." in done.stdout
    )
    assert "<svg" in (tmp_path / "map" / "map.html").read_text()


def test_a_calibration_that_was_rejected_or_made_on_another_profile_or_at_small_loads_is_refused(tmp_path: Path) -> None:
    rejected = CALIBRATION.model_copy(update={"rejected": ["run: server cores was 2, predicted 1"]})
    (tmp_path / "rejected.json").write_text(rejected.model_dump_json())
    other = CALIBRATION.model_copy(update={"profile_digest": "0"})
    (tmp_path / "other.json").write_text(other.model_dump_json())
    narrow = CALIBRATION.model_copy(update={"requests_per_second_low": 1.0, "requests_per_second_high": 5.0})
    (tmp_path / "narrow.json").write_text(narrow.model_dump_json())
    for name, wanted in (
        ("rejected", "is a rejected calibration: run: server cores was 2"),
        ("other", "on a profile hardened that is none"),
        ("narrow", "150.0 times as many as any that was measured (5); want at most 3 times: calibrate at a larger load"),
    ):
        done = capacity(tmp_path, "plan", "surge-2020", "--calibration", f"{name}.json")
        assert done.returncode == 2
        assert wanted in done.stderr
        assert done.stdout == ""  # nothing was simulated first


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("find", "opening-hour"), "opening-hour has arrivals that rise or fall; want one phase of form hold"),
        (("find", "breakpoint", "--probes", "2"), "--probes is 2; want 6 to 100"),
        (("find", "breakpoint", "--precision", "0"), "--precision is '0'; want more than 0"),
        (("calibrate", "nowhere"), "nowhere is not a folder; want the folder of a run"),
        (("plan", "surge-2020", "--calibration", "nowhere.json"), "--calibration is nowhere.json, which is not there"),
        (("map", "--loads", "7"), "--loads is '7'; want numbers from 0.01 to 2"),
        (("history", "--sample", "1/100"), "--sample is 1/100; want 1/50 or more"),
        (("score",), "want a run made after a prediction"),
    ],
)
def test_a_wrong_value_is_one_clear_sentence(tmp_path: Path, words: tuple[str, ...], wanted: str) -> None:
    done = capacity(tmp_path, *words)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert len(done.stderr.splitlines()) == 1
