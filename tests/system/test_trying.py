"""`gelombang try` as its users run it: against the reference server, against a service that breaks, and for a person of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gelombang.ledger import GENERATOR_ROW, read_all
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

# A command takes 2 s of CPU; on a machine that others use as well that can be a minute.
pytestmark = [pytest.mark.system, pytest.mark.timeout(480)]

PLANTED = "planted-key-4Tz9"
SESSION = "session-0123456789"

SCENARIO = """
extends = "smoke"
name = "mine"
title = "Mine"
objective = []

[feed.accounts]
file = "accounts.csv"

[[journey]]
step = "account"
form = "request"
method = "POST"
path = "/accounts?key=${env:PLANTED_KEY}"
think_seconds = { value = 600.0 }
body = { json = { email = "{email}", password = "{feed.accounts.password}" } }
capture = { session = { json_pointer = "/session" } }

[[journey]]
step = "photo"
form = "request"
method = "POST"
path = "/photo"
headers = { authorization = "Bearer {session}" }
body = { multipart = { title = "KTP", photo = { photo = "ktp" } } }

[[journey]]
step = "order"
form = "request"
method = "GET"
path = "/order"
headers = { authorization = "Bearer {session}" }
capture = { order = { json_pointer = "/id" } }

[[journey]]
step = "done"
form = "request"
method = "GET"
path = "/orders/{order}"
"""


def gelombang(*words: str, cwd: Path, timeout: float = 220) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PLANTED_KEY": PLANTED}
    command = [sys.executable, "-m", "gelombang_cli", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False)


def events(done: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(SCENARIO)
    (tmp_path / "accounts.csv").write_text("password\n" + "".join(f"sandi-{i:03d}-xyz\n" for i in range(100)))
    return tmp_path


def answers(order: Reply) -> Any:
    """A service whose page `/order` answers so."""

    def answer(site: StubSite, asked: Asked) -> Reply:
        if asked.path.startswith("/accounts"):
            return Reply(201, {"session": SESSION, "echo": f"{PLANTED} {asked.body.decode()}"})
        return order if asked.path == "/order" else Reply(200, {"id": "1"})

    return answer


def test_one_person_walks_the_whole_journey_of_the_reference_server(tmp_path: Path) -> None:
    done = gelombang("try", "opening-hour", "--profile", "hardened", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    *attempts, end = events(done)
    assert (end["event"], end["fate"], end["step"], end["person"]) == ("end", "finished", "join", 17)
    passed = [attempt["step"] for attempt in attempts if attempt["passed"]]
    assert " ".join(passed) == ("account email email-link data otp-send otp-sms otp nik photo-page ktp selfie test-start test join")
    put = next(attempt for attempt in attempts if attempt["step"] == "ktp" and attempt["passed"])["exchanges"][-1]
    assert put["request"]["body"] == f"(image/jpeg, {put['request']['body_bytes']:,} bytes)"
    assert put["answer"]["status"] == 201


def test_a_journey_that_breaks_names_the_step_and_the_reason(folder: Path) -> None:
    with stub_site(answers(Reply(200, {"number": 7}))) as site:
        done = gelombang("try", "mine.toml", "--target", site.url, cwd=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ended at step order" in done.stdout
    assert "/id" in done.stdout
    assert '{"number":7}' in done.stdout.replace(" ", "")
    # Nobody thinks: ten minutes before the first step would have been too long.
    assert "1. account" in done.stdout


@pytest.mark.parametrize(("status", "outcome"), [(500, "failed"), (404, "invalid")])
def test_the_rule_that_made_a_failure_of_an_answer_is_shown(folder: Path, status: int, outcome: str) -> None:
    with stub_site(answers(Reply(status, {}))) as site:
        done = gelombang("try", "mine.toml", "--target", site.url, "--json", cwd=folder)
    assert done.returncode == 1
    *attempts, end = events(done)
    assert [attempt["step"] for attempt in attempts] == ["account", "photo", "order"]
    assert attempts[-1]["outcome"] == outcome
    assert attempts[-1]["rule"].startswith(f"status {status}:")
    assert end["step"] == "order"
    assert outcome in end["reason"]


def test_no_secret_and_no_whole_session_is_shown_or_kept(folder: Path) -> None:
    with stub_site(answers(Reply(200, {"id": "order-1"}))) as site:
        done = gelombang("try", "mine.toml", "--target", site.url, "--keep", "kept", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for secret in (PLANTED, SESSION, "sandi-017-xyz"):
        assert secret not in done.stdout + done.stderr
        for path in (folder / "kept").rglob("*"):
            assert path.is_dir() or secret.encode() not in path.read_bytes(), path
    assert '"$PLANTED_KEY"' in done.stdout
    assert "session = sessio…(18 characters)" in done.stdout
    assert "title: KTP" in done.stdout
    (photo,) = (folder / "kept").glob("*-photo-1.body")
    assert f"@{photo}" in done.stdout
    assert b"\xff\xd8\xff" in photo.read_bytes()


def test_an_upload_by_tus_is_shown_exchange_by_exchange(folder: Path) -> None:
    text = (folder / "mine.toml").read_text()
    body = 'body = { multipart = { title = "KTP", photo = { photo = "ktp" } } }'
    assert body in text
    (folder / "mine.toml").write_text(text.replace(body, 'body = { tus = { photo = "ktp" } }'))

    def answer(site: StubSite, asked: Asked) -> Reply:
        if asked.path == "/photo":
            return Reply(201, headers=(("Location", "/there"),))
        if asked.path == "/there":
            return Reply(204, headers=(("Upload-Offset", str(len(asked.body))),))
        done: Reply = answers(Reply(200, {"id": "1"}))(site, asked)
        return done

    with stub_site(answer) as site:
        done = gelombang("try", "mine.toml", "--target", site.url, "--until", "photo", "--json", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    create, send = events(done)[1]["exchanges"]
    assert (create["request"]["method"], create["request"]["body_bytes"], send["request"]["method"]) == ("POST", 0, "PATCH")
    assert send["request"]["body"] == f"(application/offset+octet-stream, {send['request']['body_bytes']:,} bytes)"
    assert dict(create["request"]["headers"])["upload-length"] == str(send["request"]["body_bytes"])


def test_an_address_on_a_host_that_is_not_allowed_is_named_and_nothing_is_sent(folder: Path) -> None:
    text = (folder / "mine.toml").read_text().replace('path = "/orders/{order}"', 'path = "{order}"')
    (folder / "mine.toml").write_text(text)
    with stub_site(answers(Reply(200, {"id": "http://192.0.2.1/orders/1"}))) as site:
        done = gelombang("try", "mine.toml", "--target", site.url, "--json", cwd=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    *attempts, end = events(done)
    assert end["step"] == "done"
    assert attempts[-1]["exchanges"] == []
    assert "not allowed" in attempts[-1]["rule"]


def test_until_a_step_stops_behind_it_and_an_unknown_step_is_refused(folder: Path) -> None:
    with stub_site(answers(Reply(500, {}))) as site:
        done = gelombang("try", "mine.toml", "--target", site.url, "--until", "photo", "--json", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [event.get("step") for event in events(done)] == ["account", "photo", "photo"]
        wrong = gelombang("try", "mine.toml", "--target", site.url, "--until", "fotos", cwd=folder)
    assert wrong.returncode == 2
    assert "photo (did you mean that?)" in wrong.stderr


def test_a_target_that_is_not_there_is_exit_4(folder: Path) -> None:
    done = gelombang("try", "mine.toml", "--target", "http://127.0.0.1:9", cwd=folder)
    assert done.returncode == 4, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_person_of_a_run_is_replayed_beside_what_happened_then(tmp_path: Path) -> None:
    run = gelombang("run", "smoke", "--for", "120", "--seed", "7", "--out", "A", cwd=tmp_path)
    assert run.returncode in (0, 1, 3), run.stderr
    rows = read_all(tmp_path / "A", "ledger-generator-*.bin", GENERATOR_ROW)
    person = int(rows[rows["step"] == 3]["person"][0])
    done = gelombang("try", "--from", "A", "--attempt", f"{person}:data:1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in the run, try 1" in done.stdout
    assert "reached: 4 steps passed, the last one data" in done.stdout
    record = json.loads((tmp_path / "A" / "plan.json").read_text())
    assert f"pendaftar.{person}.{record['run']:x}@warga.example" in done.stdout
    missing = gelombang("try", "--from", "A", "--attempt", f"{person}:data:9", cwd=tmp_path)
    assert missing.returncode == 2
    assert f"{person}:data:1" in missing.stderr
