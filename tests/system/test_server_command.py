"""The server as it is started: `python -m gelombang_server --config server.json`."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from gelombang.attempt_id import AttemptId
from gelombang.ledger import SERVER_ROW, read_all
from gelombang.profile import Profile
from gelombang.runplan import ScaleNumbers, ServerPlan, read_model, write_model

PROFILES = Path(__file__).parents[2] / "server" / "profiles"
pytestmark = pytest.mark.system


def orders(folder: Path, profile: str, **changes: Any) -> Path:
    import tomllib

    fields = {
        "run": 77,
        "seed": 1,
        "scale": ScaleNumbers(sample="1/50", speed=60.0, bytes_ratio=0.1),
        "profile": Profile.model_validate(tomllib.loads((PROFILES / f"{profile}.toml").read_text())),
        "folder": str(folder),
        "zero_us": 0,
        "processes": 1,
        "public_port": 0,
        "harness_port": 0,
        "harness_token": "a harness token",
    }
    path = folder / "server.json"
    write_model(path, ServerPlan.model_validate(fields | changes))
    return path


def start(config: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "gelombang_server", "--config", str(config)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def running(config: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    with start(config) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line, server.stderr.read() if server.stderr else ""
            yield server, json.loads(line)
        finally:
            if server.poll() is None:
                server.terminate()
            server.wait(30)


def ended(server: "subprocess.Popen[str]") -> tuple[int, str]:
    assert server.stderr is not None
    words = server.stderr.read()
    return server.wait(30), words


def get(url: str, **headers: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.status, answer.read()


def post_account(url: str, number: int) -> int:
    trace = AttemptId(run=77, person=number, tab=0, step=0, number=1).traceparent(1)
    body = json.dumps({"name": "Siti", "email": f"siti{number}@mail.example", "password": "rahasia"}).encode()
    headers = {"Content-Type": "application/json", "traceparent": trace}
    request = urllib.request.Request(url + "/api/v1/accounts", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def test_two_api_processes_and_one_for_uploads_serve_one_site_and_drain(tmp_path: Path) -> None:
    with running(orders(tmp_path, "hardened", processes=2)) as (server, ready):
        assert ready["event"] == "ready"
        assert (len(ready["pids"]), len(set(ready["metrics_urls"]))) == (3, 3)
        assert ready["metrics_urls"][0] == ready["harness_url"] + "/metrics"
        assert ready["uploads_url"] != ready["public_url"]
        for number in range(40):
            assert post_account(ready["public_url"], number) == 201
        for url in (ready["public_url"], ready["uploads_url"]):
            assert json.loads(get(url + "/healthz")[1]) == {"status": "ok", "profile": "hardened"}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(ready["uploads_url"] + "/api/v1/me")
        url = ready["harness_url"] + "/messages?after=0&wait_seconds=20"
        assert json.loads(get(url, Authorization="Bearer a harness token")[1])["messages"]
        pages = [get(url)[1].decode() for url in ready["metrics_urls"]]
        assert ['slot="' + str(slot) + '"} 1.0' in page for slot, page in enumerate(pages)] == [True] * 3
        server.send_signal(signal.SIGTERM)
        assert ended(server) == (0, "")
    rows = read_all(tmp_path, "ledger-server-*.bin", SERVER_ROW)
    assert sorted(rows["person"]) == list(range(40))
    assert set(rows["outcome"]) == {1}
    connection = sqlite3.connect(tmp_path / "site" / "gelombang.sqlite3")
    assert connection.execute("SELECT count(*) FROM applicants").fetchone() == (40,)
    connection.close()


def test_no_process_hands_its_listening_sockets_on_to_its_children(tmp_path: Path) -> None:
    """The process that checks photos would hold the uploads' door open after uploads were closed, and nobody would read what came in."""
    with running(orders(tmp_path, "hardened")) as (_, ready):
        for pid in ready["pids"]:
            listening = [found.fd for found in psutil.Process(pid).net_connections("tcp") if found.status == psutil.CONN_LISTEN]
            assert len(listening) == 2, "the public or uploads socket, and the harness's"
            for descriptor in listening:
                words = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().split()
                assert int(words[words.index("flags:") + 1], 8) & os.O_CLOEXEC


def test_a_server_that_starts_again_over_its_database_with_another_key_of_identity_numbers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = (urlsafe_b64encode(bytes([number]) * 64).decode() for number in (1, 2))
    config = orders(tmp_path, "hardened")
    monkeypatch.setenv("GELOMBANG_DATA_KEY", first)
    with running(config):
        pass
    said = f"{tmp_path / 'site' / 'gelombang.sqlite3'}: its identity numbers are sealed under the key 9f0e2ddd, and "
    wanted = "; want the key that this database was first opened with, the same for all of its servers\n"
    monkeypatch.setenv("GELOMBANG_DATA_KEY", other)
    with start(config) as server:
        assert ended(server) == (2, f"{said}GELOMBANG_DATA_KEY holds 355968da{wanted}")
    monkeypatch.delenv("GELOMBANG_DATA_KEY")
    with start(config) as server:
        assert ended(server) == (2, f"{said}GELOMBANG_DATA_KEY is not set{wanted}")
    with start(orders(tmp_path, "april-2020")) as server:
        assert ended(server) == (2, f"{said}profile april-2020 seals none (seals_identity){wanted}")
    monkeypatch.setenv("GELOMBANG_DATA_KEY", first)
    with running(orders(tmp_path, "hardened")) as (_, ready):
        assert ready["event"] == "ready"


