"""Docker or Podman, whichever is here, spoken to by its command line.

Promise: every call has a time limit, and what goes wrong is an error with the end of what the engine said; a Ctrl-C of the operator's
terminal does not reach a call that is under way, so that what was begun can be taken down. Left out: engines that know no compose.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gelombang.errors import HostError, InputError

CALL_WITHIN_SECONDS = 60.0
_LINES_SHOWN = 12
_CANDIDATES = (("docker", ("docker", "compose")), ("podman", ("podman", "compose")), ("podman", ("podman-compose",)))
"""The engine's own command, and its compose."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answered."""

    command: str
    compose: tuple[str, ...]

    def image_identity(self, image: str) -> str | None:
        """By which the engine knows what this name stands for now; None when it is not here."""
        done = _call((self.command, "image", "inspect", "--format", "{{.Id}}", image), CALL_WITHIN_SECONDS)
        return done.stdout.strip().removeprefix("sha256:") if done.returncode == 0 else None

    def pull(self, image: str, within_seconds: float) -> None:
        """Raises InputError with what the registry said."""
        done = _call((self.command, "pull", image), within_seconds)
        if done.returncode:
            raise InputError(f"the image {image!r} is neither here nor to be had; want one that `{self.command} pull` finds{_tail(done)}")

    def containers(self, project: str, service: str | None = None, ended: bool = False) -> list[str]:
        """Identities of a project's containers, those that have ended, too, on request."""
        labels = [f"label=com.docker.compose.project={project}", *([f"label=com.docker.compose.service={service}"] if service else [])]
        words = [word for label in labels for word in ("--filter", label)]
        return self.say((self.command, "ps", "--quiet", "--no-trunc", *(["--all"] if ended else []), *words)).split()

    def inspected(self, container: str) -> Mapping[str, object]:
        """What the engine says of the container's state."""
        found = json.loads(self.say((self.command, "container", "inspect", container)))
        state: Mapping[str, object] = found[0]["State"]
        return state

    def published(self, container: str, port: int) -> int | None:
        """The port of this machine behind which a port of the container is, if there is one."""
        done = _call((self.command, "port", container, f"{port}/tcp"), CALL_WITHIN_SECONDS)
        ends = [line.rpartition(":")[2] for line in done.stdout.splitlines() if ":" in line]
        return int(ends[0]) if done.returncode == 0 and ends and ends[0].isdecimal() else None

    def logs(self, container: str) -> list[str]:
        """The last lines of what it printed."""
        done = _call((self.command, "logs", "--tail", str(_LINES_SHOWN), container), CALL_WITHIN_SECONDS)
        return (done.stdout + done.stderr).splitlines()[-_LINES_SHOWN:]

    def say(self, words: Sequence[str]) -> str:
        """What it prints. Raises HostError when it fails."""
        done = _call(words, CALL_WITHIN_SECONDS)
        if done.returncode:
            raise HostError(f"`{' '.join(words)}` failed with exit code {done.returncode}; want an engine that does it{_tail(done)}")
        return done.stdout


def found_engine() -> Engine:
    """The first that is here and knows compose. Raises HostError that says what was looked for."""
    tried: list[str] = []
    for command, compose in _CANDIDATES:
        if any(shutil.which(word) is None for word in {command, compose[0]}):
            tried.append(f"{' '.join(compose)}: not installed")
            continue
        done = _call((*compose, "version"), CALL_WITHIN_SECONDS)
        if done.returncode == 0:
            return Engine(command, compose)
        tried.append(f"{' '.join(compose)}: {_first_line(done)}")
    raise HostError(
        f"no container engine with compose ({'; '.join(tried)}); want docker with its compose plugin, or podman with podman-compose"
    )


def _call(words: Sequence[str], within_seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=within_seconds, check=False,
            start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise HostError(f"`{' '.join(words)}` took longer than {within_seconds:g} s; want an engine that answers") from None
    except OSError as error:
        raise HostError(f"`{words[0]}` can't be run ({error.strerror}); want a container engine") from None


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stdout + done.stderr).splitlines()[-_LINES_SHOWN:]
    return "".join([". What it said ends:" if lines else "", *(f"\n  {line}" for line in lines)])


def _first_line(done: subprocess.CompletedProcess[str]) -> str:
    return next(iter((done.stderr + done.stdout).strip().splitlines()), f"exit code {done.returncode}")
