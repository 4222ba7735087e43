"""`gelombang gate`: has a revision become slower than another, beyond chance and beyond a budget?"""

import argparse
import secrets
import sys
from pathlib import Path

from gelombang.errors import ExitCode, InputError
from gelombang.record import read_record
from gelombang.segments import read_segments
from gelombang_cli.arguments import Commands, check_writable
from gelombang_cli.following import terminated
from gelombang_cli.gate_images import images_of
from gelombang_cli.gate_instructions import add_instructions, interpreter
from gelombang_cli.runfolder import existing_run_folder
from gelombang_gates.benchmarks import benchmarks_as_junit, benchmarks_told, compare_benchmarks
from gelombang_gates.comparing import Outcome
from gelombang_gates.containers import Images
from gelombang_gates.gate_file import GATE_FILE, Gate, chosen, load_gate
from gelombang_gates.health import healths, kept, lines_of
from gelombang_gates.paired import Orders, Verdict, paired
from gelombang_gates.revision import cache_folder, last_release
from gelombang_gates.runs import Budgets, GatedRun, compare_runs
from gelombang_gates.sequence import Judged, Limits
from gelombang_gates.telling import HEADINGS, as_json, as_junit, health_as_json, health_told, runs_as_json, runs_as_junit, runs_told, told

_PAIRS = 24


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("gate", help="has a revision become slower, beyond chance and a budget?", description=__doc__)
    gates = parser.add_subparsers(title="gates", metavar="GATE", required=True)
    _add_paired(gates)
    _add_drift(gates)
    _add_run(gates)
    add_instructions(gates)
    _add_benchmarks(gates)
    health = gates.add_parser("health", help="how the gate itself has fared on each class of machine", description=health_told.__doc__)
    health.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="health.jsonl of other machines or nights (default: this account's)"
    )
    health.add_argument("--cache", type=Path, default=None, metavar="DIR", help="where builds and the gate's own record are kept")
    health.add_argument("--json", action="store_true", help="the rates as JSON on standard output")
    health.add_argument("--summary", type=Path, metavar="FILE", help="add the rates as Markdown to this file, such as a job summary")
    health.set_defaults(command=_health)


def _add_run(gates: Commands) -> None:
    parser = gates.add_parser("run", help="one run against another of the same thing", description=compare_runs.__doc__)
    parser.add_argument("first", metavar="A", help="folder of the run to compare with")
    parser.add_argument("second", metavar="B", help="folder of the run that is judged")
    parser.add_argument("--budget", default="10%", metavar="P", help="how much longer a quantile of response may be (default 10%%)")
    parser.add_argument("--share-budget", default="1%", metavar="P", help="of attempts or people, how many more may go wrong (default 1%%)")
    parser.add_argument("--whole", action="store_true", help="show what is no worse, too")
    parser.add_argument("--strict", action="store_true", help="end with 3 when nothing could be decided")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the verdict as JSON on standard output")
    form.add_argument("--junit", type=Path, metavar="FILE", help="write the verdict as JUnit, too")
    parser.set_defaults(command=_run)


def _run(parsed: argparse.Namespace) -> ExitCode:
    check_writable("--junit", parsed.junit)
    budgets = Budgets(parse_ratio("--budget", parsed.budget), parse_ratio("--share-budget", parsed.share_budget))
    first, second = _gated(parsed.first, parsed.second)
    compared = compare_runs(first, second, budgets)
    if parsed.junit is not None:
        parsed.junit.write_text(runs_as_junit(compared))
    sys.stdout.write(runs_as_json(compared) if parsed.json else runs_told(compared, first.name, second.name, parsed.whole))
    if compared.judged is Judged.FAIL:
        return ExitCode.FAILED
    return ExitCode.UNTRUSTED if compared.judged is Judged.INCONCLUSIVE and parsed.strict else ExitCode.AS_EXPECTED


