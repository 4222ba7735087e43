"""A worker's part in a run over several machines, before the run: why it ends when Locust does."""

import pytest

from gelombang.errors import GelombangError, InputError, MasterGoneError
from gelombang_loadtests import locust_worker
from gelombang_loadtests.cluster_messages import Said
from gelombang_loadtests.locust_worker import ClusterWorker, WorkerGenerator
from tests.support.coordinated import OWN
from tests.support.small_scenario import HOME, scenario


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> ClusterWorker:
    monkeypatch.setattr(locust_worker, "load_scenario", lambda path: scenario(HOME))
    monkeypatch.setattr(locust_worker, "announce", lambda _: OWN)

    def make(*_: object) -> WorkerGenerator:
        raise AssertionError("nobody gave orders")

    def tell(_: Said) -> None:
        return

    return ClusterWorker("smoke", "", "", make, tell)


@pytest.mark.parametrize(
    ("silence", "kind", "code", "sentence"),
    [
        ("", InputError, 2, "this worker is sent away: Locust's master quits, or somebody here does"),
        ("was not heard of for 15 s", MasterGoneError, 4, "the master was not heard of for 15 s; want one that is up, and a way to it"),
    ],
    ids=["somebody quits", "the master is gone"],
)
def test_a_worker_that_has_no_orders_says_why_it_ends(
    worker: ClusterWorker, silence: str, kind: type[GelombangError], code: int, sentence: str
) -> None:
    worker.quit(silence)
    with pytest.raises(kind) as ended:
        worker.run()
    assert str(ended.value) == sentence
    assert ended.value.exit_code == code
