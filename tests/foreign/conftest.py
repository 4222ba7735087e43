"""The foreign bed for the tests of this folder."""

from collections.abc import Iterator

import pytest

from foreign.bed_processes import Bed, bed, nginx_program


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The whole bed; skipped where nginx is not installed (`make packages`)."""
    if nginx_program() is None:
        pytest.skip("nginx is not installed; want `make packages` (Debian: nginx-light)")
    with bed(tmp_path_factory.mktemp("shop")) as running:
        yield running