def _add_benchmarks(gates: Commands) -> None:
    words = "pytest-benchmark's saved runs of two revisions, as pairs"
    parser = gates.add_parser("benchmarks", help=words, description=compare_benchmarks.__doc__)
    parser.add_argument("base", type=Path, metavar="BASE", help="folder with a saved run for each process of base")
    parser.add_argument("head", type=Path, metavar="HEAD", help="the same of head; the n-th of both are a pair")
    parser.add_argument("--budget", default="2%", metavar="P", help="how much longer a median may be (default 2%%)")
    parser.add_argument("--detect", default="10%", metavar="P", help="the slowdown that must be excluded for a pass (default 10%%)")
    parser.add_argument("--strict", action="store_true", help="end with 3 when nothing could be decided")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the verdict as JUnit, too")
    parser.set_defaults(command=_benchmarks)


def _benchmarks(parsed: argparse.Namespace) -> ExitCode:
    check_writable("--junit", parsed.junit)
    limits = Limits(parse_ratio("--budget", parsed.budget), parse_ratio("--detect", parsed.detect))
    if limits.detect <= limits.budget:
        raise InputError(f"--detect is {parsed.detect}; want more than the budget of {parsed.budget}")
    compared = compare_benchmarks(parsed.base, parsed.head, limits)
    if parsed.junit is not None:
        parsed.junit.write_text(benchmarks_as_junit(compared))
    sys.stdout.write(benchmarks_told(compared, HEADINGS[compared.outcome]))
    if compared.outcome is Outcome.FAIL:
        return ExitCode.FAILED
    return ExitCode.UNTRUSTED if compared.outcome is Outcome.INCONCLUSIVE and parsed.strict else ExitCode.AS_EXPECTED


def _gated(*paths: str) -> list[GatedRun]:
    """These runs, each another one. Raises InputError."""
    folders = [existing_run_folder(path) for path in paths]
    records = [read_record(folder) for folder in folders]
    runs = {record.run_id: path for record, path in zip(records, paths, strict=True)}
    if len(runs) < len(paths):
        [own] = runs
        raise InputError(f"{' and '.join(paths)} are both the run {own}; want two runs")
    return [GatedRun(path, record, read_segments(folder)) for path, record, folder in zip(paths, records, folders, strict=True)]


def _add_paired(gates: Commands) -> None:
    parser = gates.add_parser("paired", help="two revisions, built side by side, in fresh pairs of processes", description=paired.__doc__)
    parser.add_argument("--base", metavar="REV", help="the revision to compare with")
    images = parser.add_argument_group("two images in place of two revisions")
    images.add_argument("--compose", type=Path, metavar="FILE", help="compose file that starts the service, by docker or podman")
    images.add_argument("--base-image", metavar="IMAGE", help="the image to compare with")
    images.add_argument("--head-image", metavar="IMAGE", help="the one that is judged")
    images.add_argument("--compose-service", metavar="NAME", help="the service that gets the image (default: the only one)")
    images.add_argument("--compose-port", type=int, metavar="N", help="its port inside the container (default: the one in ports)")
    _add_options(parser)
    parser.set_defaults(command=_paired)


def _add_drift(gates: Commands) -> None:
    parser = gates.add_parser("drift", help="head against the last release: do many small passes add up?", description=paired.__doc__)
    parser.add_argument("--base", metavar="REV", help="the release (default: the youngest tag that head goes back to)")
    _add_options(parser)
    parser.set_defaults(command=_drift)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--head", default="HEAD", metavar="REV", help="the one that is judged (default HEAD)")
    parser.add_argument("--command", dest="service", metavar="LINE", help="starts the server; {port} is where it must listen")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"file with a [gate] table (default: {GATE_FILE} here, if there is one)"
    )
    parser.add_argument(
        "--route", action="append", default=[], metavar="NAME", help="only this route; without routes in a file 'GET /path'"
    )
    parser.add_argument("--budget", metavar="P", help="the slowdown that is allowed, such as 0.5%% (default: the file's, or 0.5%%)")
    parser.add_argument(
        "--pairs", type=int, default=_PAIRS, metavar="N", help=f"pairs of processes; up to half as many more (default {_PAIRS})"
    )
    parser.add_argument("--python", type=Path, metavar="FILE", help="run both on this interpreter and install nothing")
    parser.add_argument("--cache", type=Path, default=None, metavar="DIR", help="where builds are kept (default: in ~/.cache)")
    parser.add_argument("--seed", type=int, help="of the order within pairs (default: drawn)")
    parser.add_argument("--strict", action="store_true", help="end with 3 when nothing could be decided")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the verdict as JSON on standard output")
    form.add_argument("--junit", type=Path, metavar="FILE", help="write the verdict as JUnit, too")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="add the verdict as Markdown to this file, such as a job summary")


