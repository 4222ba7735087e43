"""Collects blocks for as long as it is told to: one quiet, one with a noisy neighbour, and so on; each is kept as soon as it is there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gate_study.blocks import STAND_INS, Block, append_block, read_blocks

from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import InputError
from gelombang_gates.gate_file import load_gate
from gelombang_gates.health import machine_class
from gelombang_gates.paired import Orders, build_both, command_sides, look_at_both
from gelombang_gates.pairs import ALL_COSTS, Bench, measure_pair
from gelombang_gates.revision import cache_folder, commit_of

NEIGHBOUR_SECONDS_LIMIT = 120.0
"""It ends by itself after so long, whatever becomes of the collector."""


def collect(repository: Path, table: Path, data: Path, minutes: float, say: Callable[[str], None]) -> int:
    """Build, then measure until the minutes are over; how many blocks were added, one at least. Raises InputError for a revision that does
    not build or answer."""
    gate = load_gate(table)
    seed = len(read_blocks(data))
    orders = Orders(repository, "HEAD", "HEAD", gate, 24, seed, cache_folder())
    base, head = command_sides(gate, *build_both(orders, say))
    looked = look_at_both(gate, base, head, say)
    requests = looked.requests
    if unseen := ALL_COSTS - looked.seen:
        raise InputError(f"{', '.join(sorted(unseen))} of the server can't be seen here; want an account that may read its own processes")
    bench = Bench(gate, base, head, requests, seed, STAND_INS)
    commit, machine = commit_of(repository, "HEAD"), machine_class()
    until_us = monotonic_us() + int(minutes * 60 * MICROSECONDS)
    added = 0
    while monotonic_us() < until_us:
        noisy = (seed + added) % 2 == 1
        began_us, load = monotonic_us(), os.getloadavg()[0]
        with _neighbour(noisy, seed + added):
            pair = measure_pair(bench, added, gate.route)
        seconds = (monotonic_us() - began_us) / MICROSECONDS
        known = {"at": utc_now().isoformat(timespec="seconds"), "machine": machine, "commit": commit, "neighbour": noisy}
        block = Block.of(pair, list(requests), **known, load=round(load, 2), seconds=round(seconds, 2), requests=requests)
        append_block(data, block)
        added += 1
        say(f"block {seed + added} {'with a neighbour ' if noisy else ''}in {seconds:.1f} s")
    return added


@contextmanager
def _neighbour(noisy: bool, seed: int) -> Iterator[None]:
    if not noisy:
        yield
        return
    command = [sys.executable, str(Path(__file__).with_name("neighbour.py")), str(NEIGHBOUR_SECONDS_LIMIT), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()
