"""The services of `deploy/site/compose.yaml` without containers: each command as it stands there, held as its container would hold it.

What differs: services have addresses of loopback in a network of the test's own instead of one each, so `0.0.0.0` becomes the service's
own; PostgreSQL and the object store are the tests' (`support/postgres.py`, `support/object_store.py`).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.contained import Contained
from tests.support.debian_tools import program
from tests.support.object_store import KEYS, Store
from tests.support.postgres import Cluster

ROOT = Path(__file__).parents[2]
SITE = ROOT / "deploy" / "site"
ADDRESSES: Mapping[str, str] = {"server-1": "127.0.1.1", "server-2": "127.0.1.2", "haproxy": "127.0.1.3", "locust-master": "127.0.1.4"}
TOKEN = "the harness token of a rehearsal"
_BIN = Path(sys.executable).parent
_SCALE = {"GELOMBANG_SAMPLE": "1/200", "GELOMBANG_SPEED": "60", "GELOMBANG_BYTES": "0.1", "GELOMBANG_PROFILE": "hardened"}


def compose() -> dict[str, Any]:
    """The services as the file has them."""
    loaded: dict[str, Any] = yaml.safe_load((SITE / "compose.yaml").read_text())
    return loaded


@dataclass
class Rehearsal:
    """Services of the file, started by their names; everything of them has ended when the block ends."""

    folder: Path
    database: Cluster
    objects: Store
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contained = Contained(self.folder, ADDRESSES)

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.started.values():
            if process.poll() is None:
                process.terminate()
        for process in self.started.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                # A worker goes on for two minutes to find a master that takes its last rows.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def server(self, name: str) -> "subprocess.Popen[bytes]":
        words = self._words(name)
        changed = {
            "--host": ADDRESSES[name],
            "--database": self.database.url.replace("postgres@", "postgres:${env:GELOMBANG_DATABASE_PASSWORD}@"),
            "--objects": self.objects.url("site"),
        }
        words = [_changed(word, changed) for word in words]
        secret = {"GELOMBANG_DATABASE_PASSWORD": "kept", "GELOMBANG_DATA_KEY": "A" * 86 + "==", **KEYS}
        return self._start(name, [str(_BIN / "gelombang"), *words], secret)

    def haproxy(self) -> "subprocess.Popen[bytes]":
        """By its own file; a port of every address is one of the service's own here."""
        text = (SITE / "haproxy.cfg").read_text().replace("bind :", f"bind {ADDRESSES['haproxy']}:")
        path = self.folder / "haproxy.cfg"
        path.write_text(text)
        servers = {"SERVER_1": ADDRESSES["server-1"], "SERVER_2": ADDRESSES["server-2"]}
        return self._start("haproxy", [program("haproxy", "haproxy"), "-db", "-f", str(path)], servers)

    def locust(self, service: str, place: int = 0) -> "subprocess.Popen[bytes]":
        """A master or one of the workers."""
        words = [word.replace("/etc/gelombang/", f"{SITE}/") for word in self._words(service)]
        surge = str(ROOT / "loadtests" / "locustfiles" / "surge.py")
        return self._start(f"{service}-{place}" if place else service, [str(_BIN / "locust"), "-f", surge, *words], {})

    def said(self, name: str) -> str:
        return self.contained.out(name).read_text() + self.contained.err(name).read_text()

    def _words(self, service: str) -> list[str]:
        return [_filled(word) for word in compose()["services"][service]["command"]]

    def _start(self, name: str, command: list[str], variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        held = {"GELOMBANG_HARNESS_TOKEN": TOKEN, **variables}
        self.started[name] = self.contained.start(name, command, **held)
        return self.started[name]


def _changed(word: str, changed: Mapping[str, str]) -> str:
    option = word.partition("=")[0]
    return f"{option}={changed[option]}" if option in changed else word


def _filled(word: str) -> str:
    """As compose fills it in."""
    for name, value in _SCALE.items():
        start = word.find(f"${{{name}:-")
        if start >= 0:
            word = word[:start] + value + word[word.index("}", start) + 1 :]
    return word.replace("$$", "$")
