"""Locust's master and workers as processes, each with its log, never left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gelombang.clock import monotonic_us, sleep_seconds

LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfiles" / "surge.py"
HEADLESS = ("--headless", "--only-summary")
LOCUST = (sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *HEADLESS)
STARTED_SECONDS_LIMIT = 90


class Node:
    """One Locust process. `before` are words such as `ip netns exec …` to run it under."""

    def __init__(self, folder: Path, name: str, *words: str, before: Sequence[str] = (), mode: Sequence[str] = HEADLESS) -> None:
        self.folder = folder / name
        self.log = folder / f"{name}.log"
        self._log_file = self.log.open("wb")
        self.process = subprocess.Popen(
            [
                *before,
                sys.executable,
                "-m",
                "locust",
                "-f",
                str(LOCUSTFILE),
                *mode,
                "--out",
                str(self.folder),
                *words,
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            env=dict(os.environ),
        )

    def ended(self, seconds: float = 90) -> int:
        return self.process.wait(seconds)

    def text(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log_file.close()


class Cluster:
    """A master and its workers in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.nodes: list[Node] = []

    def master(self, scenario: Path | str, target: str, workers: int, *words: str, before: Sequence[str] = ()) -> Node:
        own = ("--master", "--master-bind-port", str(self.port), "--expect-workers", str(workers))
        return self._node("master", *own, "--host", target, "--scenario", str(scenario), *words, before=before)

    def master_with_page(self, scenario: Path | str, target: str, workers: int, *words: str) -> tuple[Node, str]:
        """The master with Locust's web page, and the page's address."""
        port = free_port()
        own = ("--master", "--master-bind-port", str(self.port), "--expect-workers", str(workers))
        page = ("--web-host", "127.0.0.1", "--web-port", str(port))
        node = Node(self.folder, "master", *own, *page, "--host", target, "--scenario", str(scenario), *words, mode=())
        self.nodes.append(node)
        return node, f"http://127.0.0.1:{port}"

    def worker(self, name: str, scenario: Path | str, *words: str, host: str = "127.0.0.1", before: Sequence[str] = ()) -> Node:
        own = ("--worker", "--master-host", host, "--master-port", str(self.port), "--scenario", str(scenario))
        return self._node(name, *own, *words, before=before)

    def until(self, holds: Callable[[], bool]) -> None:
        until_us = monotonic_us() + STARTED_SECONDS_LIMIT * 1_000_000
        while not holds():
            dead = [node for node in self.nodes if node.process.poll() not in (None, 0, -signal.SIGKILL)]
            if dead or monotonic_us() > until_us:
                raise AssertionError("\n".join(f"{node.log.name}:\n{node.text()}" for node in self.nodes))
            sleep_seconds(0.05)

    def _node(self, name: str, *words: str, before: Sequence[str]) -> Node:
        node = Node(self.folder, name, *words, before=before)
        self.nodes.append(node)
        return node


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    found = Cluster(folder)
    try:
        yield found
    finally:
        for node in found.nodes:
            node.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
