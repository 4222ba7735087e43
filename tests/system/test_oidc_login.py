"""The example of the docs: people log in with OpenID Connect while a machine's token is renewed."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.oidc_site import oidc_site

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "login-with-oidc.toml"
CLIENT_SECRET = "planted-client-8Rt"


@pytest.mark.system
@pytest.mark.timeout(300)
def test_everybody_logs_in_with_an_account_of_their_own_and_a_token_that_is_fresh(tmp_path: Path) -> None:
    with (EXAMPLE.parent / "oidc-accounts.csv").open() as file:
        accounts = {row["username"]: row["password"] for row in csv.DictReader(file)}
    out = tmp_path / "run"
    with oidc_site(accounts, CLIENT_SECRET, machine_seconds=1.5) as site:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "gelombang_cli", "run", str(EXAMPLE), "--target", site.url, "--out", str(out), "--yes"),
                *("--sample", "1/10", "--speed", "20", "--for", "60"),
            ],
            env={**os.environ, "OIDC_CLIENT_SECRET": CLIENT_SECRET},
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
    assert run.returncode in (0, 3), run.stdout + run.stderr
    assert len({user for user, _ in site.seen}) > 20, site.refused
    assert len(site.machines) > 2, "the preflight's, the run's, and renewed ones"
    assert {machine for _, machine in site.seen} <= set(site.machines)
    for planted in (CLIENT_SECRET, *site.machines):
        assert planted not in run.stdout + run.stderr
        assert [path.name for path in out.rglob("*") if path.is_file() and planted.encode() in path.read_bytes()] == []
