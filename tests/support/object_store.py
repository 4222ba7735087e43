"""An object store of the test's own: moto's server as a subprocess on a free loopback port, ended by its process id."""

import os
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

MOTO = Path(__file__).parents[2] / ".venv-moto" / "bin" / "python"
BUCKET = "photos"
START_SECONDS = 30
KEYS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret"}
"""moto takes any."""
_SERVE = """
import sys
from moto.moto_api._internal import moto_random
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server(sys.argv[2], int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=True)
print("serving", flush=True)
server.serve_forever()
"""


class Store:
    """One server; may be stopped and started again on the same port, and is empty afterwards. `before` are words such as `ip netns exec …`
    to run it under, where `host` is its address."""

    def __init__(self, log: Path, host: str = "127.0.0.1", before: Sequence[str] = ()) -> None:
        self._host, self._before = host, before
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{self._host}:{self.port}"

    def url(self, prefix: str, endpoint: str | None = None) -> str:
        """Of a part of the bucket; another endpoint is one that stands before this server."""
        return f"s3://{BUCKET}/{prefix}?endpoint={quote(endpoint or self.endpoint, safe='')}"

    def start(self) -> None:
        """Return when the bucket is there."""
        with self._log.open("ab") as log:
            command = [*self._before, str(MOTO), "-c", _SERVE, str(self.port), self._host]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"serving\n", self._log.read_text()
        made = urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")
        with urllib.request.urlopen(made, timeout=START_SECONDS) as answer:
            assert answer.status == 200

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@contextmanager
def object_store(host: str = "127.0.0.1", before: Sequence[str] = ()) -> Iterator[Store]:
    """A running store, as `Store` takes it; skips where moto's environment was not made, fails there in CI."""
    if not MOTO.exists():
        reason = f"{MOTO} is not there; want `make .venv-moto/.ready`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="moto-") as folder:
        store = Store(Path(folder) / "log", host, before)
        try:
            store.start()
            yield store
        finally:
            store.stop()
