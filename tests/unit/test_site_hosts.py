"""The folders of several server hosts become the ledgers of one run; what can't be one site's is refused."""

from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Outcome
from gelombang.errors import InputError
from gelombang.evidence import read_evidence
from gelombang.join import join
from gelombang.ledger import GENERATOR_ROW, SERVER_ROW
from gelombang.profile import Database
from gelombang.profile_objects import Objects
from gelombang.runplan import SERVER_FILE, write_model
from gelombang.site_hosts import take_site_hosts
from support.run_folder import SECOND, RunFolder

DATABASE, OBJECTS = Database(url="postgresql://site@10.0.0.9:5432/site", schema_name="site"), Objects(url="s3://photos/site")


class Hosts:
    """A run whose attempts went to two hosts by turns, each with a ledger and a zero of its own."""

    def __init__(self, folder: Path) -> None:
        self.run = RunFolder(folder / "run", people=4)
        for person in range(4):
            self.run.attempt(person, "account", status=200)
        self.rows = np.array(self.run.server, SERVER_ROW)
        self.run.server = []
        self.run.write()
        (self.run.path / SERVER_FILE).unlink()
        (self.run.path / "ledger-server-0.bin").unlink()
        self.folders = [folder / "first", folder / "second"]
        for folder in self.folders:
            folder.mkdir()

    def leave(self, k: int, clock_us: int = 0, **changes: object) -> None:
        """The folder of host k, whose machine's clock is ahead by so much."""
        profile = self.run.profile.model_copy(update={"database": DATABASE, "objects": OBJECTS} | dict(changes.pop("profile", {})))  # type: ignore[call-overload]
        orders = self.run.server_plan().model_copy(update={"profile": profile, "zero_us": self.run.server_zero_us - k * SECOND} | changes)
        write_model(self.folders[k] / SERVER_FILE, orders)
        rows = self.rows[k::2].copy()
        rows["began"] += k * SECOND + clock_us
        rows["ended"] += k * SECOND + clock_us
        rows.tofile(self.folders[k] / "ledger-server-0.bin")

    def take(self) -> int:
        return take_site_hosts(self.run.path, self.folders, self.run.plan, np.array(self.run.generator, GENERATOR_ROW))


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


@pytest.mark.parametrize("clock_us", [0, 900_000_000_000], ids=["one clock", "a machine with another clock"])
def test_every_attempt_finds_its_row_whichever_host_wrote_it(hosts: Hosts, clock_us: int) -> None:
    hosts.leave(0)
    hosts.leave(1, clock_us)
    assert hosts.take() == 4
    evidence = read_evidence(hosts.run.path, hosts.run.plan)
    joined = join(evidence, hosts.run.scenario.journey, dropped_by_kernel=0)
    assert joined.unexplained == 0
    (cell,) = joined.cells
    assert (cell.client_outcome, cell.attempts) == (Outcome.OK.name.lower(), 4)
    late_us = np.abs(evidence.server["began"][joined.server_of] - evidence.generator["sent"])
    assert late_us.max() < 1_000


def test_a_host_whose_folder_is_not_taken_leaves_its_attempts_unexplained(hosts: Hosts) -> None:
    hosts.leave(0)
    hosts.folders = hosts.folders[:1]
    hosts.take()
    assert join(read_evidence(hosts.run.path, hosts.run.plan), hosts.run.scenario.journey, dropped_by_kernel=0).unexplained == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": 2}, "is of run 2 and this is run 1; want servers and generator with the same --run-number"),
        ({"profile": {"objects": None}}, "has a database or photos of its own"),
        ({"profile": {"objects": Objects(url="s3://photos/other")}}, "shares no database and bucket with the first folder"),
    ],
)
def test_what_is_no_host_of_this_site_is_refused(hosts: Hosts, changes: dict[str, object], said: str) -> None:
    hosts.leave(0)
    hosts.leave(1, **changes)
    with pytest.raises(InputError, match=said):
        hosts.take()
    assert not (hosts.run.path / SERVER_FILE).exists(), "nothing was taken"


def test_a_folder_without_a_ledger_is_refused(hosts: Hosts) -> None:
    hosts.leave(0)
    hosts.leave(1)
    (hosts.folders[1] / "ledger-server-0.bin").unlink()
    with pytest.raises(InputError, match="has no ledger; want the folder of a server that has ended"):
        hosts.take()
