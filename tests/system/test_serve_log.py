"""`gelombang serve --log-to-stderr`: whoever keeps what a command prints has the server's own words."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


@pytest.mark.parametrize("words", [["--log-to-stderr"], []], ids=["on standard error", "in a file"])
def test_a_server_that_cant_begin_says_why_where_its_log_is(tmp_path: Path, words: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "gelombang_cli", "serve", "--port", str(port), "--harness-port", "0", "--out", "A", *words]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"public_port {port} on 127.0.0.1 can't be used" in done.stderr
    assert (tmp_path / "A" / "server.log").exists() == (not words)
    assert ("its last words are above" in done.stderr) == bool(words)
