"""A past run in a Prometheus again: from the data that it kept itself, or back-filled from the series that every run keeps.

Back-filling writes the kept series as OpenMetrics with their own moments, lets `promtool` make blocks of them, and then lets it evaluate
the recording rules over the run's time, one round for each layer of rules that read other rules. Alerts are not evaluated again.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gelombang.clock import MICROSECONDS
from gelombang.errors import HostError, RecordError
from gelombang.openmetrics import openmetrics_lines
from gelombang.resources import dashboards_folder
from gelombang.series_file import SERIES_FILE, RunSeries, read_series
from gelombang_cli.prometheus import DATA, FOLDER, Prometheus, installed
from gelombang_dashboards.prometheus import RULE_FILES, prometheus_config

RULE_LAYERS = 3
"""Rules that read rules that read rules; a deeper one has no series in a back-filled run."""
EVALUATED_EVERY_SECONDS = 5.0
PROMTOOL_WITHIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Span:
    """From the first scrape of a run to its last, Unix time."""

    from_seconds: float
    to_seconds: float


def span_of(run: RunSeries) -> Span:
    """Raises RecordError when nothing was scraped."""
    moments = [t_us for scrapes in run.scrapes_us.values() for t_us in (*scrapes[:1], *scrapes[-1:])]
    if not moments:
        raise RecordError("no process of the run was ever scraped; want a run whose server or generator answered")
    return Span(run.zero_at_seconds + min(moments) / MICROSECONDS, run.zero_at_seconds + max(moments) / MICROSECONDS)


def open_data(folder: Path, port: int) -> Prometheus:
    """A Prometheus, not yet started, whose data is the run's. Raises HostError or RecordError."""
    if not (folder / FOLDER / DATA).exists():
        back_fill(read_series(folder / SERIES_FILE), folder, shipped_rules())
    # Without targets and rules: a past run gets no new samples.
    return Prometheus(folder, prometheus_config([], rules=False), port)


def shipped_rules() -> list[Path]:
    """The files of the recording rules and alerts."""
    return [dashboards_folder() / "prometheus" / name for name in RULE_FILES]


def back_fill(run: RunSeries, folder: Path, rules: Sequence[Path], evaluated_every_seconds: float = EVALUATED_EVERY_SECONDS) -> None:
    """Make the Prometheus data of a run from its kept series, and the series of the recording rules. All or nothing."""
    data = folder / FOLDER / DATA
    data.mkdir(parents=True)
    try:
        _make_blocks(run, folder, rules, evaluated_every_seconds)
    except BaseException:
        shutil.rmtree(data)
        raise


def _make_blocks(run: RunSeries, folder: Path, rules: Sequence[Path], every_seconds: float) -> None:
    span, data = span_of(run), folder / FOLDER / DATA
    with tempfile.NamedTemporaryFile("w", dir=folder / FOLDER, suffix=".om", encoding="utf-8") as text:
        text.writelines(f"{line}\n" for line in openmetrics_lines(run))
        text.flush()
        _promtool("create-blocks-from", "openmetrics", text.name, str(data))
    for _ in range(RULE_LAYERS):
        with Prometheus(folder, prometheus_config([], rules=False)) as prometheus:
            span_options = [f"--start={span.from_seconds:.3f}", f"--end={span.to_seconds:.3f}", f"--eval-interval={every_seconds:g}s"]
            _promtool("create-blocks-from", "rules", f"--url={prometheus.url}", *span_options, f"--output-dir={data}", *map(str, rules))


def _promtool(*arguments: str) -> None:
    run = subprocess.run(
        [installed("promtool"), "tsdb", *arguments], capture_output=True, check=False, timeout=PROMTOOL_WITHIN_SECONDS, text=True
    )
    if run.returncode != 0:
        raise HostError(f"promtool tsdb {' '.join(arguments[:2])} ended with exit code {run.returncode}: {_last(run.stderr.splitlines())}")


def _last(lines: Iterable[str]) -> str:
    return next((line for line in reversed(list(lines)) if line.strip()), "it said nothing")
