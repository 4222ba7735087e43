"""Plays people to a topology, pulls the cable of a server host on the way if asked to, and joins what all hosts and the proxy saw."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds, utc_now
from gelombang.evidence import GENERATOR_LEDGERS, PEOPLE_LEDGERS
from gelombang.host_cuts import HostCut, SentAttempt, read_host_cuts, sent_to_cut_host, write_host_cuts
from gelombang.ledger import GENERATOR_ROW, PERSON_ROW, read_all
from gelombang.resources import scenarios_folder
from gelombang.runplan import PLAN_FILE, RunPlan, ScaleNumbers, read_model
from gelombang.scale import Scale
from gelombang.workers import WORKERS_FILE
from tests.support.locust_cluster import Cluster, Node, cluster
from tests.support.object_store import KEYS
from tests.support.topology import proxy
from tests.support.topology.machines import Machine, machines
from tests.support.topology.plan import MASTER, Topology
from tests.support.topology.site import TOKEN, Site, serving, wait_until

RUN = 0x70B0_1064
COMMAND_SECONDS_LIMIT = 120
_SCENARIO = """
extends = "{smoke}"
name = "topology"
title = "A quiet night on several hosts"

[target]
allowed_hosts = ["{address}"]
owner = "whoever made these namespaces"
authorisation = "hosts that this run made for itself"
contact = "nobody@topology.example"
max_arrivals_per_second = 1_000.0
max_people = 1_000_000
max_bytes = 1_000_000_000_000
window = {{ from = "2020-01-01T00:00:00+00:00", until = "2999-01-01T00:00:00+00:00" }}
"""


@dataclass(frozen=True, slots=True)
class Cut:
    """A server host whose cable is pulled, in wall seconds from the run's zero. `host` None: the one that sends the mail."""

    at_seconds: float = 20.0
    for_seconds: float = 30.0
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is played: seconds are wall time, the scale is the scenario's."""

    topology: Topology
    scale: Scale
    arrivals_seconds: float
    cut: Cut | None = None
    number: int = os.getpid() % 200 + 1
    """Of these namespaces on this machine."""


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What came of it."""

    folder: Path
    """Of the run."""
    codes: Mapping[str, int]
    """Exit codes of master and workers."""
    verified: "subprocess.CompletedProcess[str]"
    joined: "subprocess.CompletedProcess[str]"
    cuts: Sequence[HostCut]
    came_back_seconds: float | None
    """From the cable's being put in again until the proxy sent people to the host."""
    mail_moved: bool
    """Whether another host than before sent the mail while one was cut off."""

    def attempts(self) -> NDArray[np.void]:
        """The generator's rows."""
        return read_all(self.folder, GENERATOR_LEDGERS, GENERATOR_ROW)

    def people(self) -> NDArray[np.void]:
        """A row each."""
        return read_all(self.folder, PEOPLE_LEDGERS, PERSON_ROW)

    def was_sent_to_cut_host(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which of them the proxy sent to a host that was away."""
        return sent_to_cut_host(rows, self.cuts)


def play(order: Order, folder: Path) -> Played:
    """All of it, once; nothing is left of its hosts afterwards."""
    numbers = ScaleNumbers.of(order.scale)
    with (
        machines(order.topology, order.number) as hosts,
        serving(order.topology, hosts, folder, numbers, RUN) as site,
        cluster(folder) as generator,
    ):
        master = _start(order, hosts, site, generator)
        zero_us = _zero(generator, master)
        cuts, came_back, mail_moved = _cut(order, hosts, site, zero_us)
        codes = {node.log.stem: node.ended(order.arrivals_seconds + 120) for node in reversed(generator.nodes)}
        if cuts:
            write_host_cuts(master.folder, [_with_attempts(cut, site, zero_us) for cut in cuts])
        servers = [f"--site={path}" for path in site.folders.values()]
        # The servers end, and the database and the store go on, so that everything acknowledged can be looked for.
        site.end_servers()
        joined = _command("join", str(master.folder), *servers)
        verified = _command("verify", str(master.folder))
    return Played(master.folder, codes, verified, joined, read_host_cuts(master.folder), came_back, mail_moved)


def _start(order: Order, hosts: Mapping[str, Machine], site: Site, generator: Cluster) -> Node:
    scenario = generator.folder / "topology.toml"
    scenario.write_text(_SCENARIO.format(smoke=scenarios_folder() / "smoke.toml", address=site.address))
    scale = order.scale
    words = ["--sample", str(scale.sample), "--speed", f"{scale.speed:g}", "--bytes", f"{scale.bytes_ratio:g}", "--run-number", str(RUN)]
    words += ["--harness-url", site.phones_url, f"--harness-token={TOKEN}", "-t", f"{order.arrivals_seconds:g}s"]
    owned = ("--i-own-this-target", site.address)
    workers = order.topology.generators
    master = generator.master(scenario, site.url, len(workers), *words, *owned, before=hosts[MASTER].enter)
    for worker in workers:
        generator.worker(worker.name, scenario, *owned, host=hosts[MASTER].address, before=hosts[worker.name].enter)
    return master


def _zero(generator: Cluster, master: Node) -> int:
    """The run's zero on the monotonic clock, once it is known."""
    # Written once the plan has its zero.
    generator.until((master.folder / WORKERS_FILE).exists)
    return read_model(master.folder / PLAN_FILE, RunPlan).zero_us


def _cut(order: Order, hosts: Mapping[str, Machine], site: Site, zero_us: int) -> tuple[list[HostCut], float | None, bool]:
    cut = order.cut
    if cut is None:
        return [], None, False
    _sleep_until(zero_us + round(cut.at_seconds * MICROSECONDS))
    leader = site.leader()
    host = cut.host or leader
    assert host is not None, "somebody sends the mail"
    from_us = monotonic_us()
    hosts[host].cut()
    _sleep_until(from_us + round(cut.for_seconds * MICROSECONDS))
    mail_moved = site.leader() not in (None, leader)
    hosts[host].mend()
    mended_us = monotonic_us()
    wait_until(lambda: site.is_up(host))
    until_us = monotonic_us()
    noted = HostCut(host=host, from_us=from_us - zero_us, until_us=until_us - zero_us)
    return [noted], (until_us - mended_us) / MICROSECONDS, mail_moved


def _with_attempts(cut: HostCut, site: Site, zero_us: int) -> HostCut:
    """Every attempt of which the proxy's log says that it was on its way to the host while that was away."""
    # The log has the wall clock, everything else the monotonic one.
    since_1970_us = round(utc_now().timestamp() * MICROSECONDS) - monotonic_us() + zero_us
    from_us, until_us = cut.from_us + since_1970_us, cut.until_us + since_1970_us
    sent = proxy.read_log(site.log, RUN, list(site.folders))
    meanwhile = [each for each in sent if each.began_us <= until_us and each.ended_us >= from_us]
    # Only the host that was away can't be reached: who was sent on to the other had been sent there first.
    found = {each.attempt for each in meanwhile if each.host == cut.host or each.sent_on}
    named = [SentAttempt(person=one.person, tab=one.tab, step=one.step, number=one.number) for one in sorted(found)]
    return cut.model_copy(update={"attempts": tuple(named)})


def _sleep_until(at_us: int) -> None:
    while (left_us := at_us - monotonic_us()) > 0:
        sleep_seconds(min(1.0, left_us / MICROSECONDS))


def _command(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gelombang_cli", *words]
    environment = {**os.environ, **KEYS}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS_LIMIT, env=environment)
