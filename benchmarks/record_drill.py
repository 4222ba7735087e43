"""Records the diagnosis drill: `python benchmarks/record_drill.py --into FOLDER [--seed N] [CASE ...]`, one run of some 130 s a case.

A quiet and healthy site (the smoke scenario's people against the profile `hardened`, two API processes) is scraped each second; from a
known moment on one thing is wrong. Where the site has a setting for it, the setting changes (`gelombang.rehearsed_fault`, or a stall of
the profile's store); what no setting can do comes from outside: a process that is stopped most of the time, a database that somebody
else holds. The diagnosis knows nothing of all this: it reads the series that are written here. Needs the machine for itself, and a
network namespace of its own (`unshare -n` and `ip link set lo up`), because the kernel's counters of dropped connections count
everybody's.
"""

import argparse
import os
import re
import secrets
import signal
import sqlite3
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds, utc_now
from gelombang.diagnosis.causes import Cause
from gelombang.diagnosis.inputs import series_names
from gelombang.drill_file import SeriesName, StoredRun, stored_process, write_drill
from gelombang.loading import load_profile, load_scenario
from gelombang.profile import Profile
from gelombang.profile_uploads import Stall
from gelombang.rehearsed_fault import FaultSetting, RehearsedFault
from gelombang.runplan import PLAN_FILE, PLAN_VARIABLE, PROCESS_VARIABLE, write_model
from gelombang.scale import Scale, parse_sample
from gelombang_cli.child import Child
from gelombang_cli.execution import Order, orders_for_generator, start_server
from gelombang_cli.provenance import commit
from gelombang_loadtests.metrics_page import METRICS_PORT_VARIABLE
from gelombang_server.schema import DATABASE_FILE

SPEED = 60.0
FAULT_AFTER_SECONDS = 60.0
"""Wall time from the server's zero, which is some seconds before the run's."""
RECORDED_AFTER_SECONDS = 62.0
SCRAPE_SECONDS = 1.0
SERVER_PROCESSES = 2
GENERATOR_PORT = 9_500


@dataclass(frozen=True, slots=True)
class Case:
    """One fault of one strength, or several at once."""

    expected: tuple[Cause, ...]
    settings: tuple[tuple[FaultSetting, float], ...] = ()
    store_ratio: float | None = None
    stop_server: tuple[float, float] | None = None
    """One API process stands still so long, then runs so long, again and again (wall seconds)."""
    stop_generator: tuple[float, float] | None = None
    hold_database: tuple[float, float] | None = None
    sample: str = "1/100"
    """The shares of photos need more people, and so does a line before a socket."""


CASES: dict[str, Case] = {
    "control": Case(()),
    "slow-store-weak": Case((Cause.STORE_SLOW,), store_ratio=0.25),
    "slow-store-strong": Case((Cause.STORE_SLOW,), store_ratio=0.05),
    "full-store-weak": Case((Cause.STORE_FULL,), settings=((FaultSetting.STORE_CAPACITY, 9e9),)),
    "full-store-strong": Case((Cause.STORE_FULL,), settings=((FaultSetting.STORE_CAPACITY, 1e6),)),
    "stalled-fsync-weak": Case((Cause.DISK_STALLED,), settings=((FaultSetting.SYNC_DELAY, 0.5),)),
    "stalled-fsync-strong": Case((Cause.DISK_STALLED,), settings=((FaultSetting.SYNC_DELAY, 3.0),)),
    "registry-capped-weak": Case((Cause.REGISTRY_CAPPED,), settings=((FaultSetting.REGISTRY_RATE, 1.5),)),
    "registry-capped-strong": Case((Cause.REGISTRY_CAPPED,), settings=((FaultSetting.REGISTRY_RATE, 0.3),)),
    "slow-process-weak": Case((Cause.PROCESS_SLOW,), stop_server=(0.25, 0.15)),
    "slow-process-strong": Case((Cause.PROCESS_SLOW,), stop_server=(0.6, 0.1)),
    "small-backlog-weak": Case((Cause.BACKLOG_TOO_SMALL,), settings=((FaultSetting.BACKLOG, 2),), sample="1/25"),
    "small-backlog-strong": Case((Cause.BACKLOG_TOO_SMALL,), settings=((FaultSetting.BACKLOG, 1),), sample="1/25"),
    "body-limit-weak": Case((Cause.BODY_LIMIT_LOW,), settings=((FaultSetting.PHOTO_LIMIT, 1_048_576),), sample="1/50"),
    "body-limit-strong": Case((Cause.BODY_LIMIT_LOW,), settings=((FaultSetting.PHOTO_LIMIT, 524_288),), sample="1/50"),
    "short-time-out-weak": Case((Cause.TIME_OUT_SHORT,), settings=((FaultSetting.ANSWER_WITHIN, 0.6),)),
    "short-time-out-strong": Case((Cause.TIME_OUT_SHORT,), settings=((FaultSetting.ANSWER_WITHIN, 0.1),)),
    "starved-generator-weak": Case((Cause.GENERATOR_STARVED,), stop_generator=(0.2, 0.1)),
    "starved-generator-strong": Case((Cause.GENERATOR_STARVED,), stop_generator=(0.6, 0.1)),
    "locked-database-weak": Case((Cause.DATABASE_LOCKED,), hold_database=(0.8, 0.2)),
    "locked-database-strong": Case((Cause.DATABASE_LOCKED,), hold_database=(3.0, 0.5)),
    "pair-store-and-generator": Case((Cause.GENERATOR_STARVED, Cause.STORE_SLOW), store_ratio=0.05, stop_generator=(0.4, 0.1)),
    "pair-registry-and-body-limit": Case(
        (Cause.REGISTRY_CAPPED, Cause.BODY_LIMIT_LOW),
        settings=((FaultSetting.REGISTRY_RATE, 1.0), (FaultSetting.PHOTO_LIMIT, 524_288)),
    ),
}


