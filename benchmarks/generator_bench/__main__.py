"""What the generator costs, beside FastHttpUser in a plain Locust file and k6: `make bench-generator`.

    python -m generator_bench [--rounds N] [--people N] [--k6 PATH]

All rows are measured in one run, interleaved, on two cores: the canned stub on one, the generator on the other. CPU per person is that of a
run with many people less that of one with few, so that what starting a process costs is in none. Ours arrive in the open model, one by one;
FastHttpUser and k6 run flat out, which is cheaper, and k6 in one row more arrives as ours do. Figures of one machine and moment: compare
columns, not runs.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
from generator_bench.stub import GENERATOR_CORE, STUB_CORE, Tls, canned

from gelombang.ledger import PERSON_ROW, read_all
from gelombang.loading import load_scenario
from gelombang.resources import locustfiles_folder
from gelombang.runplan import PLAN_FILE, PLAN_VARIABLE, RunPlan, ScaleNumbers, write_model

HERE = Path(__file__).parent
FEW = 60
PER_SECOND = 60
"""Arrivals of the runs in which CPU is measured."""
RUN_SECONDS_LIMIT = 180


@dataclass
class Row:
    """CPU milliseconds per person, one figure a round."""

    name: str
    cpu_ms: list[float] = field(default_factory=list)


def ours(folder: Path, url: str, people: int, authority: Path | None, per_second: float = PER_SECOND) -> Path:
    """The orders of a run of `people` whole people; its folder."""
    settings = [f'arrivals.phases=[{{form="hold",for_seconds={people / per_second},start_per_second={float(per_second)}}}]']
    if authority is not None:
        settings.append(f'network.ca_file="{authority}"')
    scenario = load_scenario(HERE / "person.toml", settings)
    plan = RunPlan(
        run_id="bench",
        run=1,
        seed=1,
        plan_digest="",
        scale=ScaleNumbers(),
        scenario=scenario,
        profile="stub",
        target_url=url,
        harness_url=None,
        harness_token="",
        zero_us=0,
        for_seconds=people / per_second,
        generator_processes=1,
    )
    made = Path(tempfile.mkdtemp(dir=folder))
    write_model(made / PLAN_FILE, plan)
    return made


def cpu_seconds(command: list[str], **environment: str) -> float:
    """CPU of a command that must end well, on the generator's core; what it prints is shown when it does not."""
    core = f"{GENERATOR_CORE}"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["taskset", "-c", core, *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, **environment}
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read().decode(errors='replace')[-2_000:]}")
    return used.ru_utime + used.ru_stime


def our_command() -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(locustfiles_folder() / "surge.py"), "--headless", "--only-summary"]


def per_person_ms(run: Callable[[int], float], people: int) -> float:
    """Milliseconds of one person: the difference of two runs."""
    return (run(FEW + people) - run(FEW)) / people * 1_000


def whole_people(folder: Path, rounds: int, people: int, k6: str | None) -> list[Row]:
    """Ours, FastHttpUser and k6 (flat out, and arriving as ours do), plain and by TLS, interleaved."""
    rows: dict[str, Row] = {}
    with ExitStack() as stack:
        tls = Tls.made(folder)
        targets = {
            "": (f"http://127.0.0.1:{stack.enter_context(canned(core=STUB_CORE))}", None),
            ", TLS": (f"https://127.0.0.1:{stack.enter_context(canned(tls, STUB_CORE))}", tls.authority),
        }
        _ours_cpu(folder, targets[""][0], 1, None)  # draws the photos
        for _ in range(rounds):
            for mark, (url, authority) in targets.items():
                runs = {f"ours{mark}": lambda n, url=url, authority=authority: _ours_cpu(folder, url, n, authority)}
                runs[f"FastHttpUser{mark}"] = lambda n, url=url: _plain_cpu(url, n)
                if k6 is not None:
                    runs[f"k6{mark}"] = lambda n, url=url: _k6_cpu(k6, url, n)
                    runs[f"k6 arriving as ours{mark}"] = lambda n, url=url: _k6_cpu(k6, url, n, PER_SECOND=str(PER_SECOND))
                for name, run in runs.items():
                    rows.setdefault(name, Row(name)).cpu_ms.append(per_person_ms(run, people))
    return list(rows.values())


