"""`gelombang dashboards serve`: open a past run in a Prometheus again, until Ctrl-C; `openmetrics`: its series as text."""

import argparse
import math
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from gelombang import telemetry
from gelombang.errors import ExitCode, HostError
from gelombang.openmetrics import openmetrics_lines
from gelombang.series_file import SERIES_FILE, read_series
from gelombang_cli.arguments import Commands
from gelombang_cli.past_run import Span, open_data, span_of
from gelombang_cli.runfolder import existing_run_folder

LOOK_EVERY_SECONDS = 0.5


def add_parts(parts: Commands) -> None:
    serve = parts.add_parser("serve", help="open a past run in the installed Prometheus again, until Ctrl-C")
    serve.add_argument("run", metavar="RUN", help="folder of a run")
    serve.add_argument("--port", type=int, default=0, help="port on this machine (default 0: any free one)")
    serve.set_defaults(command=_serve)
    text = parts.add_parser("openmetrics", help="the series that a run kept as OpenMetrics text, for promtool to back-fill with")
    text.add_argument("run", metavar="RUN", help="folder of a run")
    text.set_defaults(command=_openmetrics)


def _serve(parsed: argparse.Namespace) -> ExitCode:
    folder = existing_run_folder(parsed.run)
    span = span_of(read_series(folder / SERIES_FILE))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_data(folder, parsed.port) as prometheus:
        print(banner(folder, prometheus.url, span), flush=True)
        while prometheus.running and not stop.wait(LOOK_EVERY_SECONDS):
            pass
        if not prometheus.running:
            raise HostError(prometheus.died)
    return ExitCode.AS_EXPECTED


def banner(folder: Path, url: str, span: Span) -> str:
    """Where it is, and from when to when there is something to see."""
    first, last = (datetime.fromtimestamp(at, UTC) for at in (span.from_seconds, span.to_seconds))
    # Prometheus's page knows whole minutes only.
    end = datetime.fromtimestamp(60 * math.ceil(span.to_seconds / 60), UTC)
    minutes = math.ceil((end.timestamp() - span.from_seconds) / 60)
    query = quote(f"sum by (outcome) (rate({telemetry.UPLOAD_ATTEMPTS.name}[15s]))")
    return "\n".join(
        [
            f"{folder} is open: {url}",
            f"  from     {first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC",
            f"  look     {url}/graph?g0.expr={query}&g0.tab=0&g0.range_input={minutes}m&g0.end_input={quote(f'{end:%Y-%m-%d %H:%M}')}",
            f"  Grafana  data source {url}, type Prometheus, scrape interval 1s",
            "Ctrl-C ends it.",
        ]
    )


def _openmetrics(parsed: argparse.Namespace) -> ExitCode:
    for line in openmetrics_lines(read_series(existing_run_folder(parsed.run) / SERIES_FILE)):
        sys.stdout.write(f"{line}\n")
    return ExitCode.AS_EXPECTED
