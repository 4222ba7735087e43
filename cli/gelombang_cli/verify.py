"""`gelombang verify`: prove from a run's files that nobody and nothing was lost, and that nothing is unexplained. Exit 1 otherwise."""

import argparse

from gelombang.errors import ExitCode
from gelombang.verification import verify
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder
from gelombang_cli.site_stores import elsewhere


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("verify", help="prove that nothing was lost and nothing is unexplained", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    code = ExitCode.AS_EXPECTED
    for path in parsed.runs:
        folder = existing_run_folder(path)
        result = verify(folder, elsewhere(folder))
        print(path)
        for line in result.lines():
            print(f"  {line}")
        if not result.holds:
            code = ExitCode.FAILED
    return code
