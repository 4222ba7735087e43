"""pytest-benchmark's saved runs as pairs: two folders, a file for each fresh process, the n-th of one beside the n-th of the other.

Promise: a benchmark that vanished, is new, or was measured on another machine or by another version is an error and never a pass; so is
a folder with nothing in it. Idea: what a saved run says of a benchmark, however many rounds it took, is one sample (its median); the gate's
own statistics over such pairs follow: the first half of the pairs finds, the second half confirms, and only what both found is a failure.
Left out: taking the runs, which `docs/gates.md` shows; who takes them one side after the other compares two hours and not two revisions.
"""

from dataclasses import dataclass
from math import log
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from gelombang.errors import InputError
from gelombang.validation import faults_of
from gelombang_gates.comparing import ALPHA, Outcome
from gelombang_gates.junit import Case, JunitSuite
from gelombang_gates.sequence import Finding, Judged, Limits, look

PAIRS_LEAST = 12
PAIRS_LIMIT = 120
FILE_BYTES_LIMIT = 100_000_000


class _Stats(BaseModel):
    median: float = Field(gt=0, allow_inf_nan=False)


class _Benchmark(BaseModel):
    fullname: str
    stats: _Stats


class _Cpu(BaseModel):
    brand_raw: str = ""
    count: int = 0


class _Machine(BaseModel):
    node: str = ""
    machine: str = ""
    python_version: str = ""
    cpu: _Cpu = _Cpu()


class SavedRun(BaseModel):
    """A file of `--benchmark-json` or `--benchmark-save`; what else it holds is not looked at."""

    machine_info: _Machine
    benchmarks: list[_Benchmark]
    version: str


@dataclass(frozen=True, slots=True)
class BenchmarksCompared:
    """All benchmarks of both, by name."""

    outcome: Outcome
    why: str
    pairs: int
    findings: dict[str, Finding]
    """Of all pairs; where something was suspected, of the first half."""
    confirming: dict[str, Finding]
    """Of the second half, for what was suspected."""


def compare_benchmarks(base: Path, head: Path, limits: Limits) -> BenchmarksCompared:
    """Judge two folders. Raises InputError for whatever can't be compared."""
    if base.resolve() == head.resolve():
        raise InputError(f"{base} and {head} are one folder; want base's runs and head's, a folder each")
    olds, news = read_runs(base), read_runs(head)
    if len(olds) != len(news):
        raise InputError(f"{base} has {len(olds)} runs and {head} has {len(news)}; want pairs: a run of one for each of the other")
    if not PAIRS_LEAST <= len(olds) <= PAIRS_LIMIT:
        raise InputError(f"{base} and {head} have {len(olds)} runs each; want {PAIRS_LEAST} to {PAIRS_LIMIT}")
    values: dict[str, list[float]] = {}
    for number, (old, new) in enumerate(zip(olds, news, strict=True), 1):
        for name, ratio in _ratios(old, new, f"run {number} of {base} and {head}").items():
            values.setdefault(name, []).append(ratio)
    if gone := sorted(name for name, own in values.items() if len(own) != len(olds)):
        raise InputError(f"{', '.join(gone)} is not in every run of {base} and {head}; want the same benchmarks in all")
    return _judged(values, limits, len(olds))


