"""For tests that run Locust as a master with workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.locust_cluster import Cluster, cluster


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster in a folder of its own, whose processes end with the test."""
    with cluster(tmp_path) as found:
        yield found
