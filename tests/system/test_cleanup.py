"""Setup, shared values, who was created, and the clean-up: a run of two processes against a site that asks for all of it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gelombang.person import PEOPLE_LIMIT
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

SETUP_TOKEN = "planted-setup-5Lm"

SCENARIO = """
extends = "smoke"
name = "tidy"
title = "Leaves nothing behind"
objective = []

[[setup]]
step = "open-campaign"
form = "request"
method = "POST"
path = "/campaigns"
capture = { campaign = { json_pointer = "/campaign" } }

[[shared]]
step = "token"
form = "request"
method = "POST"
path = "/tokens/{campaign}"
capture = { access = { json_pointer = "/access_token" }, expires_in = { json_pointer = "/expires_in" } }
lifetime = "expires_in"

[[journey]]
step = "account"
form = "request"
method = "POST"
path = "/accounts"
headers = { authorization = "Bearer {access}", x-campaign = "{campaign}" }
body = { json = { email = "{email}" } }

[[teardown]]
step = "login"
form = "request"
method = "POST"
path = "/sessions"
body = { json = { email = "{email}", password = "{password}", campaign = "{campaign}" } }
capture = { session = { json_pointer = "/session" } }

[[teardown]]
step = "remove"
form = "request"
method = "DELETE"
path = "/accounts/{session}"
success = { status = { "404" = "ok" } }
"""

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


class Service:
    """Accounts by their mail address; tokens by the process that asked for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.accounts: set[str] = set()
        self.campaigns = 0
        self.tokens = 0
        self.unwritten: list[str] = []
        self.removable = False

    def __call__(self, site: StubSite, asked: Asked) -> Reply:
        said = json.loads(asked.body or b"{}")
        match asked.method, asked.path.partition("/")[2].split("/"):
            case "POST", ["campaigns"]:
                self.campaigns += 1
                assert asked.person == PEOPLE_LIMIT - 1
                return Reply(201, {"campaign": SETUP_TOKEN})
            case "POST", ["tokens", campaign]:
                assert campaign == SETUP_TOKEN
                self.tokens += 1
                return Reply(200, {"access_token": f"t-{self.tokens}", "expires_in": 1.5})
            case "POST", ["accounts"]:
                if not any(said["email"] in path.read_text() for path in self.folder.rglob("created.csv")):
                    self.unwritten.append(said["email"])
                self.accounts.add(said["email"])
                return Reply(201)
            case "POST", ["sessions"]:
                assert said["campaign"] == SETUP_TOKEN
                return Reply(200, {"session": said["email"]}) if said["email"] in self.accounts else Reply(404)
            case "DELETE", ["accounts", email]:
                if not self.removable and email.startswith("pendaftar.3"):
                    return Reply(500)
                self.accounts.discard(email)
                return Reply(200)
        raise AssertionError(asked)


def gelombang(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gelombang_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)


def test_whoever_a_run_made_is_removed_by_as_many_clean_ups_as_it_takes(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SCENARIO)
    out = tmp_path / "run"
    service = Service(out)
    with stub_site(service) as site:
        run = gelombang(
            *("run", str(tmp_path / "mine.toml"), "--target", site.url, "--out", str(out), "--json", "--yes"),
            *("--sample", "1/16", "--speed", "20", "--for", "60", "--generator-processes", "2"),
        )
        assert run.returncode in (0, 3), run.stderr
        assert service.unwritten == []
        assert service.campaigns == 2, "the preflight's and the run's"
        assert service.tokens > 2
        made = set(service.accounts)
        assert len(made) > 10
        rows = [row for path in out.rglob("created.csv") for row in csv.DictReader(path.read_text().splitlines())]
        assert {row["email"] for row in rows} == made
        assert [path.name for path in out.rglob("*") if path.is_file() and SETUP_TOKEN.encode() in path.read_bytes()] == []
        assert SETUP_TOKEN not in run.stdout + run.stderr

        first = gelombang("cleanup", str(out), "--per-second", "50")
        stubborn = {email for email in made if email.startswith("pendaftar.3")}
        assert service.accounts == stubborn
        assert first.returncode == 1, first.stderr
        assert f"{len(made) - len(stubborn)} removed, {len(stubborn)} left; run gelombang cleanup {out} again" in first.stdout

        service.removable = True
        second = gelombang("cleanup", str(out), "--per-second", "50")
        assert second.returncode == 0, second.stderr
        assert f"{len(stubborn)} removed, 0 left" in second.stdout
        assert service.accounts == set()
        asked = len(site.asked)
        third = gelombang("cleanup", str(out))
        assert (third.returncode, third.stdout) == (0, "nobody is left to remove\n")
        assert len(site.asked) == asked


def test_a_setup_step_that_fails_ends_the_run_before_anybody_arrives(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SCENARIO)
    with stub_site(lambda site, asked: Reply(500)) as site:
        run = gelombang(
            "run", str(tmp_path / "mine.toml"), "--target", site.url, "--out", str(tmp_path / "run"), "--sample", "1/160", "--yes"
        )
        paths = {asked.path for asked in site.asked}
    assert run.returncode == 4
    assert "setup step open-campaign came to failed (status 500), 3 times; want it to pass" in run.stderr
    assert paths == {"/campaigns"}


def test_a_run_without_teardown_steps_says_so(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    broken = gelombang("cleanup", str(tmp_path))
    assert broken.returncode == 2
    assert "plan.json" in broken.stderr