def read_runs(folder: Path) -> list[SavedRun]:
    """The saved runs of a folder, in the order of their names. Raises InputError for none, and for one that can't be read."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise InputError(f"{folder} has no saved run (*.json); want a folder that --benchmark-json or --benchmark-save wrote into")
    return [_read(path) for path in paths]


def _read(path: Path) -> SavedRun:
    try:
        if path.stat().st_size > FILE_BYTES_LIMIT:
            raise InputError(f"{path} has more than {FILE_BYTES_LIMIT} bytes; want a saved run, without --benchmark-save-data")
        run = SavedRun.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); want a saved run of pytest-benchmark") from None
    except ValidationError as error:
        fault = faults_of(error, SavedRun)[0]
        raise InputError(f"{path} is no saved run of pytest-benchmark ({fault.where} is {fault.found}); want one") from None
    if not run.benchmarks:
        raise InputError(f"{path} has no benchmark in it; want a run in which some were measured")
    return run


def _ratios(old: SavedRun, new: SavedRun, where: str) -> dict[str, float]:
    if old.machine_info != new.machine_info:
        raise InputError(f"{where} are of two machines ({_machine(old)}, {_machine(new)}); want both from one, beside each other")
    if old.version.split(".")[0] != new.version.split(".")[0]:
        raise InputError(f"{where} have formats {old.version} and {new.version}; want both from one version of pytest-benchmark")
    was, now = ({own.fullname: own.stats.median for own in run.benchmarks} for run in (old, new))
    if vanished := sorted(was.keys() - now.keys()):
        raise InputError(f"{where}: {', '.join(vanished)} has vanished; want a benchmark that both have, or -k without it in both")
    if fresh := sorted(now.keys() - was.keys()):
        raise InputError(f"{where}: {', '.join(fresh)} is new; want a benchmark that both have, or -k without it in both")
    return {name: log(now[name] / was[name]) for name in was}


def _judged(values: dict[str, list[float]], limits: Limits, pairs: int) -> BenchmarksCompared:
    half = pairs // 2
    first = look({name: own[:half] for name, own in values.items()}, dict.fromkeys(values, limits), ALPHA)
    suspects = [name for name, finding in first.items() if finding.judged is Judged.FAIL]
    if suspects:
        second = look({name: values[name][half:] for name in suspects}, dict.fromkeys(suspects, limits), ALPHA)
        slower = [f"{name} is {second[name].shift.estimate:+.1%}" for name in suspects if second[name].judged is Judged.FAIL]
        if slower:
            why = f"{'; '.join(slower)}, confirmed by the second half of the pairs"
            return BenchmarksCompared(Outcome.FAIL, why, pairs, first, second)
        why = f"{', '.join(suspects)} looked slower, which the second half of the pairs did not confirm"
        return BenchmarksCompared(Outcome.INCONCLUSIVE, why, pairs, first, second)
    # No second chance for a failure: all pairs only decide whether a slowdown is excluded.
    whole = look(values, dict.fromkeys(values, limits), ALPHA)
    open_ones = [name for name, finding in whole.items() if finding.judged is not Judged.PASS]
    if open_ones:
        why = f"neither a slowdown nor its absence could be shown for {', '.join(open_ones)}"
        return BenchmarksCompared(Outcome.INCONCLUSIVE, why, pairs, whole, {})
    return BenchmarksCompared(Outcome.PASS, f"a slowdown of {limits.detect:.0%} is excluded everywhere", pairs, whole, {})


def _machine(run: SavedRun) -> str:
    info = run.machine_info
    return f"{info.node}, {info.cpu.count} x {info.cpu.brand_raw or info.machine}, Python {info.python_version}"


def benchmarks_told(compared: BenchmarksCompared, heading: str) -> str:
    """For people, ending in a newline."""
    lines = [
        f"## {heading}",
        "",
        f"{compared.why}.",
        "",
        f"{compared.pairs} pairs of runs; each benchmark's median in a run is one sample.",
    ]
    for title, findings in (("Pairs", compared.findings), ("Second half, of what the first one found", compared.confirming)):
        if findings:
            lines += ["", f"### {title}", "", "| benchmark | head against base | interval | smallest that would show | p (Holm) | |"]
            lines += ["|---|---|---|---|---|---|", *(_row(name, finding) for name, finding in findings.items())]
    return "\n".join(lines) + "\n"


def benchmarks_as_junit(compared: BenchmarksCompared) -> str:
    """A case for each benchmark, ending in a newline; what was suspected and not confirmed is skipped."""
    suite = JunitSuite("benchmarks")
    for name, finding in compared.findings.items():
        confirmed = compared.confirming.get(name)
        case = Case.PASSED if finding.judged is Judged.PASS else Case.SKIPPED
        if confirmed is not None and confirmed.judged is Judged.FAIL:
            case = Case.FAILED
        suite.add(f"{name} is no slower", case, compared.why)
    return suite.text()


def _row(name: str, finding: Finding) -> str:
    shift = finding.shift
    return (
        f"| {name} | {shift.estimate:+.2%} | {shift.low:+.2%} to {shift.high:+.2%} | {finding.detectable:.1%} | {finding.p:.2g} | "
        f"{finding.judged} |"
    )
