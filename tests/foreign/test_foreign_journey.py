"""The shop's journey as an operator runs it: tried, run, verified, joined with the log of nginx and the ledgers of the service."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from foreign.bed_processes import TOKEN, Bed, bed, free_port, nginx_program
from tests.wire.test_target_watch import says, site

SCENARIO = Path(__file__).with_name("shop.toml")
PEOPLE = 40
UNCHANGED = "http://127.0.0.1:8025"
pytestmark = [pytest.mark.foreign, pytest.mark.timeout(120)]


def gelombang(words: Sequence[str], cwd: Path, prometheus: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CATCHER_TOKEN": TOKEN, "SHOP_PROMETHEUS": prometheus}
    command = [sys.executable, "-m", "gelombang_cli", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=90, check=False)


def written(folder: Path, catcher_url: str) -> Path:
    """The scenario with the catcher's address, and the photo beside it."""
    text = SCENARIO.read_text()
    assert UNCHANGED in text
    (folder / "shop.toml").write_text(text.replace(UNCHANGED, catcher_url))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8" + bytes(150_000))
    return folder


@pytest.fixture(scope="module")
def run(shop: Bed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the scenario, and the run in `R`."""
    folder = written(tmp_path_factory.mktemp("mine"), shop.catcher_url)
    done = gelombang(["run", "shop.toml", "--target", shop.url, "--out", "R", "--yes"], folder)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return folder


def record(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "R" / "record.json").read_text())
    return found


def test_one_person_gets_through_and_no_secret_is_shown(shop: Bed, tmp_path: Path) -> None:
    done = gelombang(["try", "shop.toml", "--target", shop.url], written(tmp_path, shop.catcher_url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_one_person_gets_through_by_tls_and_imap(shop: Bed, tmp_path: Path) -> None:
    text = written(tmp_path, shop.catcher_url).joinpath("shop.toml").read_text()
    begin, end = text.index("[inbox.mail]"), text.index("kinds = ")
    account = f"""[inbox.mail]
source = "imap"
host = "127.0.0.1"
port = {shop.imap_port}
tls = false
user = "shop"
password = "${{env:CATCHER_TOKEN}}"
"""
    rest = text[end:].replace('text = "/Snippet"\n', "")
    network = f'\n[network]\nca_file = "{shop.ca_file}"\n'
    (tmp_path / "shop.toml").write_text(text[:begin] + account + rest + network)
    done = gelombang(["try", "shop.toml", "--target", shop.https_url], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_everybody_gets_through_and_is_counted_once(run: Path) -> None:
    fates = record(run)["fates"]
    assert isinstance(fates, dict)
    assert sum(fates.values()) == fates["finished"] == PEOPLE
    assert record(run)["coverage"] == "client only"
    uploads = record(run)["uploads"]
    assert isinstance(uploads, dict)
    assert (uploads["attempts"], uploads["acknowledged"]) == (PEOPLE, PEOPLE)
    assert uploads["kept_bytes"] > PEOPLE * 150_000


def test_verify_checks_the_generators_laws_and_says_that_the_other_side_is_not_there(run: Path) -> None:
    if (run / "R" / "service.json").exists():
        pytest.skip("another test has joined the service's ledgers already")
    done = gelombang(["verify", "R"], run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the server side is not available" in done.stdout


def test_the_log_of_nginx_is_joined_attempt_by_attempt(run: Path, shop: Bed) -> None:
    done = gelombang(["join", "R", "--log", str(shop.access_log), "--format", "nginx"], run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not behind this log: put" in done.stdout
    joined = record(run)["log"]
    assert isinstance(joined, dict)
    # nine steps with exchanges, one of them elsewhere
    assert (joined["seen"], joined["unseen"]) == (8 * PEOPLE, 0)
    assert all(cell["agrees"] for cell in joined["cells"])
    steps = {step["step"]: step for step in joined["steps"]}
    assert (steps["signup"]["requests"], steps["form"]["requests"], steps["checked"]["requests"]) == (2 * PEOPLE, PEOPLE, 3 * PEOPLE)
    assert "client + joined log" in (run / "R" / "report.html").read_text()


def test_with_the_ledgers_of_the_service_both_ends_are_verified(run: Path, shop: Bed) -> None:
    done = gelombang(["join", "R", "--ledger", str(shop.ledger_folder)], run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 unexplained" in done.stdout
    cells = record(run)["join"]
    assert isinstance(cells, list)
    told = sum(cell["attempts"] for cell in cells if cell["server_stage"] == "acknowledge")
    assert told == 8 * PEOPLE
    assert record(run)["coverage"] == "client + service ledger + joined log"
    verified = gelombang(["verify", "R"], run)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "not available" not in verified.stdout


def test_the_service_s_own_metrics_stand_beside_it_stage_by_stage(run: Path) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        assert handler.headers["Authorization"] == f"Bearer {TOKEN}"
        query = parse_qs(urlsplit(handler.path).query)
        asked.append(query)
        begin = float(query["start"][0])
        points = [[begin + i, str(0.25 * i)] for i in range(5)] if "body" in query["query"][0] else []
        says(200, {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}})(handler)

    with site(answer) as url:
        done = gelombang(["join", "R", "--metrics"], run, url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[:2] == [
        "body: median 0.5 s, at most 1 s, at 4 s; 5 moments",
        "store: no sample in the time of the run",
    ]
    assert [query["step"] for query in asked] == [["1"], ["1"]]
    assert float(asked[0]["end"][0]) - float(asked[0]["start"][0]) > 4
    assert str(record(run)["coverage"]).endswith(" + server metrics")
    page = (run / "R" / "report.html").read_text()
    assert "max(shop_body_seconds)" in page
    assert TOKEN not in page + done.stdout
    nobody = gelombang(["join", "R", "--metrics"], run)
    assert nobody.returncode == 4
    assert "server_metrics.url ${env:SHOP_PROMETHEUS} does not answer" in nobody.stderr


def test_a_planted_secret_is_in_no_file_of_the_run(run: Path) -> None:
    holding = [path.name for path in (run / "R").rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert holding == []


def test_an_inbox_that_never_answers_is_a_sentence_before_the_run(shop: Bed, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    done = gelombang(["run", "shop.toml", "--target", shop.url, "--out", "R", "--yes"], written(tmp_path, nobody))
    assert done.returncode == 4, done.stdout + done.stderr
    assert f"inbox mail does not answer at {nobody}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lost_mail_is_an_outcome_of_its_own(tmp_path: Path) -> None:
    if nginx_program() is None:
        pytest.skip("nginx is not installed; want `make packages` (Debian: nginx-light)")
    folder = tmp_path / "bed"
    folder.mkdir()
    with bed(folder, {"CATCHER_LOSES": "@"}) as losing:
        quick = ["--set", "journey.mail.within_seconds=1", "--set", 'journey.mail.on={no_message="fate:unreachable"}', "--for", "1"]
        done = gelombang(
            ["run", "shop.toml", "--target", losing.url, "--out", "R", "--skip-preflight", *quick], written(tmp_path, losing.catcher_url)
        )
    assert done.returncode in (1, 3), done.stdout + done.stderr
    steps = record(tmp_path)["steps"]
    assert isinstance(steps, list)
    assert {step["step"]: step["outcomes"] for step in steps}["mail"] == {"no_message": 8}