WANTED = series_names()
LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


class Scraper:
    """Reads the pages of all processes each second, until it is ended."""

    def __init__(self, pages: dict[tuple[str, str], str], zero_us: int) -> None:
        self.times: dict[tuple[str, str], list[float]] = {key: [] for key in pages}
        self.samples: dict[tuple[str, str], list[dict[SeriesName, float]]] = {key: [] for key in pages}
        self.missed: dict[tuple[str, str], list[float]] = {key: [] for key in pages}
        self._zero_us = zero_us
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(key, url), daemon=True) for key, url in pages.items()]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _read(self, key: tuple[str, str], url: str) -> None:
        while not self._stop.wait(SCRAPE_SECONDS):
            asked_at = (monotonic_us() - self._zero_us) / MICROSECONDS
            try:
                with urllib.request.urlopen(url, timeout=SCRAPE_SECONDS) as answer:
                    text = answer.read().decode()
            except OSError:
                self.missed[key].append(asked_at)
                continue
            sample = read_page(text)
            self.times[key].append((monotonic_us() - self._zero_us) / MICROSECONDS)
            self.samples[key].append(sample)


def read_page(text: str) -> dict[SeriesName, float]:
    """What the diagnosis reads of a page, and nothing else: several cases may be recorded at once."""
    found: dict[SeriesName, float] = {}
    for line in text.splitlines():
        series, _, value = line.rpartition(" ")
        name, _, labels = series.partition("{")
        if name in WANTED:
            found[name, tuple(sorted(LABEL.findall(labels)))] = float(value)
    return found


def by_turns(
    ended: threading.Event, begin: Callable[[], object], for_seconds: float, end: Callable[[], object], rest_seconds: float
) -> None:
    """Begin, wait, end, rest, until it is ended."""
    while not ended.is_set():
        begin()
        ended.wait(for_seconds)
        end()
        ended.wait(rest_seconds)


