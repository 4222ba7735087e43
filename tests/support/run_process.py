"""`gelombang run` as a process that is never left behind."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """`words` follow `run`; the run's folder is `run` in `folder`. Both outputs are the process's one."""
    command = [sys.executable, "-m", "gelombang_cli", "run", *words, "--out", str(folder / "run")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()
