"""Planted secrets: a whole run uses them, and none of its files and outputs holds one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

PASSWORD, KEY, QUERY, HEALTH = "planted-password-7Qx", "planted-key-9Zk", "planted-query-3Vw", "planted-health-5Hj"

SCENARIO = """
extends = "smoke"
name = "planted"
title = "Secrets in every place"
objective = []

[feed.accounts]
file = "accounts.csv"

[[journey]]
step = "account"
form = "request"
method = "POST"
path = "/accounts?key=${env:PLANTED_QUERY}"
headers = { x-key = "Bearer ${file:key.txt}" }
body = { json = { email = "{feed.accounts.email}", password = "${env:PLANTED_PASSWORD}" } }
capture = { session = { json_pointer = "/echo" } }

[[journey]]
step = "home"
form = "request"
method = "GET"
path = "/me"
headers = { authorization = "Bearer {session}" }

[[stop]]
name = "the health page is slow"
side = "target"
measure = "health_seconds"
url = "${env:PLANTED_SITE}/healthz?key=${env:PLANTED_HEALTH}"
headers = { authorization = "Bearer ${env:PLANTED_HEALTH}" }
above = 60.0
timeout_seconds = 30.0
"""

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def gelombang(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "gelombang_cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(SCENARIO)
    (tmp_path / "accounts.csv").write_text("email\n" + "".join(f"akun-{i}@warga.example\n" for i in range(1_000)))
    (tmp_path / "key.txt").write_text(KEY + "\n")
    return tmp_path / "mine.toml"


def test_no_file_and_no_output_of_a_run_holds_a_planted_secret(scenario: Path, tmp_path: Path) -> None:
    emails: list[str] = []

    def echo(site: StubSite, asked: Asked) -> Reply:
        """Says back what it was sent, once with an error."""
        if asked.path.startswith("/me"):
            return Reply()
        said = json.loads(asked.body)
        assert asked.path == f"/accounts?key={QUERY}"
        assert said["password"] == PASSWORD
        if asked.number == 1 and asked.person % 3 == 1:  # never the preflight's person, number 30
            return Reply(503, {"code": PASSWORD, "detail": f"{QUERY} {KEY} {PASSWORD}"})
        emails.append(said["email"])
        return Reply(200, {"echo": f"{PASSWORD}{QUERY}{KEY}"})

    out = tmp_path / "run"
    with stub_site(echo) as site:
        run = gelombang(
            *("run", str(scenario), "--target", site.url, "--out", str(out)),
            *("--sample", "1/10", "--speed", "20", "--for", "60", "--generator-processes", "2", "--json", "--yes"),
            PLANTED_PASSWORD=PASSWORD,
            PLANTED_QUERY=QUERY,
            PLANTED_HEALTH=HEALTH,
            PLANTED_SITE=site.url,
        )
    assert run.returncode in (0, 3), run.stderr
    assert set(site.asked_health) >= {("/healthz", None), (f"/healthz?key={HEALTH}", f"Bearer {HEALTH}")}
    assert len(emails) == len(set(emails)) > 20
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {"plan.json", "record.json", "report.html", "ledger-generator-1.bin"} <= {path.name for path in files}
    for planted in (PASSWORD, KEY, QUERY, HEALTH):
        assert planted not in run.stdout + run.stderr
        assert [path.name for path in files if planted.encode() in path.read_bytes()] == []
    assert b"${env:PLANTED_PASSWORD}" in (out / "plan.json").read_bytes()


def test_a_run_without_its_secrets_ends_before_it_begins_with_their_names(scenario: Path, tmp_path: Path) -> None:
    (scenario.parent / "key.txt").unlink()
    run = gelombang("run", str(scenario), "--target", "http://127.0.0.1:9", "--out", str(tmp_path / "run"), PLANTED_QUERY=QUERY)
    assert run.returncode == 2
    assert run.stdout == ""
    line = SCENARIO.splitlines().index('headers = { x-key = "Bearer ${file:key.txt}" }') + 1
    assert f"{scenario}:{line}: journey[0].headers.x-key: ${{file:key.txt}} (step account) is a file that can't be read" in run.stderr
    assert "stop[0].url: ${env:PLANTED_SITE} is not set" in run.stderr
    assert (
        "journey[0].body.json.password: ${env:PLANTED_PASSWORD} (step account) is not set; want the variable PLANTED_PASSWORD" in run.stderr
    )
    assert QUERY not in run.stderr
    assert not (tmp_path / "run").exists()


def test_too_few_rows_end_a_run_before_it_begins(scenario: Path, tmp_path: Path) -> None:
    (scenario.parent / "accounts.csv").write_text("email\nakun@warga.example\n")
    run = gelombang(
        *("run", str(scenario), "--target", "http://127.0.0.1:9", "--out", str(tmp_path / "run"), "--sample", "1/100", "--yes"),
        PLANTED_QUERY=QUERY,
        PLANTED_PASSWORD=PASSWORD,
        PLANTED_HEALTH=HEALTH,
        PLANTED_SITE="http://127.0.0.1:9",
    )
    assert run.returncode == 2
    assert (
        "accounts.csv: row 1 is the last one, for 64 planned people, and feed.accounts is unique; want a row for each person" in run.stderr
    )
