"""Machines of one's own: network namespaces, each with a cable to this one. Only where root may make them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """One namespace; `host` is this machine's address on the cable."""

    name: str
    cable: str
    host: str

    @property
    def enter(self) -> tuple[str, ...]:
        """Words before a command that is to run there."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Pull the cable."""
        ip("link", "set", self.cable, "down")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def why_not() -> str:
    """Why namespaces can't be made here; empty when they can."""
    if os.geteuid() != 0:
        return "network namespaces want root"
    if shutil.which("ip") is None:
        return "network namespaces want iproute2's ip"
    try:
        with machines(1, hub="10.253.0.1", number=99):
            return ""
    except subprocess.CalledProcessError as error:
        return f"network namespaces can't be made here: {error.stderr.decode().strip()}"


@contextmanager
def machines(count: int, hub: str, number: int) -> Iterator[list[Machine]]:
    """Namespaces that all reach this machine at `hub`; `number` tells two makers apart."""
    made: list[Machine] = []
    try:
        ip("addr", "add", f"{hub}/32", "dev", "lo")
        for k in range(count):
            machine = Machine(f"gelombang-{number}-{k}", f"glb{number}v{k}", f"10.253.{number % 250}.{4 * k + 9}")
            made.append(machine)
            far = f"{machine.cable}n"
            ip("netns", "add", machine.name)
            ip("link", "add", machine.cable, "type", "veth", "peer", "name", far)
            ip("link", "set", far, "netns", machine.name)
            ip("addr", "add", f"{machine.host}/30", "dev", machine.cable)
            ip("link", "set", machine.cable, "up")
            ip("-n", machine.name, "addr", "add", f"10.253.{number % 250}.{4 * k + 10}/30", "dev", far)
            ip("-n", machine.name, "link", "set", far, "up")
            ip("-n", machine.name, "link", "set", "lo", "up")
            ip("-n", machine.name, "route", "add", "default", "via", machine.host)
        yield made
    finally:
        for machine in made:
            subprocess.run(["ip", "link", "del", machine.cable], check=False, capture_output=True, timeout=20)
            subprocess.run(["ip", "netns", "del", machine.name], check=False, capture_output=True, timeout=20)
        subprocess.run(["ip", "addr", "del", f"{hub}/32", "dev", "lo"], check=False, capture_output=True, timeout=20)
