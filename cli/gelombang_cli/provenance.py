"""Which code made a run."""

import subprocess
from pathlib import Path

import gelombang


def commit() -> str | None:
    """The git commit of this checkout, with `+` when the tree differs from it; None for an installed wheel."""
    root = Path(gelombang.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    found = _git(root, "rev-parse", "--short=12", "HEAD")
    if found is None:
        return None
    return found + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
