"""The metrics of making photos durable: how long the disk takes to confirm, and how many photos wait for a thread."""

import os
from collections.abc import Callable

from gelombang import telemetry
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_server.directory_sync import Sync
from gelombang_server.metrics import Metrics

SYNCS: dict[str, Sync] = {"file": os.fdatasync, "directory": os.fsync}
"""What the disk is asked for, by the metric's label."""


def timed(metrics: Metrics, target: str, sync: Sync) -> Sync:
    """`sync`, with its time counted; one that fails has taken its time too."""
    seconds = metrics.histogram(telemetry.SYNC_SECONDS).labels(target)

    def run(descriptor: int) -> None:
        began_us = monotonic_us()
        try:
            sync(descriptor)
        finally:
            seconds.observe((monotonic_us() - began_us) / MICROSECONDS)

    return run


def watch_pool(metrics: Metrics, threads: int, in_progress: Callable[[], int], in_line: Callable[[], int]) -> None:
    """At each scrape, how many photos are in a thread and how many wait for one, in the pool or in the line before it."""
    metrics.gauge(telemetry.COMMIT_THREADS_LIMIT).set(threads)

    def look() -> None:
        now = in_progress()
        metrics.gauge(telemetry.COMMIT_THREADS_BUSY).set(min(now, threads))
        metrics.gauge(telemetry.COMMIT_QUEUE).set(max(0, now - threads) + in_line())

    metrics.at_scrape(look)
