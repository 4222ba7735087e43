"""The services beside a site that several files ask for: a PostgreSQL and an object store of their own, one each for a file."""

from collections.abc import Iterator

import pytest

from tests.support.object_store import KEYS, Store, object_store
from tests.support.postgres import Cluster, postgres_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgres_cluster() as running:
        yield running


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with object_store() as running:
        yield running


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's, in the environment, where a site looks for them."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
