"""What a container fixes from outside: ports, secrets by reference, a schema that servers share. Half of it, or too much, is refused."""

import argparse
from pathlib import Path

import pytest

from gelombang.errors import FileError, InputError
from gelombang.loading import load_profile
from gelombang.runplan import ScaleNumbers, ServerPlan, write_model
from gelombang.secrets import look_up_text
from gelombang_cli.serve import add_command
from gelombang_cli.site_stores import with_stores
from gelombang_server.config import read_plan


def plan(folder: Path, **changes: object) -> Path:
    fields = {
        "run": 1,
        "seed": 1,
        "scale": ScaleNumbers(),
        "profile": load_profile("hardened"),
        "folder": str(folder),
        "zero_us": 0,
        "processes": 2,
        "public_port": 8080,
        "harness_port": 8081,
        "harness_token": "a harness token",
    }
    path = folder / "server.json"
    write_model(path, ServerPlan.model_validate(fields | changes))
    return path


def test_orders_with_fixed_ports_on_every_address_are_followed_when_people_can_be_told_where_that_is(tmp_path: Path) -> None:
    told = {"site_url": "http://site.example", "uploads_url": "http://one.site.example"}
    read = read_plan(plan(tmp_path, host="0.0.0.0", uploads_port=65_535, metrics_port=65_534, **told))
    assert (read.uploads_port, read.metrics_port) == (65_535, 65_534)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metrics_port": 65_535}, "metrics_port is 65535; want room for 2 ports from there on, up to 65535"),
        ({"host": "0.0.0.0"}, "host is 0.0.0.0; want site_url and uploads_url beside it"),
        ({"host": "0.0.0.0", "site_url": "http://site.example"}, "host is 0.0.0.0; want site_url and uploads_url beside it"),
        ({"harness_token": "${env:NO_SUCH_TOKEN}"}, "harness_token"),
    ],
)
def test_orders_that_lead_nowhere_are_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(FileError) as caught:
        read_plan(plan(tmp_path, **changes))
    assert said in str(caught.value)


def test_a_text_has_its_secrets_filled_in_and_a_missing_one_is_named() -> None:
    assert look_up_text("Bearer ${env:A}${env:B}", "token", {"A": "x", "B": "{y}"}) == "Bearer x{y}"
    assert look_up_text("plain", "token", {}) == "plain"
    with pytest.raises(FileError, match=r"token: \$\{env:A\} is not set; want the variable A in the environment of this command"):
        look_up_text("${env:A}", "token", {})


def stores(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    return parser.parse_args(["serve", *words])


def test_servers_that_share_a_site_name_its_schema_alike() -> None:
    profile = with_stores(load_profile("hardened"), stores("--database", "postgresql://site@db.example/site", "--schema", "site"))
    assert (profile.database.url, profile.database.schema_name) == ("postgresql://site@db.example/site", "site")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--schema", "site"], "--schema is site and there is no --database; want both"),
        (["--database", "postgresql://db.example/site", "--schema", "Site"], "--schema is 'Site'; want lower-case letters"),
    ],
)
def test_a_schema_of_no_database_or_of_no_such_name_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        with_stores(load_profile("hardened"), stores(*words))
    assert said in str(caught.value)


def test_a_token_among_the_words_of_a_command_is_refused() -> None:
    parsed = stores("--harness-token", "0123456789abcdef")
    with pytest.raises(InputError, match=r"--harness-token is a token; want a reference to one, such as \$\{env:NAME\}"):
        parsed.command(parsed)
