"""What the reference server carries: `make bench-server`.

    python -m server_bench [--rounds N] [--only PART ...] [--tus DIR] [--database URL] [--plot FILE] [--write FILE]

Parts: uploads, steps, flow, slow, goodput, bulkhead, processor.

Rows that name a peer are measured in one run, interleaved, server on one core and client on the other, on one disk. Figures of one machine
and moment: compare rows, not runs. `--write` puts the table between the marks of a Markdown file, `--plot` draws the goodput curves.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from between_marks import write_between
from server_bench import flow, goodput, plot, slow, steps, uploads
from server_bench.site import CLIENT_CORE, profile

from gelombang.clock import utc_now
from gelombang_server.real_limits import require_limits

PARTS = ("uploads", "steps", "flow", "slow", "goodput", "bulkhead", "processor")
SLOW_PEOPLE = 2_000
RUNS = Path("runs")
MARKS = "bench-server"


class Table:
    """Lines of the table, printed as they come."""

    def __init__(self) -> None:
        self.lines = ["| what | found |", "|---|---|"]

    def row(self, what: str, found: str) -> None:
        print(f"{what:64} {found}", flush=True)
        self.lines.append(f"| {what} | {found} |")


def shown(values: list[float], unit: str = "", digits: int = 0) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):,.{digits}f}{unit} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def _uploads(table: Table, folder: Path, options: argparse.Namespace) -> None:
    found, skipped = uploads.rows(folder, options.rounds, options.tus)
    for name, values in found.items():
        others = [(peer, rates) for peer, rates in found.items() if not peer.startswith("ours")] if name.startswith("ours") else []
        ratios = [
            f"{statistics.median(a.per_second / b.per_second for a, b in zip(values, rates, strict=True)):.2f} × {peer.split(',')[0]}"
            for peer, rates in others
        ]
        cpu = f"; server's CPU {shown([value.cpu_us for value in values], ' µs')} an upload"
        table.row(
            f"upload of {uploads.PHOTO_BYTES:,} bytes: {name}", ", ".join([shown([v.per_second for v in values], "/s"), *ratios]) + cpu
        )
    for reason in skipped:
        print(f"skipped: {reason}")


def _steps(table: Table, folder: Path, options: argparse.Namespace) -> None:
    for name, values in steps.rows(folder, options.rounds, options.database).items():
        cpu = shown([value.cpu_us for value in values], " µs")
        table.row(f"small JSON step: {name}", f"{shown([value.per_second for value in values], '/s')}; server's CPU {cpu} a request")


def _flow(table: Table, folder: Path, options: argparse.Namespace) -> None:
    values = flow.rows(folder, options.rounds)
    cpu = shown([value.cpu_ms for value in values], " ms", 2)
    rate = shown([value.per_second for value in values], " people/s")
    table.row("the whole flow, client beside it", f"{rate}; server's CPU {cpu} a person")


def _slow(table: Table, folder: Path, options: argparse.Namespace) -> None:
    found = slow.rows(folder, SLOW_PEOPLE)
    table.row(f"{SLOW_PEOPLE:,} slow uploads of 2 MB at once", "; ".join(f"{what} {size:.0f} MB" for what, size in found.items()))


def _goodput(table: Table, folder: Path, options: argparse.Namespace) -> None:
    points: dict[str, dict[str, float]] = {}
    if options.points is not None and options.points.exists():
        points = json.loads(options.points.read_text())
    for load in options.loads:
        for name in goodput.PROFILES:
            for persona in options.personas:
                cell = goodput.cell(folder, name, persona, load)
                points.setdefault(f"{name} {persona}", {})[f"{load:g}"] = round(cell.per_second, 1)
                table.row(
                    f"goodput at {load} × {goodput.LIMIT_PER_SECOND:g} photos/s: {name}, {persona}",
                    f"{cell.per_second:.1f}/s of {cell.tries_per_second:.0f} tries/s; "
                    f"small step p50 {cell.small_p50_ms:.1f}, p99 {cell.small_p99_ms:.1f} ms{_late(cell)}",
                )
    if options.points is not None:
        options.points.write_text(json.dumps(points, indent=1) + "\n")
    if options.plot is not None:
        curves: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for both, cells in points.items():
            name, persona = both.split(" ")
            curves[name, persona] = sorted((float(load), value) for load, value in cells.items())
        title = "The same store, the same people, two sites"
        note = f"gelombang, make bench-server, {utc_now():%d %B %Y}; {goodput.FOR_SECONDS:g} s a point after {goodput.WARM_SECONDS:g} s"
        options.plot.write_text(plot.svg(curves, goodput.LIMIT_PER_SECOND, title, note))


def _late(cell: goodput.Cell) -> str:
    return "" if cell.late_p99_ms < goodput.LATE_LIMIT_MS else f"; the client was late, p99 {cell.late_p99_ms:.0f} ms"


def _bulkhead(table: Table, folder: Path, options: argparse.Namespace) -> None:
    """A small step beside the storm, against the same storm into a sink: interleaved, one after the other."""
    for load in options.loads:
        for persona in options.personas:
            sink = goodput.sink_cell(folder, persona, load)
            ours = goodput.cell(folder, "hardened", persona, load)
            p50, p99 = ours.small_p50_ms / sink.small_p50_ms, ours.small_p99_ms / sink.small_p99_ms
            table.row(
                f"small step beside {load} × {goodput.LIMIT_PER_SECOND:g} photos/s: hardened, {persona}",
                f"p50 {p50:.2f} × a sink's ({ours.small_p50_ms:.1f} and {sink.small_p50_ms:.1f} ms), "
                f"p99 {p99:.2f} × ({ours.small_p99_ms:.1f} and {sink.small_p99_ms:.1f} ms){_late(ours) or _late(sink)}",
            )


def _processor(table: Table, folder: Path, options: argparse.Namespace) -> None:
    """Goodput at twice what the server's share of a core can do, against that."""
    require_limits(profile("hardened", machine={"cores_limit": goodput.CORES_LIMIT}))
    for persona in options.personas:
        peak = max((goodput.cpu_cell(folder, persona, rate) for rate in goodput.CPU_PER_SECOND), key=lambda cell: cell.per_second)
        twice = goodput.cpu_cell(folder, persona, 2 * peak.per_second)
        table.row(
            f"goodput at 2 × {goodput.CORES_LIMIT} of a core: hardened, {persona}",
            f"{twice.per_second:.0f}/s, {twice.per_second / peak.per_second:.2f} of its peak of {peak.per_second:.0f}/s{_late(twice)}",
        )


