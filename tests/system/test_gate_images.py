"""`gelombang gate paired --compose` through the command; a stand-in for docker starts real services as processes of this machine."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from support import stand_in_engine
from support.gated_repository import GATE, SERVICES

COMMAND = [sys.executable, "-m", "gelombang_cli", "gate", "paired", "--pairs", "12", "--seed", "1"]
COMPOSE = 'services:\n  web:\n    image: "${SHOP}"\n    ports: ["127.0.0.1::8000"]\n'


@dataclass(frozen=True)
class Shop:
    folder: Path
    home: Path
    variables: dict[str, str]

    def gate(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "--cache", "cache", *words],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def left(self) -> list[Path]:
        return [path for path in self.home.iterdir() if path.is_dir()]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    home = tmp_path / "engine"
    stand_in_engine.install(tmp_path / "bin", home)
    text = (SERVICES / "plain_shop.py").read_text()
    images = {
        "v1": text,
        "wrong": text.replace("return 201", "return 500"),
        "broken": "import nothing_of_that_name\n",
    }
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name, content in images.items():
        (folder / name).write_text(content)
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "gelombang.toml").write_text(GATE)
    (folder / "short.toml").write_text(GATE.replace("time_limit_seconds = 90.0", "time_limit_seconds = 5.0"))
    return Shop(folder, home, {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"})


def words(shop: Shop, base: str, head: str) -> list[str]:
    return ["--compose", "compose.yaml", "--base-image", str(shop.folder / base), "--head-image", str(shop.folder / head)]


def test_an_image_whose_answers_go_wrong_fails_by_the_route_s_name_and_nothing_of_any_project_is_left(shop: Shop) -> None:
    done = shop.gate(*words(shop, "v1", "wrong"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "order goes wrong more often" in done.stdout
    assert "| items | cpu |" in done.stdout
    assert shop.left() == []
    calls = (shop.home / "calls.txt").read_text()
    assert calls.count(" up ") == calls.count(" down ") == 2 + 3 * 4  # both looked at once, then two pairs in each of two sequences


def test_where_the_engine_is_on_another_machine_only_wall_time_is_judged_and_the_verdict_says_so(shop: Shop) -> None:
    (shop.home / "elsewhere").touch()
    done = shop.gate(*words(shop, "v1", "v1"), "--route", "items", "--config", "short.toml")
    assert done.returncode == 0, done.stderr
    assert "CPU time can't be seen from here, so wall time alone was judged" in done.stdout
    assert "| items | wall |" in done.stdout
    assert "| cpu |" not in done.stdout
    assert shop.left() == []


def test_a_gate_that_is_ended_takes_its_projects_down(shop: Shop) -> None:
    command = [*COMMAND, "--cache", "cache", *words(shop, "v1", "v1")]
    with subprocess.Popen(
        command, cwd=shop.folder, env=shop.variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as gate:
        assert gate.stderr is not None
        for line in gate.stderr:
            if line.startswith("gate: pair 1"):
                break
        gate.terminate()
        gate.stderr.read()
        assert gate.wait(60) == 5
    assert shop.left() == []
    services = [own for own in psutil.process_iter(["cmdline"]) if str(shop.folder / "v1") in (own.info["cmdline"] or [])]
    assert services == []


def test_an_image_that_does_not_start_is_wrong_input_with_what_it_printed(shop: Shop) -> None:
    done = shop.gate(*words(shop, "v1", "broken"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"the service web of {shop.folder / 'broken'} ended with exit code 1 before it answered" in done.stderr
    assert "nothing_of_that_name" in done.stderr
    assert "gelombang_gates" not in done.stderr
    assert shop.left() == []
