"""`gelombang run` of a scenario with a browser beside its people."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gelombang_loadtests.chromium import NAMES, find_chromium

COMMAND = [sys.executable, "-m", "gelombang_cli"]
SCENARIO = """
extends = "smoke"
name = "smoke-with-a-browser"
browser_probes = 1
browser_probe_at = "04:23"
"""

pytestmark = [pytest.mark.system, pytest.mark.timeout(200)]


def command(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **variables}
    return subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=170, check=False, env=environment)


def test_a_browser_walks_the_pages_beside_the_people_and_the_page_shows_what_it_saw(tmp_path: Path) -> None:
    if find_chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Chromium in CI; want one of {', '.join(NAMES)} on PATH")
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH")
    (tmp_path / "probed.toml").write_text(SCENARIO)
    done = command(tmp_path, "run", "probed.toml", "--sample", "1/100", "--speed", "30", "--out", "A")
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr  # 3: a busy machine; what was kept is looked at all the same
    record = json.loads((tmp_path / "A" / "record.json").read_text())
    assert record["probe"]["failed"] == "", record["probe"]
    assert [step["step"] for step in record["probe"]["steps"]][-1] == "the photo: selfie"
    assert record["unexplained"] == 0
    assert sum(record["fates"].values()) == record["people_planned"]
    assert {"outcome": "ok", "phase": "none", "stage": "acknowledge", "server_outcome": "completed", "attempts": 2} in record["pages"]
    assert "browser-probe" in {doubt["name"] for doubt in record["doubts"]}
    assert (tmp_path / "A" / "report.html").read_text().count("data:image/jpeg;base64,") == len(record["probe"]["steps"])
    verified = command(tmp_path, "verify", "A")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_without_chromium_it_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "probed.toml").write_text(SCENARIO)
    done = command(tmp_path, "run", "probed.toml", "--sample", "1/100", "--out", "A", PATH=str(tmp_path))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert "browser_probes needs Chromium" in done.stderr
    assert not (tmp_path / "A" / "site").exists()
