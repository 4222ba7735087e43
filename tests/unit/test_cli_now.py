"""`gelombang dashboards now`: a run's kept series become one sentence and nine values."""

import io
from pathlib import Path

import pytest

from gelombang.errors import ExitCode
from gelombang.run_table import run_table
from gelombang.runplan import PLAN_FILE, write_model
from gelombang.series_file import SERIES_FILE, SeriesWriter, Source, read_series
from gelombang.telemetry import Side
from gelombang_cli.main import main
from tests.support.run_folder import RunFolder

PAGE = """\
gelombang_server_people_steps_total{{step="account"}} {accounts}
gelombang_server_people_steps_total{{step="join"}} {joined}
gelombang_server_upload_attempts_total{{code="none",outcome="completed",photo="ktp",stage="acknowledge"}} {kept}
gelombang_server_upload_attempts_total{{code="store_full",outcome="failed",photo="ktp",stage="store"}} {full}
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Forty seconds of a site whose store is full from the twentieth on."""
    folder = RunFolder(tmp_path)
    write_model(
        tmp_path / PLAN_FILE,
        folder.plan.model_copy(update={"for_seconds": 2_400.0, "scale": folder.plan.scale.model_copy(update={"speed": 60.0})}),
    )
    file = io.BytesIO()
    writer = SeriesWriter(file, [Source(Side.SERVER, "server-0")], 1_700_000_000.0)
    for second in range(41):
        full = max(0, second - 20) * 9
        page = PAGE.format(accounts=second * 10, joined=second * 5, kept=min(second, 20) * 9, full=full)
        writer.take(0, second * 1_000_000, 5_000, page.encode())
    writer.miss(0, 41_000_000)
    (tmp_path / SERIES_FILE).write_bytes(file.getvalue())
    return tmp_path


def test_series_come_back_with_job_and_instance_and_whether_their_process_answered(run: Path) -> None:
    table = run_table(read_series(run / SERIES_FILE))
    [up] = table.named("up")
    assert up.labels == {"job": "gelombang-server", "instance": "server-0"}
    assert (up.values[-2], up.values[-1]) == (1.0, 0.0)
    accounts = next(s for s in table.named("gelombang_server_people_steps_total") if s.labels["step"] == "account")
    assert accounts.growth(0, 40) == 400
    assert accounts.labels["instance"] == "server-0"


def test_the_sentence_names_the_cause_in_the_peoples_clock(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "now", str(run)]) == ExitCode.AS_EXPECTED
    said = capsys.readouterr().out.splitlines()
    assert "100 % of upload attempts fail at store/store_full since" in said[0]
    assert "full store (store) since" in said[0]
    assert "turn `store.capacity_bytes`" in said[0]
    assert len(said) == 10
    assert said[9].split("instrument")[1].strip().startswith("no client data")


def test_at_an_earlier_moment_nothing_is_wrong_yet(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "now", str(run), "--at", "15"]) == ExitCode.AS_EXPECTED
    assert ": Nothing wrong: 600 people a minute arrive and 300 finish." in capsys.readouterr().out


@pytest.mark.parametrize(("at", "said"), [("500", "want at most 41"), ("3", "want 10 or more")])
def test_a_moment_without_series_is_said(run: Path, capsys: pytest.CaptureFixture[str], at: str, said: str) -> None:
    assert main(["dashboards", "now", str(run), "--at", at]) == ExitCode.WRONG_INPUT
    assert said in capsys.readouterr().err
