"""A revision as something that can be started: its files, an environment with its lock, its own code.

Promise: both revisions are built the same way, outside the working tree, which stays as it is; revisions whose lock files are the same
share an environment, so what differs between them is their code alone; one that does not build is an error with the end of what was
printed, never a comparison with something else. Idea: files come from `git archive` into a folder named by the commit, all such names are
equally long (the length of a path can shift timings: Mytkowicz et al., "Producing wrong data without doing anything obviously wrong",
2009), and what is built is kept until its folder is removed. Left out: containers.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gelombang.errors import InputError
from gelombang_gates.gate_file import Gate
from gelombang_gates.service import filled

_DONE = ".done"
_KEY_CHARACTERS = 12
_LINES_SHOWN = 12
_GIT_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision that can be started."""

    name: str
    """As it was asked for."""
    commit: str
    tree: Path
    """Where its command runs."""
    variables: Mapping[str, str]
    """The whole environment of its processes."""


def cache_folder() -> Path:
    """Where builds are kept, outside any working tree."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gelombang" / "gate"


def make_cache(folder: Path) -> None:
    """The folder, if there is none yet. Raises InputError where there can't be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {folder} for builds can't be made ({error.strerror}); want --cache with one that can") from None


def commit_of(repository: Path, name: str) -> str:
    """The commit that a name means. Raises InputError when there is none."""
    if name.startswith("-"):
        raise InputError(f"the revision {name!r} begins with a dash; want a branch, tag or commit")
    done = _git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise InputError(f"the revision {name!r} is not in {repository}{f' ({said})' if said else ''}; want a branch, tag or commit there")
    return done.stdout.decode().strip()


def last_release(repository: Path, head: str) -> str:
    """The youngest tag of another commit that this revision goes back to: a release is compared with the one before. Raises InputError when
    there is none."""
    commit = commit_of(repository, head)
    tag = _tag_behind(repository, commit)
    is_release = tag is not None and commit_of(repository, tag) == commit
    before = _tag_behind(repository, f"{commit}^") if is_release else tag
    if before is None:
        what = f"is the release {tag} itself, and goes back to no other" if is_release else "goes back to no tag"
        raise InputError(
            f"{head} {what} in {repository}; want an older release that is tagged, or --base with the revision to compare with"
        )
    return before


def _tag_behind(repository: Path, commit: str) -> str | None:
    done = _git(repository, "describe", "--tags", "--abbrev=0", commit)
    return None if done.returncode else done.stdout.decode().strip()


def changed_files(repository: Path, base: str, head: str) -> list[str]:
    """The paths that differ between two commits."""
    done = _git(repository, "diff", "--name-only", "-z", base, head)
    if done.returncode:
        raise InputError(
            f"git can't compare {base} and {head} ({done.stderr.decode(errors='replace').strip()}); want two commits of one repository"
        )
    return [path for path in done.stdout.decode(errors="surrogateescape").split("\0") if path]


def prepare(repository: Path, name: str, gate: Gate, cache: Path, python: Path | None) -> Revision:
    """Check out and build a revision, or find it built. With `python` nothing is installed: both revisions run on that interpreter."""
    commit = commit_of(repository, name)
    home = cache / "revisions" / _key(commit, *gate.build)
    tree, site = home / "tree", home / "site"
    _once(home, lambda: _export(repository, commit, tree))
    binaries = python.parent if python is not None else _environment(tree, gate, cache) / "bin"
    variables = _variables(binaries, site, tree)
    _once(
        site,
        lambda: _run_all(
            gate.build, tree, {"site": str(site), "tree": str(tree)}, variables, gate.build_within_seconds, f"the build of {name}"
        ),
    )
    return Revision(name, commit, tree, variables)


def _environment(tree: Path, gate: Gate, cache: Path) -> Path:
    locks = [path for path in gate.lock if (tree / path).is_file()]
    commands = gate.environment or _default_install(tree, locks)
    parts = [(tree / path).read_bytes() for path in locks]
    home = cache / "environments" / _key(sys.version, *commands, *(hashlib.sha256(part).hexdigest() for part in parts))

    def build() -> None:
        what = f"the environment of {', '.join(locks) or 'no lock file'}"
        _run([sys.executable, "-m", "venv", str(home)], tree, dict(os.environ), gate.build_within_seconds, what)
        _run_all(commands, tree, {"tree": str(tree)}, _variables(home / "bin", None, tree), gate.build_within_seconds, what)

    _once(home, build)
    return home


def _default_install(tree: Path, locks: Sequence[str]) -> list[str]:
    if not locks:
        raise InputError(
            "the revision has no requirements.lock or requirements.txt; want one, or gate.lock and gate.environment that say how its "
            "environment is made, or --python with an interpreter that has everything"
        )
    hashed = "--hash=" in (tree / locks[0]).read_text(errors="replace")
    return [f"python -m pip install --quiet --disable-pip-version-check {'--require-hashes ' if hashed else ''}-r {locks[0]}"]


def _variables(binaries: Path, site: Path | None, tree: Path) -> dict[str, str]:
    """A small environment: what an operator happens to have exported must not differ between two runs."""
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR") or name.startswith("PIP_")}
    paths = [str(path) for path in (site, tree) if path is not None]
    return {
        **kept,
        "PATH": os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def _export(repository: Path, commit: str, tree: Path) -> None:
    tree.mkdir(parents=True)
    with tempfile.TemporaryFile() as archive:
        _piped(["git", "-C", str(repository), "archive", "--format=tar", commit], commit, stdout=archive)
        archive.seek(0)
        _piped(["tar", "-x", "-C", str(tree)], commit, stdin=archive)


def _piped(words: Sequence[str], commit: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> None:
    """One of the two that take the files of a commit out. Raises InputError with what it said."""
    try:
        done = subprocess.run(words, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=_GIT_WITHIN_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"the files of {commit} can't be taken out by {words[0]} ({error}); want git, tar and room for them") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise InputError(f"the files of {commit} can't be taken out by {words[0]} ({said}); want a whole repository and room for them")


def _once(folder: Path, make: Callable[[], None]) -> None:
    """Make what a folder holds, unless it was made before; what was begun and not finished is made anew."""
    mark = folder / _DONE
    if mark.exists():
        return
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    make()
    mark.touch()


def _run_all(
    commands: Sequence[str], tree: Path, values: Mapping[str, str], variables: Mapping[str, str], within: float, what: str
) -> None:
    for command in commands:
        _run(["sh", "-c", filled(command, values)], tree, variables, within, what)


def _run(words: Sequence[str], tree: Path, variables: Mapping[str, str], within: float, what: str) -> None:
    try:
        done = subprocess.run(words, cwd=tree, env=dict(variables), capture_output=True, timeout=within, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{what} took longer than {within:g} s ({words[-1]}); want it done by then, or a larger gate.build_within_seconds"
        ) from None
    if done.returncode:
        tail = (done.stdout + done.stderr).decode(errors="replace").splitlines()[-_LINES_SHOWN:]
        lines = [f"{what} failed with exit code {done.returncode} ({words[-1]}); what it printed ends:", *(f"  {line}" for line in tail)]
        raise InputError("\n".join(lines))


def _git(repository: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(repository), *words], capture_output=True, timeout=_GIT_WITHIN_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"git can't be run in {repository} ({error}); want git and a repository") from None


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_KEY_CHARACTERS]
