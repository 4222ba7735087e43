"""A run whose photos may take a megabyte of the disk: they are read back and removed while it runs, and the run's files prove it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from gelombang.audit import AUDIT_FILE
from gelombang.audit_trail import AUDITED_ROW, TRAIL_FILE
from support.run_folder import ROOT

KEEP_BYTES = 1_000_000
RUN = ["run", "smoke", "--profile", "april-2020", "--keep-bytes", "1M"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gelombang_cli", *arguments]


def auditor_of(folder: Path) -> int | None:
    """The auditor's process id, from /proc."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"gelombang_server.auditing.process" in words and str(folder).encode() in b" ".join(words):
            return int(entry.parent.name)
    return None


def test_photos_that_were_removed_are_proven_right_though_the_auditor_was_killed(tmp_path: Path) -> None:
    folder, killed = tmp_path / "run", False
    with subprocess.Popen([*command(*RUN), "--out", str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            trail = folder / TRAIL_FILE
            if not killed and trail.exists() and trail.stat().st_size >= AUDITED_ROW.itemsize and (auditor := auditor_of(folder)):
                os.kill(auditor, signal.SIGKILL)
                killed = True
            try:
                run.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    assert killed, "the bound was reached, so that the auditor had something to do"
    said = subprocess.run(command("verify", str(folder)), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert "0 lost of " in said.stdout, said.stdout
    audit = json.loads((folder / AUDIT_FILE).read_bytes())
    assert (audit["lost"], audit["read_back_wrong"], audit["orphan_files"]) == (0, 0, 0)
    assert audit["removed"] > 0
    assert audit["found"] == audit["acknowledged"]
    kept = list((folder / "site" / "photos").rglob("*.jpg"))
    assert len(kept) == audit["stored"] - audit["read_back"]
    assert sum(path.stat().st_size for path in kept) <= KEEP_BYTES
