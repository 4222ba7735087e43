"""`gelombang gate paired` on services of somebody's own. The routes are those of a loud machine: a doubled cost is looked for, not 3 %."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.gated_repository import GATE, commit, make_repository

COMMAND = [sys.executable, "-m", "gelombang_cli", "gate", "paired", "--python", sys.executable, "--pairs", "12", "--seed", "1"]
BUSY = "    for _ in range(20): sum(range(2_000))\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = make_repository(tmp_path_factory.mktemp("theirs") / "shop", "plain_shop.py")
    (repository / "gelombang.toml").write_text(GATE)
    commit(repository, "slower", "    asked = json.loads(body)\n", f"    asked = json.loads(body)\n{BUSY}")
    commit(repository, "wrong", "return 201", "return 500")
    commit(repository, "gone", '    "/orders": order,\n', "")
    commit(repository, "broken", "import sys\n", "import sys, nothing_of_that_name\n")
    return repository


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def gate(shop: Path, cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run([*COMMAND, "--cache", str(cache), *words], shop)


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)


def test_equal_revisions_never_fail_and_what_was_undecided_says_so(shop: Path, cache: Path) -> None:
    done = gate(shop, cache, "--base", "base", "--head", "base", "--route", "items", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["outcome"] in ("pass", "inconclusive", "unfit"), found
    assert found["base"] == found["head"]
    assert {finding["cost"] for finding in found["sequences"][0]["findings"]} == {"cpu", "calls", "memory", "wall"}
    assert not (shop / ".git" / "worktrees").exists()


@pytest.mark.timeout(300)
def test_a_route_made_slow_is_named_and_the_other_one_is_not(shop: Path, cache: Path) -> None:
    junit = cache / "gate.xml"
    done = gate(shop, cache, "--base", "base", "--head", "slower", "--junit", str(junit))
    assert done.returncode in (0, 1), done.stderr
    cases = {case.get("name"): case for case in ET.parse(junit).iter("testcase")}
    if done.returncode == 0:  # the machine was found unfit in the middle of it
        assert "ABSTAINS" in done.stdout
        assert cases["order is no slower or larger"].find("skipped") is not None
        return
    assert "cpu of order" in done.stdout
    assert "cpu of items" not in done.stdout.partition("###")[0]
    assert cases["order is no slower or larger"].find("failure") is not None
    assert cases["items is no slower or larger"].find("failure") is None


def test_answers_that_went_wrong_fail(shop: Path, cache: Path) -> None:
    done = gate(shop, cache, "--base", "base", "--head", "wrong", "--route", "order")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "order goes wrong" in done.stdout
    assert "500" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "base", "--head", "gone"], "order (POST /orders) has vanished: base answers 201 and head 404"),
        (["--base", "gone", "--head", "base"], "order (POST /orders) is new: base answers 404 and head 201"),
        (["--base", "base", "--head", "broken"], "the server of broken ended with exit code 1 before it answered"),
        (["--base", "nowhere"], "the revision 'nowhere' is not in"),
        (["--base", "base", "--route", "itmes"], "--route is 'itmes'; want items (did you mean that?)"),
        (["--base", "base", "--budget", "95%"], "--budget is 95%; want less than 90.0%"),
        (["--base", "base", "--pairs", "3"], "--pairs is 3; want 12 to 120"),
        (["--base", "base", "--command", "python shop.py 8080"], "want {port} in it"),
    ],
)
def test_what_can_not_be_compared_is_one_sentence_and_wrong_input(shop: Path, cache: Path, words: list[str], said: str) -> None:
    done = gate(shop, cache, *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "gelombang_gates" not in done.stderr  # a traceback of theirs may be shown, none of ours


def test_a_waiver_that_is_over_is_wrong_input(shop: Path, cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "gelombang.toml"
    file.write_text(GATE + '\n[[gate.accept]]\nroute = "items"\nuntil = 2020-04-11\nreason = "a richer answer was asked for"\n')
    done = gate(shop, cache, "--base", "base", "--config", str(file))
    assert done.returncode == 2
    assert "the waiver for items (a richer answer was asked for) ended on 2020-04-11" in done.stderr


def test_a_gate_that_is_ended_leaves_no_service_behind(shop: Path, cache: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    service = f"sh -c 'echo $$ >> {pids}; exec python shop.py {{port}}'"
    command = [*COMMAND, "--cache", str(cache), "--base", "base", "--head", "base", "--command", service]
    with subprocess.Popen(command, cwd=shop, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("gate: pair 1"):
                break
        process.terminate()
        process.stderr.read()
        assert process.wait(60) == 5
    assert len(pids.read_text().split()) >= 5
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("needs", "service"), [("aiohttp", "aiohttp_shop.py"), ("flask", "flask_shop.py")])
def test_a_service_of_another_framework_is_compared_by_its_command_line_alone(
    tmp_path: Path, cache: Path, needs: str, service: str
) -> None:
    pytest.importorskip(needs)
    theirs = make_repository(tmp_path / "theirs", service)
    (theirs / "gelombang.toml").write_text("[gate]\ntime_limit_seconds = 20.0\nbatch_seconds = 0.005\nrounds = 2\n")
    words = ["--base", "base", "--command", "python shop.py {port}", "--route", "GET /items", "--strict"]
    done = gate(theirs, cache, *words)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert (done.returncode == 3) == ("THIS IS NO PASS" in done.stdout)
    assert "| route-1 | cpu |" in done.stdout


def test_health_counts_what_was_compared(shop: Path, cache: Path) -> None:
    gate(shop, cache, "--base", "base", "--head", "base", "--route", "items")
    done = run([sys.executable, "-m", "gelombang_cli", "gate", "health", "--cache", str(cache)], shop)
    assert done.returncode == 0, done.stderr
    assert "is base slower or faster than itself? (no)" in done.stdout
