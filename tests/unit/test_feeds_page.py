"""The page on feeds and secrets: its examples are one scenario without faults, and what it says about files is so."""

import re
from pathlib import Path

import pytest

from gelombang.errors import FileError
from gelombang.loading import load_scenario
from gelombang.secrets import look_up_secrets
from gelombang_cli.main import main

PAGE = Path(__file__).parent.parent.parent / "docs" / "feeds-and-secrets.md"
START = 'extends = "smoke"\nname = "from-the-page"\nobjective = []\n'


@pytest.fixture
def page_scenario(tmp_path: Path) -> Path:
    examples = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 5
    (tmp_path / "accounts.csv").write_text("email\nakun@warga.example\n")
    (tmp_path / "cities.csv").write_text("name\nKota Contoh\n")
    (tmp_path / "signature.txt").write_text("s-1\n")
    path = tmp_path / "page.toml"
    path.write_text(START + "\n".join(examples))
    return path


def test_the_examples_of_the_page_are_one_scenario_without_faults(page_scenario: Path) -> None:
    scenario = load_scenario(page_scenario)
    assert [step.step for step in (*scenario.setup, *scenario.shared, *scenario.journey, *scenario.teardown)] == [
        *("open-campaign", "machine-token", "account", "order", "remove")
    ]
    secrets = look_up_secrets(scenario, "page.toml", {"SHOP_API_KEY": "k-1", "SHOP_CLIENT_SECRET": "c-1"})
    assert secrets == {
        "env:SHOP_API_KEY": "k-1",
        "env:SHOP_CLIENT_SECRET": "c-1",
        f"file:{page_scenario.parent.resolve()}/signature.txt": "s-1",
    }


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (
            "{feed.accounts.email}",
            "{feed.accounts.emial}",
            "{feed.accounts.emial}; want a column of feed.accounts: email (did you mean that?)",
        ),
        ("{feed.cities.name}", "{feed.citis.name}", "{feed.citis.name}; want a feed of this scenario: cities (did you mean that?)"),
        (
            "{feed.accounts.email}",
            "{feed.cities.name}",
            "feed.accounts is read by no step; want a placeholder such as {feed.accounts.email} in a step",
        ),
        ("{feed.cities.name}", "Kota", "feed.cities is read by no step; want a placeholder such as {feed.cities.name} in a step"),
        (
            '"cities.csv"',
            '"towns.csv"',
            "feed.cities.file is 'towns.csv', which is not there; want a CSV file, by its path or beside the scenario",
        ),
        ("/campaigns/{campaign}", "/campaigns/{campain}", "{campain}; want a field of the person or an earlier capture: campaign"),
        ('lifetime = "expires_in"', "", "shared[0] is given for_seconds and lifetime both, or neither; want exactly one of them"),
        ('lifetime = "expires_in"', 'lifetime = "life"', "shared[0] is with the captures machine, expires_in; want those that are shared"),
        ('path = "/oauth/token"', 'path = "/oauth/{email}"', "shared[0].path is {email}; want a field of the person or an earlier capture"),
        ('path = "/oauth/token"', 'path = "/oauth"\nthink_seconds = { value = 1.0 }', "shared[0].think_seconds is given; want none"),
        ('"DELETE"', '"REMOVE"', "teardown[0].method is 'REMOVE'; want 'GET'"),
        ("accounts/{feed", "accounts/{session}{feed", "teardown[0].path is {session}; want a field of the person or an earlier capture"),
    ],
)
def test_a_mistake_in_it_is_named_where_it_stands(page_scenario: Path, before: str, after: str, fault: str) -> None:
    text = page_scenario.read_text()
    assert before in text
    page_scenario.write_text(text.replace(before, after))
    with pytest.raises(FileError) as caught:
        load_scenario(page_scenario)
    assert fault in str(caught.value)


def test_the_check_says_what_a_scenario_needs_from_outside(page_scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "check", str(page_scenario)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  feed.accounts: 1 rows, unique, fewer than people: a run needs --sample" in lines
    assert "  feed.cities: 1 rows, random" in lines
    assert f"  secrets: env:SHOP_API_KEY, file:{page_scenario.parent.resolve()}/signature.txt, env:SHOP_CLIENT_SECRET" in lines


def test_the_example_of_a_login_has_no_faults() -> None:
    scenario = load_scenario(PAGE.parent / "examples" / "login-with-oidc.toml")
    assert [step.step for step in scenario.journey] == ["authorize", "login", "token", "userinfo"]


def test_a_column_that_no_step_uses_is_a_fault_unless_it_is_spare(page_scenario: Path) -> None:
    (page_scenario.parent / "accounts.csv").write_text("email,note\nakun@warga.example,lama\n")
    with pytest.raises(FileError, match=r"the column 'note', which no step uses; want a placeholder \{feed\.accounts\.note\}"):
        load_scenario(page_scenario)
    text = page_scenario.read_text().replace("[feed.accounts]\n", '[feed.accounts]\nspare_columns = ["note"]\n')
    page_scenario.write_text(text)
    assert load_scenario(page_scenario).feed["accounts"].spare_columns == ("note",)