def interfere(case: Case, ended: threading.Event, server_pids: list[int], generator: Child, database: Path) -> list[threading.Thread]:
    """What comes from outside of the site, each in a thread of its own."""
    works: list[tuple[Callable[[], object], float, Callable[[], object], float]] = []
    for turns, pid in ((case.stop_server, server_pids[1]), (case.stop_generator, generator.pid)):
        if turns is not None:
            process = psutil.Process(pid)
            works.append((partial(process.send_signal, signal.SIGSTOP), turns[0], partial(process.send_signal, signal.SIGCONT), turns[1]))
    if case.hold_database is not None:
        connection = sqlite3.connect(database, timeout=10, isolation_level=None, check_same_thread=False)
        hold, rest = case.hold_database
        works.append((partial(connection.execute, "BEGIN IMMEDIATE"), hold, partial(connection.execute, "ROLLBACK"), rest))
    threads = [threading.Thread(target=by_turns, args=(ended, *work), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def listen_until(moment_us: int, generator: Child) -> None:
    """Wait, and read what the generator says meanwhile: a pipe that nobody reads would stop it."""
    while (left_seconds := (moment_us - monotonic_us()) / MICROSECONDS) > 0:
        sleep_seconds(min(left_seconds, 0.5))
        generator.events()
        if not generator.running:
            raise generator.failure("ended before the recording did")


def profile_of(case: Case) -> Profile:
    profile = load_profile("hardened")
    if case.store_ratio is None:
        return profile
    stall = Stall(at_seconds=FAULT_AFTER_SECONDS * SPEED, for_seconds=1e6, bandwidth_ratio=case.store_ratio)
    return profile.model_copy(update={"store": profile.store.model_copy(update={"stalls": [stall]})})


def record(name: str, case: Case, seed: int, folder: Path, into: Path) -> None:
    """One run of one case, written to `into/<name>.json.gz`; its people are those of the seed."""
    order = Order(
        scenario=load_scenario("smoke", []),
        scale=Scale(parse_sample(case.sample), SPEED, 0.1),
        seed=seed,
        for_seconds=1e4,
        profile=profile_of(case),
        target_url=None,
        server_processes=SERVER_PROCESSES,
        generator_processes=1,
        run_id=f"drill-{name}",
        folder=folder,
        faults=tuple(RehearsedFault(setting=setting, at_seconds=FAULT_AFTER_SECONDS, value=value) for setting, value in case.settings),
    )
    run = secrets.randbits(40) | 1
    with ExitStack() as stack:
        began_us = monotonic_us()
        ready = start_server(order, run, stack)
        plan = orders_for_generator(order, run, ready)
        write_model(folder / PLAN_FILE, plan)
        environment = {PLAN_VARIABLE: str(folder / PLAN_FILE), PROCESS_VARIABLE: "0", METRICS_PORT_VARIABLE: str(GENERATOR_PORT)}
        command = ["locust", "-f", "loadtests/locustfiles/surge.py", "--headless", "--only-summary"]
        generator = stack.enter_context(Child("the generator", command, folder / "generator-0.log", environment))
        generator.wait_for("ready", 60.0)
        zero_us = monotonic_us() + MICROSECONDS
        generator.tell({"zero_us": zero_us})
        pages = {("gelombang-server", url.split("/")[2]): url for url in ready["metrics_urls"]}
        pages["gelombang-generator", f"127.0.0.1:{GENERATOR_PORT}"] = f"http://127.0.0.1:{GENERATOR_PORT}/metrics"
        ended = threading.Event()
        scraper = Scraper(pages, zero_us)
        fault_us = began_us + round(FAULT_AFTER_SECONDS * MICROSECONDS)
        with scraper.running():
            listen_until(fault_us, generator)
            threads = interfere(case, ended, ready["pids"], generator, folder / "site" / DATABASE_FILE)
            listen_until(fault_us + round(RECORDED_AFTER_SECONDS * MICROSECONDS), generator)
            ended.set()
            for thread in threads:
                thread.join()
    provenance = {
        "recorded_by": f"benchmarks/record_drill.py --seed {seed} {name}",
        "recorded_at": utc_now().isoformat(timespec="seconds"),
        "commit": commit() or "unknown",
        "case": str(case),
        "machine": f"{os.cpu_count()} cores",
    }
    stored = StoredRun(
        title=name,
        provenance=provenance,
        speed=SPEED,
        fault_seconds=(fault_us - zero_us) / MICROSECONDS if case.expected else None,
        expected=[str(cause) for cause in case.expected],
        processes=[
            stored_process((job, instance), scraper.missed[job, instance], scraper.times[job, instance], scraper.samples[job, instance])
            for job, instance in pages
        ],
    )
    into.mkdir(parents=True, exist_ok=True)
    write_drill(into / f"{name}.json.gz", stored)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parsed = parser.parse_args()
    unknown = set(parsed.cases) - set(CASES)
    if unknown:
        sys.exit(f"no case is called {', '.join(sorted(unknown))}; want some of {', '.join(CASES)}")
    for name in parsed.cases or CASES:
        with tempfile.TemporaryDirectory(prefix="gelombang-drill-") as folder:
            record(name, CASES[name], parsed.seed, Path(folder), parsed.into)
        print(name, flush=True)


if __name__ == "__main__":
    main()
