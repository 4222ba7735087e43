"""One person who walks a few steps against a stub of a site, and comes back once when a step fails."""

from pathlib import Path
from typing import Any

from gelombang.scenario import Scenario
from tests.support.small_scenario import scenario
from tests.wire.stub_site import StubSite
from tests.wire.test_engine_on_sockets import Run

FIRST: dict[str, Any] = {"step": "first", "form": "request", "method": "POST", "path": "/first"}
SECOND: dict[str, Any] = {"step": "second", "form": "request", "method": "GET", "path": "/second"}


def one_person(*steps: dict[str, Any], **more: Any) -> Scenario:
    return scenario(
        *steps, arrivals_per_second=10.0, for_seconds=0.1, drain_seconds=10.0, attempts_limit=2, retry_seconds={"value": 0.01}, **more
    )


def walk(folder: Path, site: StubSite, *steps: dict[str, Any], cookies: bool = False) -> Run:
    return Run(folder, one_person(*steps).model_copy(update={"cookies": cookies}), site.url).walk()