def _ours_cpu(folder: Path, url: str, people: int, authority: Path | None) -> float:
    made = ours(folder, url, people, authority)
    used = cpu_seconds(our_command(), **{PLAN_VARIABLE: str(made / PLAN_FILE)})
    rows = read_all(made, "people-*.bin", PERSON_ROW)
    assert len(rows) == people
    assert (rows["fate"] == 1).all(), np.unique(rows["fate"], return_counts=True)
    return used


def _plain_cpu(url: str, people: int) -> float:
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "plain_locust.py"), "--headless", "--only-summary", "-u", "20", "-r", "20"]
    return cpu_seconds([*command, "--host", url], PEOPLE=str(people))


def _k6_cpu(k6: str, url: str, people: int, **environment: str) -> float:
    return cpu_seconds([k6, "run", "--quiet", str(HERE / "k6.js")], TARGET=url, PEOPLE=str(people), **environment)


def lateness(folder: Path, per_second: float, seconds: float) -> str:
    """How late whole people start at this rate, and how far the started are from the due."""
    with canned(core=STUB_CORE) as port:
        made = ours(folder, f"http://127.0.0.1:{port}", int(per_second * seconds), None, per_second)
        cpu = cpu_seconds(our_command(), **{PLAN_VARIABLE: str(made / PLAN_FILE)})
    people = read_all(made, "people-*.bin", PERSON_ROW)
    people = people[people["started"] > 0]
    late = np.sort(people["started"] - people["due"])
    both = np.sort(np.concatenate((people["due"], people["started"])))
    due, started = np.sort(people["due"]), np.sort(people["started"])
    apart = np.abs(np.searchsorted(due, both, "right") - np.searchsorted(started, both, "right")).max() / max(len(people), 1)
    p50, p99 = (late[int(len(late) * q)] / 1_000 for q in (0.5, 0.99))
    return (
        f"{per_second:g} whole people/s for {seconds:g} s: {len(people)} started, lateness p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
        f"Kolmogorov distance {apart:.5f}, {cpu:.1f} s of CPU"
    )


def part(name: str) -> dict[str, list[float]]:
    """What `parts.py`, `account.py` or `crowd.py` found, in a process of its own."""
    done = subprocess.run(
        ["taskset", "-c", str(GENERATOR_CORE), sys.executable, str(HERE / f"{name}.py")],
        capture_output=True,
        timeout=RUN_SECONDS_LIMIT,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode(errors="replace"))
    found: dict[str, list[float]] = orjson.loads(done.stdout.splitlines()[-1])
    return found


def shown(name: str, values: list[float], unit: str, beside: str = "") -> str:
    """One line of the table."""
    return f"{name:44} {statistics.median(values):10.3f} {unit:6} ({min(values):.3f} to {max(values):.3f}){beside}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--k6", default=os.environ.get("K6") or shutil.which("k6"), help="k6 of the module go.k6.io/k6/v2")
    parser.add_argument("--only", choices=("people", "requests", "account", "lateness", "crowd"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        # A cache of photos of our own: one that others share is drawn anew, for 1.2 s of CPU, whenever they run at another scale.
        os.environ["XDG_CACHE_HOME"] = text
        if options.only in (None, "people"):
            if options.k6 is None:
                print("k6: skipped, not found; want it on PATH, in K6 or in --k6 (`go install go.k6.io/k6/v2`, Go 1.25 or newer)")
            rows = {row.name: row.cpu_ms for row in whole_people(folder, options.rounds, options.people, options.k6)}
            for name, values in rows.items():
                mark = ", TLS" if name.endswith(", TLS") else ""
                ratio = [a / b for a, b in zip(rows[f"ours{mark}"], values, strict=True)]
                print(shown(f"CPU per person, {name}", values, "ms", f"   ours is {statistics.median(ratio):.2f} of it"))
        if options.only in (None, "requests"):
            for name, values in part("parts").items():
                print(shown(name, values, "µs"))
        if options.only in (None, "account"):
            for name, values in part("account").items():
                print(shown(name, values, "µs"))
        if options.only in (None, "lateness"):
            for per_second in (50.0, 100.0, 500.0):
                print(lateness(folder, per_second, 8.0))
        if options.only in (None, "crowd"):
            for name, values in part("crowd").items():
                print(shown(name, values, "ms" if "lateness" in name else "bytes"))


if __name__ == "__main__":
    main()