MEASURES: dict[str, Callable[[Table, Path, argparse.Namespace], None]] = {
    "uploads": _uploads,
    "steps": _steps,
    "flow": _flow,
    "slow": _slow,
    "goodput": _goodput,
    "bulkhead": _bulkhead,
    "processor": _processor,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--loads", type=int, nargs="+", default=goodput.LOADS, help="times the store's limit")
    parser.add_argument("--personas", choices=goodput.PERSONAS, nargs="+", default=goodput.PERSONAS)
    parser.add_argument("--tus", type=Path, metavar="DIR", help="where `npm install @tus/server @tus/file-store` ran")
    parser.add_argument("--database", metavar="URL", help="measure the small step on this PostgreSQL, too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the goodput curves as SVG")
    parser.add_argument("--points", type=Path, metavar="FILE", help="keep the goodput points in FILE, and draw those that are there, too")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between its marks in this file")
    options = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE})
    table = Table()
    # On this disk, and where neither `git clean` nor `git stash -u` looks: a storm lost its photos under its feet by one of them.
    RUNS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-server-", dir=RUNS.resolve()) as text:  # nginx asks for whole paths
        for part in PARTS:
            if part in options.only:
                MEASURES[part](table, Path(text), options)
    if options.write is not None:
        write_between(options.write, MARKS, table.lines)


if __name__ == "__main__":
    main()
