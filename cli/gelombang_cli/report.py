"""`gelombang report`: the page, the summary, Markdown or JUnit again, from the records alone."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from gelombang.errors import ExitCode
from gelombang.record import read_record
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder
from gelombang_reports.console import console_summary
from gelombang_reports.junit import junit_xml
from gelombang_reports.markdown import markdown_summary
from gelombang_reports.page import write_page


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("report", help="make a run's page again, or its summary in another form", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run; several make one page, side by side")
    parser.add_argument("--page", type=Path, metavar="FILE", help="where the page goes (default: report.html in the last run's folder)")
    parser.add_argument("--format", choices=("page", "markdown", "junit", "json"), default="page", help="default: page, and a summary here")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    folders = [existing_run_folder(path) for path in parsed.runs]
    records = [read_record(folder) for folder in folders]
    match parsed.format:
        case "markdown":
            sys.stdout.write(markdown_summary(records))
        case "junit":
            sys.stdout.write(junit_xml(records))
        case "json":
            for record in records:
                print(record.model_dump_json())
        case _:
            page = parsed.page or folders[-1] / "report.html"
            write_page(records, page)
            console_summary(records, Console(), page)
    return ExitCode.AS_EXPECTED
