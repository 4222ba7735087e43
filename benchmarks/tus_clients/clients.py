"""Three stock clients, each as its own program: tus-js-client on node, tuspy, and curl by hand."""

import hashlib
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

PATH = "/api/v1/me/tus"
WITHIN_SECONDS = 120.0

_TUS_JS = """
import { createRequire } from "node:module";
import fs from "node:fs";
const [modules, endpoint, file, session, sha256] = process.argv.slice(2);
const require = createRequire(modules + "/");
const tus = require("tus-js-client");
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint, uploadSize: fs.statSync(file).size, chunkSize: 5_000_000, retryDelays: [0, 100, 300, 1000],
  metadata: { kind: "ktp", sha256, filename: "ktp.jpg" }, headers: { Authorization: session },
  onError: error => { console.error(String(error)); process.exit(1); },
  onSuccess: () => process.exit(0),
});
upload.start();
"""
_TUSPY = """
import sys
from tusclient import client
endpoint, file, session, sha256 = sys.argv[1:]
site = client.TusClient(endpoint, headers={"Authorization": session})
metadata = {"kind": "ktp", "sha256": sha256, "filename": "ktp.jpg"}
site.uploader(file, metadata=metadata, chunk_size=200_000, retries=3, retry_delay=0.1, upload_checksum=True).upload()
"""


class ClientError(Exception):
    """A client said that it could not do it."""


class Tools(NamedTuple):
    """Where the clients are."""

    modules: Path
    python: Path


def tus_js(tools: Tools, url: str, photo: Path, session: str) -> None:
    script = photo.parent / "upload.mjs"
    script.write_text(_TUS_JS)
    _run(["node", str(script), str(tools.modules.resolve()), url + PATH, str(photo), f"Bearer {session}", _digest(photo)])


def tuspy(tools: Tools, url: str, photo: Path, session: str) -> None:
    _run([str(tools.python), "-c", _TUSPY, url + PATH, str(photo), f"Bearer {session}", _digest(photo)])


def curl(tools: Tools, url: str, photo: Path, session: str) -> None:
    """Create, send, and, when the line is lost, ask and send the rest. `tools` has nothing that it needs."""
    metadata = f"kind {_base64('ktp')},sha256 {_base64(_digest(photo))}"
    headers = [f"Authorization: Bearer {session}", f"Upload-Length: {photo.stat().st_size}", f"Upload-Metadata: {metadata}"]
    upload = url + _header(_curl("POST", url + PATH, *headers), "location")
    for _ in range(4):
        offset = int(_header(_curl("HEAD", upload), "upload-offset"))
        if offset == photo.stat().st_size:
            return
        rest = photo.parent / "rest"
        rest.write_bytes(photo.read_bytes()[offset:])
        _curl("PATCH", upload, f"Upload-Offset: {offset}", "Content-Type: application/offset+octet-stream", body=rest)
    raise ClientError("the upload was not complete after four tries")


CLIENTS = {"tus-js-client": tus_js, "tuspy": tuspy, "curl": curl}


def install(folder: Path) -> Tools:
    """tus-js-client and @tus/server by npm, tuspy by pip into an environment of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "py" / "bin" / "python"
    if not (folder / "node_modules" / "tus-js-client").exists():
        npm = ["npm", "install", "--silent", "--no-fund", "--no-audit", "tus-js-client", "@tus/server", "@tus/file-store"]
        subprocess.run(npm, cwd=folder, check=True)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "py")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "tuspy"], check=True)
    return Tools(folder, python)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WITHIN_SECONDS)
    if done.returncode != 0:
        raise ClientError(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
    return done.stdout


def _curl(method: str, url: str, *headers: str, body: Path | None = None) -> str:
    """The head of the answer; empty when the line was lost."""
    command = ["curl", "--silent", "--show-error", "--request", method, "--dump-header", "-", "--output", "/dev/null", url]
    if method == "HEAD":
        command = ["curl", "--silent", "--show-error", "--head", url]
    for header in ("Tus-Resumable: 1.0.0", *headers):
        command += ["--header", header]
    if body is not None:
        command += ["--data-binary", f"@{body}"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=WITHIN_SECONDS).stdout


def _header(head: str, name: str) -> str:
    for text in head.splitlines():
        found, _, value = text.partition(":")
        if found.lower() == name:
            return value.strip()
    raise ClientError(f"an answer without {name}: {head.splitlines()[:1]}")


def _digest(photo: Path) -> str:
    return hashlib.sha256(photo.read_bytes()).hexdigest()


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
