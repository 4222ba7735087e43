"""Setup and shared steps on real sockets: walked before people, handed over, renewed, and kept when they can't be renewed."""

from pathlib import Path
from typing import Any

import pytest

from gelombang.errands import SharedStep
from gelombang.errors import TargetUnreachableError
from gelombang.scenario import Scenario
from gelombang.steps import RequestStep
from tests.support.small_scenario import HOME, scenario
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site
from tests.wire.test_engine_on_sockets import Run

OPEN: dict[str, Any] = {
    "step": "open",
    "form": "request",
    "method": "POST",
    "path": "/campaigns",
    "capture": {"campaign": {"json_pointer": "/id"}},
}
TOKEN: dict[str, Any] = {
    "step": "token",
    "form": "request",
    "method": "POST",
    "path": "/tokens/{campaign}",
    "capture": {"access": {"json_pointer": "/access"}, "life": {"json_pointer": "/life"}},
    "lifetime": "life",
}


def with_errands(seconds: float) -> Scenario:
    home = HOME | {"path": "/me/{access}", "headers": {}}
    before = {"setup": [RequestStep.model_validate(OPEN)], "shared": [SharedStep.model_validate(TOKEN)]}
    return scenario(home, arrivals_per_second=10.0, for_seconds=seconds, drain_seconds=5.0).model_copy(update=before)


class Tokens:
    """Hands out `t-1`, `t-2` …, as many as it is told to."""

    def __init__(self, limit: int) -> None:
        self.given = 0
        self.limit = limit

    def __call__(self, site: StubSite, asked: Asked) -> Reply:
        if asked.path.startswith("/campaigns"):
            return Reply(201, {"id": "c-1"})
        if asked.path.startswith("/tokens"):
            if self.given == self.limit:
                return Reply(500)
            self.given += 1
            return Reply(200, {"access": f"t-{self.given}", "life": "0.9" if asked.path == "/tokens/c-1" else "900"})
        return Reply()


def paths(site: StubSite, beginning: str) -> list[str]:
    return [asked.path for asked in site.asked if asked.path.startswith(beginning)]


def test_a_shared_value_is_renewed_and_people_take_the_newest(tmp_path: Path) -> None:
    with stub_site(Tokens(limit=100)) as site:
        run = Run(tmp_path, with_errands(2.5), site.url)
        run.generator.set_up()
        run.walk()
    used = paths(site, "/me/")
    assert len(used) == 25
    assert set(used) >= {"/me/t-1", "/me/t-2", "/me/t-3"}
    assert used == sorted(used)
    assert len(run.attempts) == 25, "errands are in no ledger"


def test_a_shared_value_that_cannot_be_renewed_stays_and_is_asked_for_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with stub_site(Tokens(limit=1)) as site:
        run = Run(tmp_path, with_errands(4.5), site.url)
        run.generator.set_up()
        run.walk()
    assert set(paths(site, "/me/")) == {"/me/t-1"}
    assert len(paths(site, "/tokens/")) > 1
    assert "gelombang: a shared value stays as it was: shared step " in capsys.readouterr().err


def test_another_process_takes_over_what_setup_captured(tmp_path: Path) -> None:
    with stub_site(Tokens(limit=100)) as site:
        first = Run(tmp_path, with_errands(0.5), site.url)
        first.generator.set_up()
        assert first.generator.ready("").setup == {"campaign": "c-1"}
        (tmp_path / "1").mkdir()
        second = Run(tmp_path / "1", with_errands(0.5), site.url, process=1, processes=2)
        second.generator.set_up({"campaign": "c-2"})
        second.walk()
    assert paths(site, "/campaigns") == ["/campaigns"]
    assert paths(site, "/tokens/") == ["/tokens/c-1", "/tokens/c-2"]
    assert set(paths(site, "/me/")) == {"/me/t-2"}


def test_a_shared_step_without_a_lifetime_in_its_answer_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    def no_life(site: StubSite, asked: Asked) -> Reply:
        return Reply(200, {"id": "c-1", "access": "t-1", "life": "soon"})

    with stub_site(no_life) as site:
        run = Run(tmp_path, with_errands(0.5), site.url)
        with pytest.raises(TargetUnreachableError, match="shared step token captured no lifetime in life; want seconds above 0"):
            run.generator.set_up()
