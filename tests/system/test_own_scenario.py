"""`gelombang scenario new`, `from-har` and `from-openapi` as their users run them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gelombang.loading import load_profile
from gelombang_server.app import site_routes
from gelombang_server.contract.document import document as api_document
from support.har_files import FIRST, SECOND, sign_up

pytestmark = pytest.mark.system


def scenario(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gelombang_cli", "scenario", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=55, check=False)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    sign_up(**FIRST, think_seconds=8.0).save(tmp_path / "one.har")
    sign_up(**SECOND, think_seconds=18.0).save(tmp_path / "two.har")
    return tmp_path


def test_two_recordings_become_a_scenario_without_faults_and_a_list_of_what_is_left(recordings: Path) -> None:
    made = scenario("from-har", "one.har", "two.har", "-o", "mine.toml", cwd=recordings)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "8 steps, 3 captures, hosts daftar.example, berkas.example" in made.stdout
    assert "2 × static file" in made.stdout
    assert "left for you: 3" in made.stdout
    assert "rahasia-sekali" not in made.stdout
    assert abs((recordings / "photo.jpg").stat().st_size - 240_000) < 120_000
    checked = scenario("check", "mine.toml", cwd=recordings)
    assert checked.returncode == 0, checked.stderr
    again = scenario("from-har", "one.har", "-o", "mine.toml", cwd=recordings)
    assert again.returncode == 2
    assert "mine.toml exists" in again.stderr


def test_what_is_no_recording_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.har").write_text('{"log": {"entries": 3}}')
    done = scenario("from-har", "bad.har", "-o", "mine.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "bad.har: log.entries" in done.stderr
    assert not (tmp_path / "mine.toml").exists()


def test_a_new_scenario_has_no_faults_and_its_own_name(tmp_path: Path) -> None:
    made = scenario("new", "toko", cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    checked = scenario("check", "toko.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("toko:")
    refused = scenario("new", "Toko Baru", cwd=tmp_path)
    assert refused.returncode == 2
    assert "lower-case" in refused.stderr


def test_the_reference_servers_own_document_becomes_a_scenario_without_faults(tmp_path: Path) -> None:
    profile = load_profile("hardened")
    document = str(tmp_path / "openapi.json")
    Path(document).write_text(json.dumps(api_document(profile, site_routes(profile))), encoding="utf-8")
    made = scenario("from-openapi", document, "--path", "/api/v1/", "-o", "mine.toml", cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "hosts 127.0.0.1" in made.stdout
    assert "left for you: " in made.stdout
    checked = scenario("check", "mine.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    nothing = scenario("from-openapi", document, "--path", "/v9", "-o", "other.toml", cwd=tmp_path)
    assert nothing.returncode == 2
    assert "no operation whose path begins with '/v9'" in nothing.stderr
    assert not (tmp_path / "other.toml").exists()
