"""`docker` as far as the gate speaks to it: projects are folders, containers are processes of this machine. Its first argument is where it
keeps them. An image is a file of Python that serves on the port it is given, or a name that is not here.

What a real engine does besides (networks, layers, control groups) it does not do; what it prints has the form of docker's. It is called
many times for each pair, so it imports nothing that takes long.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

NAME = "docker"


def install(folder: Path, home: Path) -> Path:
    """An executable of that name in this folder, which keeps its containers in `home`; the folder belongs on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    command = folder / NAME
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{Path(__file__)}" "{home}" "$@"\n')
    command.chmod(0o755)
    return command


def main(home: Path, words: list[str]) -> int:
    with (home / "calls.txt").open("a") as calls:
        calls.write(" ".join(words) + "\n")
    match words:
        case ["compose", "version"]:
            print("Docker Compose version v2.0.0")
        case ["compose", "-p", project, "-f", _, "-f", override, "up", "-d", "--no-build"]:
            return _up(home / project, Path(override))
        case ["compose", "-p", project, *_, "down", "-v", "-t", _]:
            _down(home / project)
        case ["image", "inspect", "--format", _, image]:
            if not Path(image).is_file():
                return _fail(f"Error: No such image: {image}")
            print(f"sha256:{Path(image).read_bytes().hex()[:64]:0<64}")
        case ["pull", image]:
            return _fail(f"Error response from daemon: manifest for {image} not found: manifest unknown")
        case ["ps", "--quiet", "--no-trunc", *rest]:
            project = next(word.rpartition("=")[2] for word in rest if "compose.project" in word)
            print("\n".join([project] if (home / project).exists() else []))
        case ["container", "inspect", project]:
            print(json.dumps([{"State": _state(home / project)}]))
        case ["port", project, _]:
            print(f"127.0.0.1:{(home / project / 'port').read_text()}")
        case ["logs", "--tail", _, project]:
            print((home / project / "log").read_text())
        case _:
            return _fail(f"unknown command: {' '.join(words)}")
    return 0


def _up(folder: Path, override: Path) -> int:
    [own] = json.loads(override.read_text())["services"].values()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, own["image"], str(port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (folder / "port").write_text(str(port))
    (folder / "began").write_text(datetime.fromtimestamp((folder / "log").stat().st_mtime, UTC).isoformat())
    (folder / "pid").write_text(str(process.pid))
    return 0


def _down(folder: Path) -> None:
    if not folder.exists():
        return
    pid = int((folder / "pid").read_text())
    if _runs(pid):
        watched = os.pidfd_open(pid)
        signal.pidfd_send_signal(watched, signal.SIGKILL)
        select.select([watched], [], [], 10)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _state(folder: Path) -> dict[str, object]:
    pid = int((folder / "pid").read_text())
    runs = _runs(pid)
    seen = "" if (folder.parent / "elsewhere").exists() else (folder / "began").read_text()
    return {"Running": runs, "Pid": pid if runs else 0, "ExitCode": 0 if runs else 1, "StartedAt": seen or "2020-04-11T08:00:00Z"}


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _fail(words: str) -> int:
    print(words, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
