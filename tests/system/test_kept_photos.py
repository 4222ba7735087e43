"""A run whose photos may take a megabyte of the disk: they are read back and removed while it runs, and the run's files prove it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from gelombang.audit import AUDIT_FILE
from gelombang.audit_trail import AUDITED_ROW, TRAIL_FILE
from gelombang.record import read_record
from gelombang.series_file import read_series
from support.run_folder import ROOT

KEEP_BYTES = 1_000_000
RUN = ["run", "smoke", "--profile", "april-2020", "--keep-bytes", "1M"]
AUDITOR, WORKER = "gelombang_server.auditing.process", "gelombang_server.worker"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gelombang_cli", *arguments]


def process_of(folder: Path, module: str) -> int | None:
    """The id of a process of this run that runs the module, from /proc."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() in words and str(folder).encode() in b" ".join(words):
            return int(entry.parent.name)
    return None


def run_and_kill(folder: Path, module: str) -> None:
    """Run to the end; once the auditor has noted something, one process is killed."""
    killed = False
    with subprocess.Popen([*command(*RUN), "--out", str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            trail = folder / TRAIL_FILE
            if not killed and trail.exists() and trail.stat().st_size >= AUDITED_ROW.itemsize and (victim := process_of(folder, module)):
                os.kill(victim, signal.SIGKILL)
                killed = True
            try:
                run.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    assert killed, "the bound was reached, so that the auditor had something to do"


def verified(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command("verify", str(folder)), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_photos_that_were_removed_are_proven_right_though_the_auditor_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_and_kill(folder, AUDITOR)
    said = verified(folder)
    assert "0 lost of " in said.stdout, said.stdout
    audit = json.loads((folder / AUDIT_FILE).read_bytes())
    assert (audit["lost"], audit["read_back_wrong"], audit["orphan_files"]) == (0, 0, 0)
    assert audit["removed"] > 0
    assert audit["found"] == audit["acknowledged"]
    kept = list((folder / "site" / "photos").rglob("*.jpg"))
    assert len(kept) == audit["stored"] - audit["read_back"]
    assert sum(path.stat().st_size for path in kept) <= KEEP_BYTES
    seen = {series.name: series.values for series in read_series(folder / "metrics.jsonl").series}
    right = seen['gelombang_server_photo_audits_total{finding="right"}']
    assert right == sorted(right), "the auditor that came after the killed one counts on"
    assert 0 < right[-1] <= audit["read_back"]
    assert seen["gelombang_server_photo_audit_limit_bytes"] == [KEEP_BYTES]
    assert max(seen["gelombang_server_photo_audit_kept_bytes"]) > 0


def test_photos_that_were_removed_are_proven_right_though_a_process_of_the_server_was_killed(tmp_path: Path) -> None:
    """Which ends the site, and its auditor with it, while uploads are under way: what was half done is a file without a row, and told to
    nobody."""
    folder = tmp_path / "run"
    run_and_kill(folder, WORKER)
    said = verified(folder)
    assert said.returncode == 0, said.stdout
    assert "0 lost of " in said.stdout
    assert "; 0 unexplained of " in said.stdout
    audit = json.loads((folder / AUDIT_FILE).read_bytes())
    assert (audit["lost"], audit["read_back_wrong"]) == (0, 0)
    assert audit["removed"] > 0
    assert audit["found"] == audit["acknowledged"]
    kept = list((folder / "site" / "photos").rglob("*.jpg"))
    assert len(kept) == audit["stored"] - audit["read_back"] + audit["orphan_files"]
    record = read_record(folder)
    assert record.host.servers_died == 1
    assert sum(record.fates.values()) == record.people_planned > 0
