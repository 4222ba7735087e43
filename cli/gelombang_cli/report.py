"""`gelombang report`: a run's page again, or its summary in another form, from the files of its folder alone; two runs are compared."""

import argparse
import sys
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from gelombang.errors import ExitCode, InputError
from gelombang.record import read_record
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder
from gelombang_reports.console import console_summary
from gelombang_reports.csv_table import csv_table
from gelombang_reports.detail import read_detail
from gelombang_reports.json_report import json_report
from gelombang_reports.junit import junit_xml
from gelombang_reports.markdown import markdown_summary
from gelombang_reports.page import RECORDS_LIMIT, write_page


class ReportFormat(StrEnum):
    """What `report` makes."""

    HTML = "html"
    CONSOLE = "console"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    JSON = "json"
    CSV = "csv"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("report", help="make a run's page again, compare runs, or another form of it", description=__doc__)
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help=f"folder of a run; up to {RECORDS_LIMIT} are compared with the first, side by side"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="where the page goes (default: report.html in the last run's folder)")
    formats = [form.value for form in ReportFormat]
    parser.add_argument("--format", choices=formats, default="html", help="default: html, and a summary here; all others are printed")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    form = ReportFormat(parsed.format)
    if parsed.page is not None and form is not ReportFormat.HTML:
        raise InputError(f"--page is given with --format {form}; want it with html, all others go to standard output")
    if len(parsed.runs) > RECORDS_LIMIT:
        raise InputError(f"given {len(parsed.runs)} runs; want 1 to {RECORDS_LIMIT}, that fit side by side")
    folders = [existing_run_folder(path) for path in parsed.runs]
    records = [read_record(folder) for folder in folders]
    if form is ReportFormat.CONSOLE:
        console_summary(records, Console())
        return ExitCode.AS_EXPECTED
    if form is ReportFormat.JUNIT:
        sys.stdout.write(junit_xml(records))
        return ExitCode.AS_EXPECTED
    details = [read_detail(folder, record) for folder, record in zip(folders, records, strict=True)]
    match form:
        case ReportFormat.MARKDOWN:
            sys.stdout.write(markdown_summary(records, details=details))
        case ReportFormat.JSON:
            print(json_report(records, details))
        case ReportFormat.CSV:
            sys.stdout.write(csv_table(records, details))
        case _:
            page = parsed.page or folders[-1] / "report.html"
            write_page(records, page, details=details)
            console_summary(records, Console(), page)
    return ExitCode.AS_EXPECTED
