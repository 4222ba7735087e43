"""Arguments of a run by hand: what makes a plan, and what is refused in one sentence."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang.runplan import RunPlan, read_model
from gelombang_loadtests.by_hand import add_arguments, plan_by_hand
from tests.support.own_service import own_scenario, target_block

HERE = "http://127.0.0.1:8080"


def plan(folder: Path, *arguments: str, host: str | None = HERE, run_time_seconds: float | None = None) -> RunPlan:
    parser = ArgumentParser()
    add_arguments(parser)
    made, where = plan_by_hand(parser.parse_args(["--out", str(folder / "run"), *arguments]), host, run_time_seconds)
    assert read_model(where / "plan.json", RunPlan) == made
    return made


def test_the_plan_says_what_the_arguments_say(tmp_path: Path) -> None:
    made = plan(tmp_path, "--sample", "1/10", "--speed", "30", "--bytes", "0.2", "--seed", "7", "--harness-url", "http://localhost:1")
    assert (made.scale.sample, made.scale.speed, made.scale.bytes_ratio, made.seed) == ("1/10", 30.0, 0.2, 7)
    assert (made.target_url, made.harness_url, made.zero_us, made.scenario.name) == (HERE, "http://localhost:1", 0, "smoke")


def test_a_run_has_the_number_of_the_servers_whose_ledgers_are_to_be_joined_or_one_of_its_own(tmp_path: Path) -> None:
    assert plan(tmp_path / "asked", "--run-number", "4711").run == 4711
    assert plan(tmp_path / "first").run != plan(tmp_path / "second").run
    with pytest.raises(InputError, match="--run-number is 0; want 1 to 1099511627775"):
        plan(tmp_path / "refused", "--run-number", "0")


def test_the_run_time_bounds_the_arrivals_in_wall_time(tmp_path: Path) -> None:
    assert plan(tmp_path, "--speed", "60", run_time_seconds=5.0).for_seconds == 300.0


def test_a_long_run_time_does_not_lengthen_the_scenario(tmp_path: Path) -> None:
    assert plan(tmp_path, "--speed", "60", run_time_seconds=5000.0).for_seconds == 1200.0


def test_a_stranger_that_is_claimed_by_name_and_written_down_is_allowed(tmp_path: Path) -> None:
    claimed = ("--i-own-this-target", "192.0.2.1")
    with pytest.raises(InputError, match=r"\[target\] block"):
        plan(tmp_path, *claimed, host="http://192.0.2.1:80")
    written = str(own_scenario(tmp_path / "own.toml", target_block(allowed_hosts=["192.0.2.1"])))
    assert plan(tmp_path, *claimed, "--scenario", written, host="http://192.0.2.1:80").target_url == "http://192.0.2.1:80"


def test_a_plan_by_hand_over_what_the_owner_allows_is_refused(tmp_path: Path) -> None:
    written = str(own_scenario(tmp_path / "own.toml", target_block(allowed_hosts=["127.0.0.1"], max_people=599)))
    with pytest.raises(InputError, match="600 people; want at most 599"):
        plan(tmp_path, "--scenario", written)


@pytest.mark.parametrize(
    ("arguments", "host", "sentence"),
    [
        ([], "http://192.0.2.1:80", "want --i-own-this-target 192.0.2.1 to send load there"),
        (["--i-own-this-target", "192.0.2.2"], "http://192.0.2.1:80", "want --i-own-this-target 192.0.2.1"),
        ([], "http://127.0.0.1.example:80", "which is not this machine"),
        (["--harness-url", "http://192.0.2.1:80"], HERE, "--harness-url is http://192.0.2.1:80, which is not this machine"),
        ([], None, "--host is missing"),
        ([], "ftp://127.0.0.1", "want http://HOST:PORT"),
        (["--scenario", "no-such"], HERE, "no-such"),
        (["--sample", "3"], HERE, "--sample is 3"),
        (["--speed", "-1"], HERE, "--speed is -1"),
        (["--bytes", "2"], HERE, "--bytes is 2"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_no_folder(tmp_path: Path, arguments: list[str], host: str | None, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(tmp_path, *arguments, host=host)
    assert sentence in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_the_folder_of_an_earlier_run_is_refused(tmp_path: Path) -> None:
    plan(tmp_path)
    with pytest.raises(InputError, match="is not an empty folder"):
        plan(tmp_path)
