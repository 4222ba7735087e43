"""Kills one process of the server in run after run (SIGKILL), at moments spread over the arrivals; verifies; starts the site again.

    python benchmarks/server_kills.py [FIRST LAST]      kills FIRST to LAST of twenty (default: all), one line each; exit 1 for a lost photo

The server restarts no process by itself, so a kill ends the run. What has to hold: every acknowledged photo is in the store, whole; the
site starts again over what is left and is ready; and then every acknowledged photo is still there. `unexplained` counts attempts whose two
ends the join can't bring together: a request that the killed process had accepted and not read is explained by its death, and by nothing
else (`gelombang.server_deaths`).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import psutil
from begun_run import begun

from gelombang.audit import audit
from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, read_all
from gelombang.runplan import SERVER_FILE, ServerPlan, read_model, write_model
from gelombang.verification import verify
from gelombang_server.sealing import ensure_key

KILLS = 20
FOR_SECONDS = 600.0
"""People's time: ten wall seconds of the smoke scenario."""
RUN_SECONDS_LIMIT = 180.0


class Killed(NamedTuple):
    """What one kill left."""

    line: str
    whole: bool


def main(first: int, last: int) -> int:
    ensure_key()  # The site that starts again must be able to read what the killed one sealed.
    print("kill  process  at s  attempts  acknowledged  lost  unexplained  ready again  whole after it  orphans")
    found = []
    for number in range(first - 1, last):
        with tempfile.TemporaryDirectory(prefix="server-kills-") as folder:
            killed = kill_one(number, (number + 0.5) / KILLS, Path(folder) / "run")
        print(killed.line, flush=True)
        found.append(killed.whole)
    print(f"{sum(found)} of {len(found)} kills: no acknowledged photo lost, also once the site had started again")
    return 0 if all(found) else 1


def kill_one(number: int, share: float, folder: Path, for_seconds: float = FOR_SECONDS) -> Killed:
    """Run smoke, kill a process of its server at this share of the arrivals, verify, start the site again and look once more."""
    words = ["run", "smoke", "--for", str(for_seconds), "--seed", str(number + 1), "--out", str(folder)]
    with subprocess.Popen(_command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder.parent) as run:
        plan = begun(run, folder)
        workers = _server_processes(run.pid)
        name, victim = workers[number % len(workers)]
        at_us = plan.zero_us + int(share * plan.scale.scale().wall_seconds(for_seconds) * 1e6)
        sleep_seconds(max(at_us - monotonic_us(), 0) / 1e6)
        os.kill(victim, signal.SIGKILL)
        said, _ = run.communicate(timeout=RUN_SECONDS_LIMIT)
    verified = verify(folder)
    acknowledged = read_all(folder, "acknowledged-*.bin", ACKNOWLEDGED_ROW)
    before = audit(folder, acknowledged)
    is_ready = _starts_again(folder)
    after = audit(folder, acknowledged)
    whole = before.lost == after.lost == 0 and is_ready
    attempts = len(read_all(folder, "ledger-generator-*.bin", GENERATOR_ROW))
    seconds = share * plan.scale.scale().wall_seconds(for_seconds)
    line = (
        f"{number + 1:4}  {name:7}  {seconds:4.1f}  {attempts:8}  {len(acknowledged):12}  {before.lost:4}  "
        f"{verified.unexplained:11}  {'yes' if is_ready else 'NO':11}  "
        f"{after.found:14}  {after.orphan_files:7}"
    )
    return Killed(line if whole else "\n".join((line, said, *verified.lines())), whole)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "gelombang_cli", *words]


def _server_processes(pid: int) -> list[tuple[str, int]]:
    """The server's working processes by slot: the API first, uploads last."""
    workers = [child for child in psutil.Process(pid).children(recursive=True) if "gelombang_server.worker" in child.cmdline()]
    by_slot = sorted(workers, key=lambda child: int(child.cmdline()[child.cmdline().index("--slot") + 1]))
    return [("uploads" if worker is by_slot[-1] else "api", worker.pid) for worker in by_slot]


def _starts_again(folder: Path) -> bool:
    """Whether the site starts over what is left and says that it is ready. Its ledgers go elsewhere: those of the run are evidence."""
    again = folder.parent / "again"
    again.mkdir()
    shutil.move(folder / "site", again / "site")
    orders = read_model(folder / SERVER_FILE, ServerPlan).model_copy(update={"folder": str(again), "public_port": 0, "harness_port": 0})
    write_model(again / SERVER_FILE, orders)
    command = [sys.executable, "-m", "gelombang_server", "--config", str(again / SERVER_FILE), "--until-input-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline() or "{}")
        is_ready = False
        if ready:
            is_ready = all(_says_ready(ready[url]) for url in ("public_url", "uploads_url"))
        server.stdin.close()
        server.wait(30)
    shutil.move(again / "site", folder / "site")
    return is_ready and server.returncode == 0


def _says_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError as error:
        print(f"{url}/readyz: {error}")
        return False


if __name__ == "__main__":
    sys.exit(main(*(map(int, sys.argv[1:]) if len(sys.argv) == 3 else (1, KILLS))))
