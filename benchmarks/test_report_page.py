"""The report of an hour's run, from its folder to the page, timed by pytest-benchmark. Nothing here asserts a time.

The run is a small one repeated: 517,500 attempts of 37,500 people over an hour of wall time (144 a second), on both ends, with a sample of
the machine for each second.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, SERVER_ROW, read_all
from gelombang.record import read_record, write_record
from gelombang.summary import summarise
from gelombang_reports.detail import read_detail
from gelombang_reports.page import SIZE_LIMIT_BYTES, write_page

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from support.run_folder import FACTS, RunFolder

PEOPLE = 10
REPEATED = 3_750
HOUR_US = 3_600_000_000
MOMENTS = ("due", "sent", "done", "began", "ended", "started")


def repeat(folder: Path, name: str, pattern: str, dtype: np.dtype[np.void]) -> None:
    """The same rows again and again, of other people and later in the hour."""
    rows = read_all(folder, pattern, dtype)
    whole = np.tile(rows, REPEATED)
    turn = np.repeat(np.arange(REPEATED), len(rows))
    whole["person"] += (turn * PEOPLE).astype(np.uint64)
    for moment in (column for column in MOMENTS if column in (dtype.names or ())):
        whole[moment][whole[moment] != 0] += (turn * (HOUR_US // REPEATED))[whole[moment] != 0]
    whole.tofile(folder / name)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hour")
    run = RunFolder(folder, people=PEOPLE, speed=1.0, every_us=50_000).everybody(failures=8).write()
    repeat(folder, "ledger-generator-0.bin", "ledger-generator-*.bin", GENERATOR_ROW)
    repeat(folder, "ledger-server-0.bin", "ledger-server-*.bin", SERVER_ROW)
    repeat(folder, "people-0.bin", "people-*.bin", PERSON_ROW)
    repeat(folder, "acknowledged-0.bin", "acknowledged-*.bin", ACKNOWLEDGED_ROW)
    samples = [{"t_us": t * 1_000_000, "machine_cpu_share": 0.5, "server_cpu_cores": 0.2, "listen_drops": 0} for t in range(3_600)]
    (folder / "host.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    due = (np.arange(PEOPLE * REPEATED, dtype=np.int64) + 1) * (HOUR_US // (PEOPLE * REPEATED))
    write_record(folder, summarise(folder, run.plan, run.profile, FACTS, {}, due))
    return folder


def test_report_of_an_hour(benchmark: BenchmarkFixture, run_folder: Path) -> None:
    page = run_folder / "report.html"

    def report() -> None:
        record = read_record(run_folder)
        write_page([record], page, details=[read_detail(run_folder, record)])

    benchmark.pedantic(report, rounds=5, iterations=1)
    attempts = sum(step.attempts for step in read_record(run_folder).steps)
    benchmark.extra_info |= {"attempts": attempts, "page_bytes": page.stat().st_size}
    assert attempts > 500_000
    assert page.stat().st_size <= SIZE_LIMIT_BYTES
