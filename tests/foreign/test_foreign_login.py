"""A second service, whose login is another host's: people are led to the provider, log in with an account of a feed, and are led back."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from foreign.bed_processes import BED, STORE_ADDRESS, end

SCENARIO = Path(__file__).with_name("members.toml")
PEOPLE = 40
CLIENT_SECRET = "planted-client-2Lp"
PASSWORD = "planted-password-{}"
pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Area:
    """Where the members' area is, and the folder of whoever tests it."""

    url: str
    folder: Path

    def visits(self) -> list[str]:
        with urllib.request.urlopen(f"{self.url}/visits", timeout=5) as answer:
            found: list[str] = json.load(answer)
        return found

    def gelombang(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gelombang_cli", *words, "--target", self.url]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture
def area(tmp_path: Path) -> Iterator[Area]:
    # One row more than people, for the person of the preflight.
    rows = [f"member-{i:02},{PASSWORD.format(i)}" for i in range(PEOPLE + 1)]
    (tmp_path / "accounts.csv").write_text("\n".join(["username,password", *rows, ""]))
    (tmp_path / "members.toml").write_text(SCENARIO.read_text())
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> int:
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started.append(process)
        assert process.stdout is not None
        return int(process.stdout.readline())

    try:
        provider = start(str(BED / "provider.py"), STORE_ADDRESS, "0", CLIENT_SECRET, str(tmp_path / "accounts.csv"))
        members = start(str(BED / "members.py"), "0", f"http://{STORE_ADDRESS}:{provider}", CLIENT_SECRET)
        yield Area(f"http://127.0.0.1:{members}", tmp_path)
    finally:
        for process in reversed(started):
            end(process)


def allow(area: Area, *hosts: str) -> None:
    target = f"""
[target]
allowed_hosts = {json.dumps(hosts)}
owner = "The members' tests"
authorisation = "tests/foreign"
contact = "nobody@shop.example"
max_arrivals_per_second = 20.0
max_people = 200
max_bytes = 200_000_000
window = {{ from = "2020-01-01T00:00:00+00:00", until = "2099-01-01T00:00:00+00:00" }}
"""
    (area.folder / "members.toml").write_text(SCENARIO.read_text() + target)


def test_one_person_is_led_to_the_provider_and_back(area: Area) -> None:
    allow(area, "127.0.0.1", STORE_ADDRESS)
    done = area.gelombang("try", "members.toml", "--person", "7", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    *attempts, end_of_it = [json.loads(line) for line in done.stdout.splitlines()]
    assert (end_of_it["fate"], area.visits()) == ("finished", ["member-07"])
    ways = [[exchange["request"]["url"].split("?")[0].rpartition("/")[2] for exchange in attempt["exchanges"]] for attempt in attempts]
    assert ways == [["", "login", "authorize", "login"], ["login", "callback", ""], ["me"]]
    assert PASSWORD.format(7) not in done.stdout + done.stderr


def test_a_login_at_a_host_that_nobody_allowed_ends_where_it_would_leave(area: Area) -> None:
    allow(area, "127.0.0.1")
    done = area.gelombang("try", "members.toml", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    last = json.loads(done.stdout.splitlines()[-2])
    assert (last["step"], last["outcome"]) == ("home", "protocol")
    assert "not allowed" in last["rule"]


def test_everybody_logs_in_with_an_account_of_their_own_and_no_secret_stays(area: Area) -> None:
    allow(area, "127.0.0.1", STORE_ADDRESS)
    done = area.gelombang("run", "members.toml", "--out", "R", "--yes")
    assert done.returncode in (0, 3), done.stdout + done.stderr
    record = json.loads((area.folder / "R" / "record.json").read_text())
    assert record["fates"]["finished"] == PEOPLE, record["fates"]
    assert sorted(area.visits()) == [f"member-{i:02}" for i in range(PEOPLE + 1)]
    files = [path for path in (area.folder / "R").rglob("*") if path.is_file()]
    assert [path.name for path in files if b"planted-" in path.read_bytes()] == []
    assert "planted-" not in done.stdout + done.stderr
    verified = subprocess.run(
        [sys.executable, "-m", "gelombang_cli", "verify", "R"], cwd=area.folder, env=os.environ, capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
