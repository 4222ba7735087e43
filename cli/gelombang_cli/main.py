"""The `gelombang` command: reads the command line, calls one command, turns operator errors into one sentence and an exit code.

Idea: only the module of the command that was named is imported. All of them together bring numba, jinja2 and a client of Grafana along, and
cost three times as much before anything is done.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

from gelombang.errors import ExitCode, GelombangError
from gelombang_cli.arguments import Command, Commands

_MODULES = {
    "run": "run",
    "simulate": "simulate",
    "try": "trying",
    "preflight": "preflight",
    "serve": "serve",
    "report": "report",
    "join": "join",
    "verify": "verify",
    "gate": "gate",
    "capacity": "capacity",
    "cleanup": "cleanup",
    "doctor": "doctor",
    "scenario": "scenario",
    "dashboards": "dashboards",
}
"""Where each command is, in the order in which help lists them."""

_DESCRIPTION = """\
Replay a sign-up surge as open arrivals of people, see where uploads fail, and gate on it.

  gelombang run opening-hour            replay 11 April 2020 against both sites, with a page at the end
  gelombang simulate surge-2020         all 1.4 million people against a model of the site, in seconds
  gelombang try mine.toml --target URL  one person walks your journey, every step shown
  gelombang preflight mine.toml --target URL   what a run would do to it, for its security officer
  gelombang report runs/<id>            make the page again from a run's record
  gelombang join runs/<id> --log FILE   lay your own service's access log beside a run
  gelombang verify runs/<id>            prove that nothing acknowledged was lost and nothing is unexplained
  gelombang cleanup runs/<id>           remove from your own service whom a run made there
  gelombang serve --profile hardened    only the reference server, with the locust line to paste
  gelombang gate paired --base main     has this revision become slower, beyond chance and a budget?
  gelombang capacity find breakpoint    how much does this site carry, and what breaks first?
  gelombang doctor                      can this machine carry it?
"""


def build_parser(named: str | None = None) -> argparse.ArgumentParser:
    """The command line of one command, or the whole one, when none of that name is there; each command module adds its own part."""
    parser = argparse.ArgumentParser(prog="gelombang", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"gelombang {version('gelombang')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    modules = [_MODULES[named]] if named in _MODULES else list(_MODULES.values())
    for module in modules:
        add_command: Callable[[Commands], None] = import_module(f"gelombang_cli.{module}").add_command
        add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. Never shows a traceback for an operator's mistake."""
    if not sys.platform.startswith("linux"):
        print(f"gelombang: this is {sys.platform}; want Linux, whose clocks, descriptors and queues it measures", file=sys.stderr)
        return ExitCode.WRONG_INPUT
    words = sys.argv[1:] if argv is None else argv
    parsed = build_parser(next(iter(words), None)).parse_args(words)
    command: Command = parsed.command
    try:
        return int(command(parsed))
    except GelombangError as error:
        for line in str(error).splitlines():
            print(f"gelombang: {line}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return ExitCode.AS_EXPECTED
    except KeyboardInterrupt:
        print("gelombang: interrupted", file=sys.stderr)
        return ExitCode.STOPPED
