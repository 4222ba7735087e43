"""Takes away what a topology made of this machine once its maker has ended, however that came: its hosts, and all that runs there.

    python guard.py NUMBER      prints "ready", waits for the end of its standard input, which is its maker's, and then takes all away

A maker can be killed at any moment, also while it builds and while it takes down; so this is a process of its own, in a session of its own,
that is there before anything is made. Everything of a topology has its number in its name. Of two makers with one number the second waits:
the guard holds the number, and takes away first what somebody left who had none.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

SPACES, LINKS = Path("/run/netns"), Path("/sys/class/net")
PAUSE_SECONDS = 0.25
CLAIM_PAUSES_LIMIT = 240
"""For a number that another maker has."""
END_PAUSES_LIMIT = 20
"""What runs on a host has so long from its SIGTERM to its SIGKILL."""
LOOKS_LIMIT = 40


class Made:
    """What there is of a topology."""

    def __init__(self, number: int) -> None:
        self._space, self._cable, self._bridge = f"glt{number}-", f"glt{number}v", f"glt{number}"

    def spaces(self) -> list[str]:
        return sorted(each.name for each in SPACES.glob(f"{self._space}*"))

    def links(self) -> list[str]:
        """Of this machine's side."""
        return sorted(each.name for each in LINKS.iterdir() if each.name.startswith(self._cable) or each.name == self._bridge)

    def processes(self) -> list[int]:
        """What runs on its hosts."""
        return [int(pid) for space in self.spaces() for pid in _ip("netns", "pids", space).split()]

    def take_away(self) -> None:
        """All that is there now."""
        self._end_processes()
        for link in self.links():
            _ip("link", "del", link)
        for space in self.spaces():
            _ip("netns", "del", space)

    def _end_processes(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            for _ in range(END_PAUSES_LIMIT):
                if not self.processes():
                    return
                _pause()


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    claimed = int(sys.argv[1])
    made = Made(claimed)
    with socket.socket(socket.AF_UNIX) as claim:
        if not _claimed(claim, f"\0gelombang topology {claimed}"):
            print(f"topology {claimed} of this machine is somebody else's; want another number", file=sys.stderr)
            return 2
        made.take_away()
        print("ready", flush=True)
        sys.stdin.read()
        return 0 if _taken_away(made) else 1


def _claimed(claim: socket.socket, name: str) -> bool:
    for _ in range(CLAIM_PAUSES_LIMIT):
        try:
            claim.bind(name)
        except OSError:
            if select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
                return False  # its maker is gone
        else:
            return True
    return False


def _taken_away(made: Made) -> bool:
    """Look until nothing is found twice: a command of a maker that was killed may still have been at work."""
    quiet = 0
    for _ in range(LOOKS_LIMIT):
        if made.spaces() or made.links():
            quiet = 0
            made.take_away()
        else:
            quiet += 1
            if quiet == 2:
                return True
        _pause()
    print(f"left on this machine: {', '.join(made.spaces() + made.links())}", file=sys.stderr)
    return False


def _pause() -> None:
    select.select([], [], [], PAUSE_SECONDS)


def _ip(*words: str) -> str:
    """What it says; nothing of what is gone already."""
    return subprocess.run(["ip", *words], check=False, capture_output=True, text=True, timeout=20).stdout


if __name__ == "__main__":
    sys.exit(main())