def _drift(parsed: argparse.Namespace) -> ExitCode:
    return _compared(parsed, parsed.base or last_release(Path.cwd(), parsed.head), parsed.head, None)


def _paired(parsed: argparse.Namespace) -> ExitCode:
    images = images_of(parsed)
    if images is not None:
        return _compared(parsed, images.base, images.head, images)
    if parsed.base is None:
        raise InputError("nothing says what to compare with; want --base REV, or --compose FILE with --base-image and --head-image")
    return _compared(parsed, parsed.base, parsed.head, None)


def _compared(parsed: argparse.Namespace, base: str, head: str, images: Images | None) -> ExitCode:
    check_writable("--junit", parsed.junit)
    check_writable("--summary", parsed.summary)
    orders = Orders(
        repository=Path.cwd(),
        base=base,
        head=head,
        images=images,
        gate=_gate(parsed),
        pairs=parsed.pairs,
        seed=secrets.randbits(32) if parsed.seed is None else parsed.seed,
        cache=parsed.cache or cache_folder(),
        python=interpreter(parsed.python),
    )
    with terminated():
        verdict = paired(orders, lambda line: print(f"gate: {line}", file=sys.stderr, flush=True))
    if parsed.junit is not None:
        parsed.junit.write_text(as_junit(verdict))
    if parsed.summary is not None:
        with parsed.summary.open("a") as summary:
            summary.write(told(verdict))
    sys.stdout.write(as_json(verdict) if parsed.json else told(verdict))
    return exit_code(verdict, parsed.strict)


def exit_code(verdict: Verdict, strict: bool) -> ExitCode:
    """0 passed, skipped, only observed, or undecided; 1 failed; 3 undecided and strict."""
    if verdict.is_failure:
        return ExitCode.FAILED
    undecided = verdict.comparison.outcome in (Outcome.INCONCLUSIVE, Outcome.UNFIT)
    return ExitCode.UNTRUSTED if undecided and strict else ExitCode.AS_EXPECTED


def parse_ratio(option: str, text: str) -> float:
    """`0.5%` or `0.005`. Raises InputError."""
    number = text.strip()
    try:
        value = float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError:
        raise InputError(f"{option} is {text!r}; want a share such as 0.5% or 0.005") from None
    if not 0 < value < 1:
        raise InputError(f"{option} is {text!r}; want more than 0 and less than 100%")
    return value


def _gate(parsed: argparse.Namespace) -> Gate:
    file: Path = parsed.config or Path(GATE_FILE)
    gate = load_gate(file) if parsed.config is not None or file.exists() else Gate()
    if parsed.service is not None:
        gate = gate.model_copy(update={"command": parsed.service})
    gate = chosen(gate, parsed.route)
    if parsed.budget is not None:
        budget = parse_ratio("--budget", parsed.budget)
        if budget >= gate.detect:
            raise InputError(f"--budget is {parsed.budget}; want less than {gate.detect:.1%}, the slowdown that must not slip through")
        routes = [route.model_copy(update={"budget": None}) for route in gate.route]
        gate = gate.model_copy(update={"budget": budget, "route": routes})
    return gate


def _health(parsed: argparse.Namespace) -> ExitCode:
    check_writable("--summary", parsed.summary)
    files: list[Path] = parsed.files
    lines = [line for path in files for line in lines_of(path)] if files else kept(parsed.cache or cache_folder())
    found = healths(lines)
    if parsed.summary is not None:
        with parsed.summary.open("a") as summary:
            summary.write(health_told(found))
    sys.stdout.write(health_as_json(found) if parsed.json else health_told(found))
    return ExitCode.AS_EXPECTED
