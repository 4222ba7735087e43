"""docs/your-own-service.md word for word: its commands in a shell, its pieces of a scenario where it says, up to a report."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from foreign.bed_processes import TOKEN, nginx_program
from gelombang.clock import monotonic_us

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", (ROOT / "docs" / "your-own-service.md").read_text(encoding="utf-8"), re.DOTALL)
SHELL = [text.strip() for kind, text in BLOCKS if not kind]
TOML = [text for kind, text in BLOCKS if kind == "toml"]
EDITS_LIMIT = 5
pytestmark = [pytest.mark.foreign, pytest.mark.timeout(480)]


class Terminal:
    """A shell in the clone, with its environment made active."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        active = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {name: value for name, value in os.environ.items() if name != "CATCHER_TOKEN"} | {"PATH": active}

    def paste(self, exports: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", exports):
            self.environment[name] = value

    def types(self, commands: str) -> str:
        """Run them as they stand; all must end well. What they showed."""
        words = ["bash", "-euc", commands]
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}\n{done.stderr}"
        return done.stdout

    def types_and_agrees(self, command: str) -> tuple[int, str]:
        """Run one that asks a question, and answer `y`. How it ended, and what it showed."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            ["bash", "-euc", command], cwd=self.folder, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            shown = b""
            until_us = monotonic_us() + 120_000_000
            answered = False
            with suppress(OSError):  # the other end is closed
                while monotonic_us() < until_us:
                    if select.select([ours], [], [], 0.2)[0]:
                        shown += os.read(ours, 65_536)
                    elif process.poll() is not None:
                        break
                    if b"[y/N]" in shown and not answered:
                        answered = True
                        os.write(ours, b"y\n")
            os.close(ours)
            process.wait(30)
        return process.returncode, shown.decode("utf-8", "replace")


@contextmanager
def second_terminal(first: Terminal, command: str) -> Iterator[str]:
    """The shop, open as long as the block; the two lines that it prints."""
    words = ["bash", "-c", f"exec {command}"]
    with subprocess.Popen(words, cwd=first.folder, env=first.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline() + process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


class Editor:
    """The operator's hands in mine.toml, counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.edits = 0

    def put_before(self, mark: str, piece: str) -> None:
        text = self._path.read_text()
        assert text.count(mark) == 1, mark
        self._path.write_text(text.replace(mark, f"{piece}\n{mark}"))
        self.edits += 1

    def put_before_step(self, step: str, piece: str, recorded: str, written: str) -> None:
        """A message step before another, whose recorded value becomes what the message holds."""
        head, mark, tail = self._path.read_text().partition(f'[[journey]]\nstep = "{step}"')
        tail, found = re.subn(recorded, written, tail, count=1)
        assert found == 1, recorded
        self._path.write_text(f"{head}{piece}\n{mark}{tail}")
        self.edits += 1


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the files of this one that the page speaks of, and nothing left over from earlier."""
    if nginx_program() is None:
        pytest.skip("nginx is not installed; want `make packages` (Debian: nginx-light)")
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "data"))
    return folder


def test_the_page_s_own_commands_lead_from_two_recordings_to_a_report_with_both_ends(clone: Path) -> None:
    make, shop, record, from_har, check, walk, look, run, log, ledgers, tls = SHELL
    assert make == "make packages .venv/.ready\nsource .venv/bin/activate"  # of this very environment
    target, inbox, link, code, network = TOML
    terminal = Terminal(clone)
    with second_terminal(terminal, shop) as exports:
        terminal.paste(exports)
        terminal.types(record)
        assert "left for you: 3" in terminal.types(from_har)
        editor = Editor(clone / "mine.toml")
        editor.put_before("# Off this machine a target block is required", target)
        editor.put_before("# A code or link that came by mail or SMS", inbox)
        editor.put_before_step("confirm", link, r'path = "/confirm/[^"]*"', 'path = "{link}"')
        editor.put_before_step("code", code, r'code = "\d{6}"', 'code = "{code}"')
        assert editor.edits <= EDITS_LIMIT
        assert "no faults" in terminal.types(check)
        walked = terminal.types(walk)
        assert "finished: 11 steps passed" in walked
        assert TOKEN not in walked
        assert "one person came to                 finished" in terminal.types(look)
        (page,) = (clone / "runs").glob("*-mine-preflight/preflight.html")
        assert "The shop" in page.read_text()
        ended, shown = terminal.types_and_agrees(run)
        # 3: a machine that is busy with other tests makes a run doubt itself.
        assert ended in (0, 3), shown
        assert "the server side is not available" in terminal.types(log)
        assert "0 unexplained" in terminal.types(ledgers)
        _tls(clone, network)
        assert "finished: 11 steps passed" in terminal.types(tls)
    record_of_it = json.loads((clone / "first" / "record.json").read_text())
    assert record_of_it["coverage"] == "client + service ledger + joined log"
    assert record_of_it["fates"]["finished"] == record_of_it["people_planned"] > 0
    assert "client + service ledger + joined log" in (clone / "first" / "report.html").read_text()
    holding = [path.name for path in (clone / "first").rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert holding == []


def _tls(clone: Path, network: str) -> None:
    """The first two lines of the page's last piece, and one more allowed host."""
    path = clone / "mine.toml"
    text = path.read_text().replace(
        'allowed_hosts = ["127.0.0.1", "127.0.0.2"]', 'allowed_hosts = ["127.0.0.1", "127.0.0.2", "localhost"]', 1
    )
    path.write_text(text + "\n" + "\n".join(network.splitlines()[:2]) + "\n")