def test_uploads_stay_inside_when_the_profile_says_so(tmp_path: Path) -> None:
    with running(orders(tmp_path, "april-2020")) as (server, ready):
        assert ready["uploads_url"] == ready["public_url"]
        assert len(ready["pids"]) == 1
        server.send_signal(signal.SIGINT)
        assert ended(server) == (0, "")


def test_several_processes_with_uploads_inside_are_refused(tmp_path: Path) -> None:
    with start(orders(tmp_path, "april-2020", processes=2)) as server:
        code, words = ended(server)
    assert code == 2
    assert "processes is 2; want 1, because profile april-2020 takes uploads inside the API processes" in words
    assert words.count("\n") == 1


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(orders(tmp_path, "hardened", public_port=port)) as server:
            code, words = ended(server)
    assert (code, words) == (2, f"public_port {port} on 127.0.0.1 can't be used (Address already in use); want a free port, or 0 for any\n")


def test_a_server_behind_a_proxy_listens_where_it_is_told_and_names_the_addresses_that_people_come_by(tmp_path: Path) -> None:
    behind = {"host": "127.0.0.2", "site_url": "https://site.example", "uploads_url": "https://host-1.site.example"}
    with running(orders(tmp_path, "hardened", **behind)) as (_, ready):
        names = ("public_url", "uploads_url", "harness_url")
        assert all(ready[name].startswith("http://127.0.0.2:") for name in names)
        body = json.dumps({"name": "Siti", "email": "siti@mail.example", "password": "rahasia"}).encode()
        account = urllib.request.Request(ready["public_url"] + "/api/v1/accounts", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(account, timeout=10) as answer:
            headers = {"Authorization": f"Bearer {json.loads(answer.read())['session']}"}
        page = json.loads(get(ready["public_url"] + "/api/v1/me/uploads", **headers)[1])
        assert (page["url"], page["tus_url"]) == ("https://site.example/api/v1/me/tickets", "https://site.example/api/v1/me/tus")


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with start(orders(tmp_path, "hardened", host="192.0.2.1")) as server:
        code, words = ended(server)
    said = "public_port 0 on 192.0.2.1 can't be used (Cannot assign requested address); want an address of this machine\n"
    assert (code, words) == (2, said)


def test_one_address_for_the_uploads_of_two_processes_is_refused(tmp_path: Path) -> None:
    config = orders(tmp_path, "hardened", uploads_url="https://host-1.site.example")
    plan = read_model(config, ServerPlan)
    uploads = plan.profile.uploads.model_copy(update={"processes": 2})
    write_model(config, plan.model_copy(update={"profile": plan.profile.model_copy(update={"uploads": uploads})}))
    with start(config) as server:
        code, words = ended(server)
    assert code == 2
    assert "uploads_url is https://host-1.site.example; want none, because profile hardened takes uploads in 2 processes" in words


def test_orders_that_are_missing_or_wrong_are_one_sentence(tmp_path: Path) -> None:
    with start(tmp_path / "server.json") as server:
        code, words = ended(server)
    assert code == 2
    assert words.endswith("server.json is missing; want the file that `gelombang run` writes there\n")


def test_a_process_that_dies_ends_the_server(tmp_path: Path) -> None:
    with running(orders(tmp_path, "hardened")) as (server, ready):
        os.kill(ready["pids"][1], signal.SIGKILL)
        code, words = ended(server)
    assert code == 1
    assert words == "server process 1 was killed by signal 9\n"
    with pytest.raises(ProcessLookupError):
        os.kill(ready["pids"][0], 0)


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with running(orders(tmp_path, "hardened")) as (server, ready):
        server.kill()
        server.wait(10)
        # The workers hold the supervisor's stderr: it ends when they have ended.
        assert server.stderr is not None
        assert server.stderr.read() == ""
        with pytest.raises(OSError, match="refused"):
            get(ready["public_url"] + "/healthz")


def test_a_server_whose_starter_is_gone_ends(tmp_path: Path) -> None:
    """Killed outright, the command can't end its server; the pipe to it closes, and that is enough."""
    words = [sys.executable, "-m", "gelombang_server", "--config", str(orders(tmp_path, "hardened")), "--until-input-ends"]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    assert b'"ready"' in server.stdout.readline()
    server.stdin.close()
    assert server.wait(timeout=30) == 0
    server.stdout.close()
