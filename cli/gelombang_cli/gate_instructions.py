"""`gelombang gate instructions`: does head need more instructions per request than base?"""

import argparse
import os
import sys
from pathlib import Path

from gelombang.errors import ExitCode, InputError
from gelombang_cli.arguments import Commands, check_writable
from gelombang_cli.following import terminated
from gelombang_gates.comparing import Outcome
from gelombang_gates.function_table import instructed_as_json, instructed_as_junit, instructed_told
from gelombang_gates.gate_file import GATE_FILE, chosen, load_gate
from gelombang_gates.instructions import Instructed, instructed
from gelombang_gates.paired import PAIRS_LEAST, Orders
from gelombang_gates.revision import cache_folder


def add_instructions(gates: Commands) -> None:
    """The command's own options."""
    parser = gates.add_parser(
        "instructions", help="instructions per request under callgrind, of two revisions", description=instructed.__doc__
    )
    parser.add_argument("--base", required=True, metavar="REV", help="the revision to compare with")
    parser.add_argument("--head", default="HEAD", metavar="REV", help="the one that is judged (default HEAD)")
    parser.add_argument(
        "--config", type=Path, default=Path(GATE_FILE), metavar="FILE", help=f"file with a [gate] table (default {GATE_FILE})"
    )
    parser.add_argument("--route", action="append", default=[], metavar="NAME", help="only this route")
    parser.add_argument("--python", type=Path, metavar="FILE", help="run both on this interpreter and install nothing")
    parser.add_argument("--cache", type=Path, default=None, metavar="DIR", help="where builds are kept (default: in ~/.cache)")
    parser.add_argument("--strict", action="store_true", help="end with 3 when nothing could be decided")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the verdict as JSON on standard output")
    form.add_argument("--junit", type=Path, metavar="FILE", help="write the verdict as JUnit, too")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="add the verdict as Markdown to this file, such as a job summary")
    parser.set_defaults(command=_command)


def interpreter(python: Path | None) -> Path | None:
    """What --python names, where that is an interpreter. Raises InputError."""
    if python is None:
        return None
    if not python.is_file():
        raise InputError(f"--python is {python}; want a Python interpreter")
    return python.absolute()


def _command(parsed: argparse.Namespace) -> ExitCode:
    check_writable("--summary", parsed.summary)
    check_writable("--junit", parsed.junit)
    orders = Orders(
        repository=Path.cwd(),
        base=parsed.base,
        head=parsed.head,
        gate=chosen(load_gate(parsed.config), parsed.route),
        pairs=PAIRS_LEAST,
        seed=0,
        cache=parsed.cache or cache_folder(),
        python=interpreter(parsed.python),
    )
    must_run = os.environ.get("CI") == "true"
    with terminated():
        verdict = instructed(orders, must_run, lambda line: print(f"gate: {line}", file=sys.stderr, flush=True))
    if parsed.summary is not None:
        with parsed.summary.open("a") as summary:
            summary.write(instructed_told(verdict))
    if parsed.junit is not None:
        parsed.junit.write_text(instructed_as_junit(verdict))
    sys.stdout.write(instructed_as_json(verdict) if parsed.json else instructed_told(verdict))
    return _exit_code(verdict, parsed.strict)


def _exit_code(verdict: Instructed, strict: bool) -> ExitCode:
    if verdict.is_failure:
        return ExitCode.FAILED
    undecided = verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.UNFIT)
    return ExitCode.UNTRUSTED if undecided and strict else ExitCode.AS_EXPECTED
