"""The site of a topology: database, store, server hosts and edge, each process on its own host, all ended with the block."""

import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.loading import load_profile
from gelombang.profile import Database, Profile
from gelombang.profile_objects import Objects
from gelombang.runplan import SERVER_FILE, ScaleNumbers, ServerPlan, write_model
from gelombang_server.sealing import KEY_BYTES, KEY_VARIABLE
from tests.support.object_store import KEYS, object_store
from tests.support.postgres import postgres_cluster
from tests.support.topology import proxy, relay
from tests.support.topology.machines import Machine
from tests.support.topology.plan import DATABASE, EDGE, OBJECTS, Topology

API_PORT, PHONES_PORT = 8_080, 8_081
TOKEN = "a harness token of the topology"
DATA_KEY = urlsafe_b64encode(bytes(KEY_BYTES)).decode()
"""What one host closes, another must open."""
READY_SECONDS_LIMIT = 90
END_SECONDS_LIMIT = 30
FAST_STORE = {"bandwidth_bytes_per_second": 1e9, "latency_seconds": 0.0}


@dataclass(frozen=True, slots=True)
class Site:
    """A site that serves."""

    url: str
    phones_url: str
    address: str
    """Of the edge: the only host that anybody sends to."""
    control: Path
    log: Path
    """Of the proxy."""
    folders: Mapping[str, Path]
    """Of each server host."""
    end_servers: Callable[[], None]
    """The servers drain and close their ledgers; database and store go on."""

    def is_up(self, host: str) -> bool:
        """Whether the proxy sends people to this host, for all that it serves."""
        found = proxy.states(self.control)
        return all(found[backend, host] for backend in ("api", "uploads", host))

    def leader(self) -> str | None:
        """The host that sends the mail; None while that is nobody, or two who have not met."""
        found = [host for (backend, host), is_up in proxy.states(self.control).items() if backend == "harness" and is_up]
        return found[0] if len(found) == 1 else None


def profile(database_url: str, objects_url: str) -> Profile:
    """`hardened` on what all hosts share. Nothing is modelled about its store: what is scarce here is a host's link."""
    found = load_profile("hardened")
    assert found.store is not None
    update = {"database": Database(url=database_url, schema_name="topology"), "objects": Objects(url=objects_url)}
    return found.model_copy(update={**update, "store": found.store.model_copy(update=FAST_STORE)})


@contextmanager
def serving(topology: Topology, hosts: Mapping[str, Machine], folder: Path, scale: ScaleNumbers, run: int) -> Iterator[Site]:
    """All of it, ready: the proxy sends people to every host."""
    with ExitStack() as stack, ExitStack() as servers:
        database = stack.enter_context(postgres_cluster(hosts[DATABASE].address, hosts[DATABASE].enter))
        store = stack.enter_context(object_store(hosts[OBJECTS].address, hosts[OBJECTS].enter))
        what = profile(database.url, store.url("topology"))
        edge = hosts[EDGE]
        url = f"http://{edge.address}"
        behind, folders = [], {}
        for place, host in enumerate(topology.servers, 1):
            folders[host.name] = folder / host.name
            folders[host.name].mkdir()
            orders = ServerPlan(
                run=run,
                seed=1,
                scale=scale,
                profile=what,
                folder=str(folders[host.name]),
                zero_us=monotonic_us(),
                processes=1,
                public_port=API_PORT,
                harness_port=PHONES_PORT,
                harness_token=TOKEN,
                host=hosts[host.name].address,
                site_url=url,
                uploads_url=f"{url}:{proxy.HOST_PORT + place}",
            )
            ready = servers.enter_context(_server(hosts[host.name], orders, folders[host.name]))
            behind.append(proxy.Behind(host.name, *(urlsplit(ready[name]).netloc for name in ("public_url", "uploads_url", "harness_url"))))
        control, log = folder / "haproxy.sock", folder / "haproxy.log"
        (folder / "haproxy.cfg").write_text(proxy.configuration(behind, edge.address, TOKEN, control))
        stack.enter_context(_process(edge, ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], log, {"TZ": "UTC"}))
        ports = [proxy.SITE_PORT, *(proxy.HOST_PORT + place for place in range(1, len(behind) + 1))]
        pairs = [f"{edge.address}:{port}=127.0.0.1:{port + proxy.BEHIND}" for port in ports]
        words = [sys.executable, relay.__file__, str(topology.people_delay_seconds), *pairs]
        relaying = stack.enter_context(_process(edge, words, folder / "relay.log"))
        site = Site(url, f"{url}:{proxy.HARNESS_PORT}", edge.address, control, log, folders, servers.close)
        wait_until(lambda: control.exists() and all(site.is_up(host) for host in folders) and site.leader() is not None)
        assert relaying.poll() is None, (folder / "relay.log").read_text()
        yield site


def wait_until(holds: Callable[[], bool], seconds: float = READY_SECONDS_LIMIT) -> None:
    """Look again and again. Raises AssertionError when it does not come to hold."""
    until_us = monotonic_us() + round(seconds * 1e6)
    while not holds():
        assert monotonic_us() < until_us, f"it did not come about within {seconds:g} s"
        sleep_seconds(0.1)


@contextmanager
def _server(machine: Machine, orders: ServerPlan, folder: Path) -> "Iterator[dict[str, str]]":
    """One server host; its ready line."""
    write_model(folder / SERVER_FILE, orders)
    command = [*machine.enter, sys.executable, "-m", "gelombang_server", "--config", str(folder / SERVER_FILE), "--until-input-ends"]
    with (folder / "server.log").open("wb") as log:
        environment = {**os.environ, **KEYS, KEY_VARIABLE: DATA_KEY}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / "server.log").read_text()
        yield orjson.loads(line)
    finally:
        process.stdin.close()
        _end(process)
        process.stdout.close()


@contextmanager
def _process(
    machine: Machine, command: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as file:
        environment = {**os.environ, **(more or {})}
        words = [*machine.enter, *command]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=file, stderr=file, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        _end(process)
        assert process.stdin is not None
        process.stdin.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(END_SECONDS_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
