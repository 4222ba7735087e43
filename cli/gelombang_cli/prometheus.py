"""The installed Prometheus as a child of the command: started in the run's folder, on loopback, and ended by its id.

It is Debian's package `prometheus` or any other of that name in PATH; nothing is downloaded. Its data, its configuration and its log stay
in `prometheus/` of the run's folder, so that the run can be opened again (`gelombang dashboards serve`).
"""

import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import psutil

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds
from gelombang.errors import HostError, InputError
from gelombang_cli.scraping import Scraped
from gelombang_dashboards.prometheus import Target, prometheus_config

FOLDER = "prometheus"
DATA = "data"
HOST = "127.0.0.1"
READY_WITHIN_SECONDS = 20.0
STOP_WITHIN_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.05
KEPT_FOR = "10y"
"""A run is never too old for its own Prometheus."""
LOG_LINES_SHOWN = 5
PACKAGE = "Debian: apt-get install prometheus"


def installed(name: str = "prometheus") -> str:
    """The path of `prometheus` or `promtool`. Raises HostError when it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise HostError(f"{name} is not in PATH; want it installed ({PACKAGE})")
    return path


def require_port(port: int) -> None:
    """Raises InputError when Prometheus could not listen there; 0 stands for any free port."""
    if not 0 <= port <= 65_535:
        raise InputError(f"the port for Prometheus is {port}; want 0 to 65535, where 0 picks a free one")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(f"port {port} for Prometheus can't be used ({error.strerror}); want a free one, or 0 for any") from None


def configuration(processes: Sequence[Scraped]) -> str:
    """A `prometheus.yml` that scrapes these processes each second under their own names, with the shipped rules."""
    targets = [
        Target(each.source.side, each.url.removeprefix("http://").removesuffix("/metrics"), instance=each.source.instance)
        for each in processes
    ]
    return prometheus_config(targets)


class Prometheus:
    """One Prometheus. Use as a context manager: it answers inside the block, and has ended after it."""

    def __init__(self, run_folder: Path, config: str, port: int = 0) -> None:
        self._program = installed()
        require_port(port)
        self.folder = run_folder / FOLDER
        self.folder.mkdir(exist_ok=True)
        self._config = config
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.died = ""
        """Why it ended by itself; empty while it is well."""

    def __enter__(self) -> Self:
        (self.folder / "prometheus.yml").write_text(self._config, encoding="utf-8")
        with (self.folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / DATA}",
                    f"--storage.tsdb.retention.time={KEPT_FOR}",
                    f"--web.listen-address={HOST}:{self._port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def running(self) -> bool:
        """Whether it still answers; a Prometheus that ended by itself says why in `died`."""
        if self._process is not None and not self.died and self._process.poll() is not None:
            self.died = self._last_words()
        return not self.died

    def _wait_until_ready(self) -> None:
        until_us = monotonic_us() + int(READY_WITHIN_SECONDS * MICROSECONDS)
        while not self._answers():
            if not self.running:
                raise HostError(self.died)
            if monotonic_us() > until_us:
                raise HostError(f"Prometheus was not ready within {READY_WITHIN_SECONDS:g} s; its log is {self.folder / 'prometheus.log'}")
            sleep_seconds(LOOK_EVERY_SECONDS)

    def _answers(self) -> bool:
        assert self._process is not None
        try:
            listening = psutil.Process(self._process.pid).net_connections("tcp4")
        except psutil.Error:
            return False
        ports = [found.laddr.port for found in listening if found.status == psutil.CONN_LISTEN]
        if not ports:
            return False
        self.url = f"http://{HOST}:{ports[0]}"
        connection = HTTPConnection(HOST, ports[0], timeout=1.0)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _end(self) -> None:
        if self._process is None or not self.running:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        log = self.folder / "prometheus.log"
        assert self._process is not None
        tail = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n".join([f"Prometheus ended with exit code {self._process.returncode}; its log {log} ends:", *(f"  {x}" for x in tail)])
