"""`gelombang join`: lay what your own service saw beside a run of the past: its proxy's access log, its middleware's ledgers, its metrics.

The run's record and page are made anew. All may be joined, one after the other; joining again replaces what was joined before.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from gelombang.access_log import LogFormat, read_access_log
from gelombang.audit import AUDIT_FILE, audit
from gelombang.errors import ExitCode, InputError
from gelombang.evidence import SERVICE_FILE, Evidence, read_evidence
from gelombang.host_samples import dropped_by_kernel
from gelombang.join import join
from gelombang.joined_log import JoinedLog
from gelombang.log_join import join_log
from gelombang.record import RunRecord, read_record, write_record
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, read_model, write_model
from gelombang.service_ledger import take_service_ledgers
from gelombang.service_metrics import StageReading
from gelombang.site_hosts import take_site_hosts
from gelombang.summary import digests
from gelombang.upload_totals import places_of, upload_rows, windows_where
from gelombang.windows import WindowGrid
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder
from gelombang_cli.service_metrics import read_stages
from gelombang_cli.site_stores import elsewhere
from gelombang_reports.detail import read_detail
from gelombang_reports.page import write_page

PAGE_FILE = "report.html"
LEDGER_SIDE = "service ledger"
SITE_SIDE = "site"
LOG_SIDE = "joined log"
METRICS_SIDE = "server metrics"
_ONE_END = "one-end"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("join", help="lay your own service's access log or ledgers beside a run", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="folder of a run against a target of your own")
    parser.add_argument("--log", type=Path, metavar="FILE", help="access log with the trace id in each line; plain or gz")
    parser.add_argument("--format", choices=[form.value for form in LogFormat], default=LogFormat.NGINX.value, help="of the log; nginx")
    parser.add_argument("--ledger", type=Path, metavar="DIR", help="the folder that the middleware writes (docs/ledger.md)")
    parser.add_argument(
        "--site",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of a reference server that it was sent to; one per host",
    )
    parser.add_argument("--metrics", action="store_true", help="ask the Prometheus of the scenario's [server_metrics] (docs/ledger.md)")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    if parsed.log is None and parsed.ledger is None and not parsed.metrics and not parsed.site:
        raise InputError("none of --log, --ledger, --site and --metrics is given; want what your service saw, such as --log access.log")
    if parsed.site and parsed.ledger is not None:
        raise InputError("--site and --ledger are both given; want the reference server's folders, or those of your own service")
    folder = existing_run_folder(parsed.run)
    record, plan = read_record(folder), read_model(folder / PLAN_FILE, RunPlan)
    if (folder / SERVER_FILE).exists():
        raise InputError(f"{parsed.run} ran against the reference server, whose ledger it has; want a run with --target")
    if parsed.site:
        rows = take_site_hosts(folder, parsed.site, plan, read_evidence(folder, plan).generator)
        record = _with_site(folder, record, plan)
        print(f"{rows:,} rows in the ledgers of {len(parsed.site)} hosts; {record.unexplained:,} unexplained")
    if parsed.ledger is not None:
        attempts = take_service_ledgers(folder, parsed.ledger, plan, read_evidence(folder, plan).generator, plan.scenario.journey)
        record = _with_ledger(folder, record, plan)
        print(f"{attempts:,} attempts in the service's ledgers; {record.unexplained:,} unexplained")
    if parsed.log is not None:
        form = LogFormat(parsed.format)
        log = read_access_log(parsed.log, form, plan.run)
        joined = join_log(read_evidence(folder, plan).generator, plan.scenario.journey, log, form, plan.scale.speed)
        if not joined.seen:
            raise InputError(
                f"{parsed.log} has {log.lines:,} lines and none of this run's attempts; want a log of the same hour with $http_traceparent"
            )
        record = _covered(record, {"log": joined})
        for line in _lines(joined):
            print(line)
    if parsed.metrics:
        readings = read_stages(record, plan)
        record = _covered(record, {"server_metrics": readings})
        for stage in readings:
            print(_stage_line(stage))
    write_record(folder, record)
    write_page([record], folder / PAGE_FILE, details=[read_detail(folder, record)])
    print(f"coverage: {record.coverage}; {parsed.run.rstrip('/')}/{PAGE_FILE}")
    return ExitCode.AS_EXPECTED


def _with_site(folder: Path, record: RunRecord, plan: RunPlan) -> RunRecord:
    """As `_with_ledger`, with what all hosts share looked into for every acknowledged photo."""
    audited = audit(folder, read_evidence(folder, plan).acknowledged, elsewhere(folder))
    write_model(folder / AUDIT_FILE, audited)
    found = _with_ledger(folder, record, plan)
    if found.uploads is None:
        return found
    update = {"photos_acknowledged_lost": audited.lost, "audited": True, "stored_unheard_bytes": audited.stored_unheard_bytes}
    print(f"{audited.lost:,} lost of {audited.acknowledged:,} acknowledged photos")
    return found.model_copy(update={"uploads": found.uploads.model_copy(update=update)})


def _with_ledger(folder: Path, record: RunRecord, plan: RunPlan) -> RunRecord:
    evidence: Evidence = read_evidence(folder, plan)
    joined = join(evidence, plan.scenario.journey, dropped_by_kernel(record.host))
    uploads, windows = record.uploads, record.windows
    if uploads is not None:
        grid = WindowGrid.over(record.for_seconds, record.ended_seconds, plan.scale.speed)
        rows = upload_rows(evidence, joined.server_of, plan.scenario.journey)
        uploads = uploads.model_copy(update={"where": places_of(rows)})
        windows = windows.model_copy(update={"upload_where": windows_where(rows, grid)})
    return _covered(
        record,
        {
            "join": joined.cells,
            "unexplained": joined.unexplained,
            "uploads": uploads,
            "windows": windows,
            "files": digests(folder),
        },
    )


def _covered(record: RunRecord, joined: Mapping[str, object]) -> RunRecord:
    """The record with what was joined, which says so and no longer doubts for the want of it."""
    found = record.model_copy(update=dict(joined))
    ends = [(SITE_SIDE, SERVER_FILE in found.files), (LEDGER_SIDE, SERVICE_FILE in found.files), (LOG_SIDE, found.log is not None)]
    sides = [words for words, is_there in (*ends, (METRICS_SIDE, bool(found.server_metrics))) if is_there]
    # Metrics are sums over everybody: they show no attempt from the other end.
    doubts = [doubt for doubt in found.doubts if doubt.name != _ONE_END or not any(is_there for _, is_there in ends)]
    return found.model_copy(update={"coverage": " + ".join(["client", *sides]), "doubts": doubts})


def _stage_line(stage: StageReading) -> str:
    if stage.median_seconds is None or stage.largest_seconds is None or stage.largest_at_seconds is None:
        return f"{stage.stage}: no sample in the time of the run"
    largest = f"at most {stage.largest_seconds:.4g} s, at {stage.largest_at_seconds:.0f} s"
    return f"{stage.stage}: median {stage.median_seconds:.4g} s, {largest}; {stage.samples:,} moments"


def _lines(joined: JoinedLog) -> list[str]:
    found = [
        f"{joined.lines:,} lines: {joined.other_lines:,} of other requests, {joined.unreadable_lines:,} not of the format {joined.format}",
        f"{joined.seen:,} attempts seen, {joined.unseen:,} unseen",
    ]
    elsewhere = [step.step for step in joined.steps if step.attempts and not step.covered]
    if elsewhere:
        found.append(f"not behind this log: {', '.join(elsewhere)}")
    for cell in joined.cells:
        if not cell.agrees:
            logged = "unseen" if cell.log_status is None else cell.log_status
            found.append(f"  {cell.attempts:,} × {cell.client_outcome} {cell.client_status or ''} | log {logged}: {cell.meaning}")
    return found
