"""Starts the foreign bed: catcher, object store, service and nginx as processes of their own, ended by their ids."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gelombang.clock import monotonic_us, sleep_seconds

BED = Path(__file__).parent / "bed"
TOKEN = "planted-catcher-token"
STORE_ADDRESS = "127.0.0.2"
UP_WITHIN_SECONDS = 20.0


@dataclass(frozen=True)
class Bed:
    """Where everything is."""

    url: str
    https_url: str
    service_url: str
    """Past nginx."""
    catcher_url: str
    imap_port: int
    store_url: str
    access_log: Path
    ca_file: Path
    client_certificate: Path
    client_key: Path
    ledger_folder: Path
    pids: tuple[int, ...]


@contextlib.contextmanager
def bed(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Bed]:
    """The whole bed, up when the block begins and gone when it ends."""
    settings = {**os.environ, "CATCHER_TOKEN": TOKEN, **(environment or {})}
    make_certificates(folder)
    ledgers = folder / "ledgers"
    ledgers.mkdir()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "bed.log").open("a"))

        def start(*words: str) -> tuple[subprocess.Popen[str], list[int]]:
            process = subprocess.Popen([sys.executable, *words], env=settings, stdout=subprocess.PIPE, stderr=log, text=True)
            stack.callback(end, process)
            assert process.stdout is not None
            return process, [int(port) for port in process.stdout.readline().split()]

        catcher, (catcher_port, imap_port) = start(str(BED / "catcher.py"), "0", "0")
        store, (store_port,) = start(str(BED / "objectstore.py"), STORE_ADDRESS, "0")
        urls = (f"http://127.0.0.1:{catcher_port}", f"http://{STORE_ADDRESS}:{store_port}")
        service, (service_port,) = start(str(BED / "service.py"), "0", *urls, str(ledgers))
        http, https = free_port(), free_port()
        nginx = start_nginx(folder, service_port, http, https, log)
        stack.callback(end, nginx)
        wait_for_port(http)
        yield Bed(
            url=f"http://127.0.0.1:{http}",
            https_url=f"https://localhost:{https}",
            service_url=f"http://127.0.0.1:{service_port}",
            catcher_url=urls[0],
            imap_port=imap_port,
            store_url=urls[1],
            access_log=folder / "access.log",
            ca_file=folder / "ca.pem",
            client_certificate=folder / "client.pem",
            client_key=folder / "client.key",
            ledger_folder=ledgers,
            pids=tuple(process.pid for process in (catcher, store, service, nginx)),
        )


def end(process: subprocess.Popen[str]) -> None:
    """By its id, politely first."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    until_us = monotonic_us() + int(UP_WITHIN_SECONDS * 1e6)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert monotonic_us() < until_us, f"nobody listens on port {port}"
            sleep_seconds(0.02)


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def start_nginx(folder: Path, service: int, http: int, https: int, log: IO[str]) -> subprocess.Popen[str]:
    text = (BED / "nginx.conf.in").read_text()
    for name, value in {"folder": folder, "service": service, "http": http, "https": https}.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "nginx.conf").write_text(text)
    program = nginx_program()
    assert program is not None
    return subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=log, text=True)


def make_certificates(folder: Path) -> None:
    """A private authority, a server certificate for localhost and 127.0.0.1, and a client certificate."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=The shop's authority")
    for name, subject, extension in (
        ("server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ("client", "/CN=load-test", "extendedKeyUsage=clientAuth"),
    ):
        (folder / f"{name}.ext").write_text(extension + "\n")
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        authority = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        openssl("x509", "-req", "-in", f"{name}.csr", *authority, "-out", f"{name}.pem", "-days", "30", "-extfile", f"{name}.ext")
