"""`gelombang run` and `gelombang verify` with the site's database in a PostgreSQL of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.postgres import postgres_cluster

COMMAND = [sys.executable, "-m", "gelombang_cli"]

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]


def command(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **variables}
    return subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=110, check=False, env=environment)


def test_a_run_keeps_everybody_in_postgres_and_verify_finds_every_photo_there(tmp_path: Path) -> None:
    with postgres_cluster() as cluster:
        words = ["run", "smoke", "--profile", "hardened", "--for", "300", "--sample", "1/40", "--out", "A", "--server-processes", "2"]
        done = command(tmp_path, *words, "--database", "${env:SITE_DATABASE}", SITE_DATABASE=cluster.url)
        assert done.returncode in (0, 1, 3), done.stdout + done.stderr  # 3: a busy machine; what was kept is looked at all the same
        assert not (tmp_path / "A" / "site" / "gelombang.sqlite3").exists()
        assert str(cluster.port) not in (tmp_path / "A" / "server.json").read_text(), "the run's folder holds the reference only"
        audit = json.loads((tmp_path / "A" / "audit.json").read_text())
        assert audit["acknowledged"] == audit["found"] > 0
        verified = command(tmp_path, "verify", "A", SITE_DATABASE=cluster.url)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert f"0 lost of {audit['acknowledged']} acknowledged photos; 0 unexplained" in verified.stdout
    gone = command(tmp_path, "verify", "A", SITE_DATABASE=cluster.url)
    assert (gone.returncode, gone.stdout) == (4, ""), "nobody can say what is stored"
    assert "want a running PostgreSQL" in gone.stderr


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("postgresql://ani@127.0.0.1:1/site", 4, "nobody answers at 127.0.0.1:1/site"),
        ("postgresql://ani:rahasia@127.0.0.1:1/site", 2, "want postgresql://USER@HOST:PORT/NAME, secrets as"),
        ("mysql://127.0.0.1/site", 2, "want postgresql://USER@HOST:PORT/NAME"),
        ("${env:NO_SUCH_VARIABLE}", 2, "the variable NO_SUCH_VARIABLE in the environment"),
    ],
)
def test_a_database_that_cant_be_used_is_one_sentence_and_an_exit_code(tmp_path: Path, url: str, code: int, said: str) -> None:
    done = command(tmp_path, "serve", "--port", "0", "--harness-port", "0", "--out", "A", "--database", url)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "rahasia" not in done.stderr
    assert "Traceback" not in done.stderr
