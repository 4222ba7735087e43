"""A site with one thing wrong, really run: the diagnosis of the run's own series names the cause and what to turn."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gelombang.diagnosis.causes import KNOB_OF, Cause
from gelombang.resources import profiles_folder
from tests.support.run_process import running

pytestmark = [pytest.mark.system, pytest.mark.alone, pytest.mark.timeout(240)]

NOW = [sys.executable, "-m", "gelombang_cli", "dashboards", "now"]


def site_with(folder: Path, setting: str, value: str) -> Path:
    """The hardened profile with another value of one setting."""
    text, changed = re.subn(rf"(?m)^{setting} = \S+", f"{setting} = {value}", (profiles_folder() / "hardened.toml").read_text())
    assert changed == 1
    path = folder / "hardened.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("setting", "value", "cause"),
    [("capacity_bytes", "1_000_000", Cause.STORE_FULL), ("lookups_per_second", "0.02", Cause.REGISTRY_CAPPED)],
    ids=["full store", "registry capped"],
)
def test_a_fault_of_a_real_run_is_named_with_what_to_turn(tmp_path: Path, setting: str, value: str, cause: Cause) -> None:
    """Other causes may be named beside it: whoever else uses this machine may starve the generator."""
    site = site_with(tmp_path, setting, value)
    with running(tmp_path, ["smoke", "--profile", str(site), "--seed", "7"]) as process:
        out, _ = process.communicate(timeout=200)
    assert process.returncode in (0, 1, 3), out
    found = subprocess.run([*NOW, str(tmp_path / "run")], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stderr
    sentence = re.sub(r"\s+", " ", found.stdout).lower()
    assert re.search(rf"{cause} \([a-z ]+\) since [^;]+: turn `{re.escape(KNOB_OF[cause])}`", sentence), found.stdout
