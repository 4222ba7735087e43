"""Slow clients of three kinds, by slowhttptest, leave other people's goodput unharmed: heads, bodies, and answers that are hardly read."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.debian_tools import program
from system.test_server_command import orders, running

pytestmark = pytest.mark.system
ATTACKERS = 300
ATTACK_SECONDS = 8
ACCOUNTS, CONTRACT = "/api/v1/accounts", "/openapi.json"
ATTACKS = {
    "heads that never end": (ACCOUNTS, "-H", "-i", "1"),
    "bodies that dribble": (ACCOUNTS, "-B", "-i", "1", "-s", "8192", "-t", "POST"),
    # The largest answer there is, 100 KB, asked for three times by each and read 32 bytes a second through a window of 512 at most.
    "answers that are hardly read": (CONTRACT, "-X", "-k", "3", "-w", "1", "-y", "512", "-n", "1", "-z", "32"),
}
PEOPLE_LEAST = 20
"""Who must have signed up beside the attack for the test to say anything."""


def sign_up(url: str, number: int) -> int:
    body = json.dumps({"name": "Siti", "email": f"siti{number}@mail.example", "password": "rahasia"}).encode()
    request = urllib.request.Request(url + "/api/v1/accounts", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


@contextmanager
def attacked(url: str, attack: tuple[str, ...]) -> Iterator["subprocess.Popen[str]"]:
    path, *mode = attack
    command = [program("slowhttptest", "slowhttptest"), *mode, "-c", str(ATTACKERS), "-r", str(ATTACKERS), "-l", str(ATTACK_SECONDS)]
    with subprocess.Popen([*command, "-u", url + path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_people_sign_up_beside_slow_clients_as_if_there_were_none(tmp_path: Path, attack: tuple[str, ...]) -> None:
    with running(orders(tmp_path, "hardened")) as (_, ready), attacked(ready["public_url"], attack) as process:
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.append(process.communicate()[0]))
        reader.start()
        answers = []
        while process.poll() is None:
            answers.append(sign_up(ready["public_url"], len(answers)))
        reader.join()
        assert process.returncode == 0, said
        assert "slow HTTP test status" in said[0]
        assert set(answers) == {201}
        assert len(answers) >= PEOPLE_LEAST
        with urllib.request.urlopen(ready["public_url"] + "/readyz", timeout=10) as ready_answer:
            assert ready_answer.status == 200
