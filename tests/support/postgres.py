"""A PostgreSQL of the test's own: a new cluster in a temporary folder, on a free loopback port, ended by its process id."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.debian_tools import program

START_SECONDS = 30
_ACCOUNT = "postgres"
"""initdb refuses root; Debian's package brings this account."""
_SETTINGS = ("fsync=on", "shared_buffers=16MB", "max_connections=40", "unix_socket_directories=")


def _tool(name: str) -> str:
    """Debian keeps most of PostgreSQL's programs out of PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else program(name, "postgresql")


def has_postgres() -> bool:
    """Whether a cluster can be made here."""
    return shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


class Cluster:
    """One server; may be stopped and started again on the same port and data. `before` are words such as `ip netns exec …` to run it under,
    where `host` is its address; whoever reaches that is let in."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", before: Sequence[str] = ()) -> None:
        self._host, self._before = host, before
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam(_ACCOUNT)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        self.data = folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        command = [_tool("initdb"), "-D", str(self.data), "-U", _ACCOUNT, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=START_SECONDS, **self._as)
        if before:
            with (self.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")

    @property
    def url(self) -> str:
        return f"postgresql://{_ACCOUNT}@{self._host}:{self.port}/postgres"

    def start(self) -> None:
        """Return when it takes connections."""
        own = (f"port={self.port}", f"listen_addresses={self._host}")
        settings = [part for setting in (*_SETTINGS, *own) for part in ("-c", setting)]
        command = [_tool("postgres"), "-D", str(self.data), *settings]
        started_as = self._as
        if self._before:
            # Only root may enter a namespace, so it becomes somebody else inside.
            ids = (f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups")
            command, started_as = [*self._before, "setpriv", *ids, *command], {}
        log = self.data.parent.joinpath("log").open("ab")
        self._process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, start_new_session=True, **started_as)
        log.close()
        ready = [_tool("pg_isready"), "-q", "-h", self._host, "-p", str(self.port), "-t", "1"]
        for _ in range(START_SECONDS * 10):
            if subprocess.run(ready, check=False, cwd="/").returncode == 0:
                return
            try:
                self._process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError("PostgreSQL ended while it started")
        raise AssertionError(f"PostgreSQL did not start within {START_SECONDS} s")

    def stop(self) -> None:
        """As if the machine lost it: sessions are cut, what was committed stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextmanager
def postgres_cluster(host: str = "127.0.0.1", before: Sequence[str] = ()) -> Iterator[Cluster]:
    """A running cluster, as `Cluster` takes it; skips where Debian's package is not installed, fails there in CI."""
    _tool("initdb")
    if os.geteuid() == 0 and not any(account.pw_name == _ACCOUNT for account in pwd.getpwall()):
        pytest.skip("initdb refuses root, and there is no account called postgres")
    # Not pytest's folder, into which no other account can look.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        cluster = Cluster(Path(folder), host, before)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
