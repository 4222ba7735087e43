"""Secrets: found where a scenario names them, said when they are missing, and never shown."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from gelombang.errors import ExitCode, FileError
from gelombang.secrets import Secrets, look_up_secrets, place_secret_files
from gelombang.templates import filled, placeholders, secret_references


class Part(BaseModel):
    text: str = ""
    table: dict[str, list[str]] = {}


def test_references_are_no_placeholders_of_a_person() -> None:
    text = "Bearer ${env:TOKEN} ${file:/run/secrets/key} {session} $5"
    assert secret_references(text) == ["env:TOKEN", "file:/run/secrets/key"]
    assert placeholders(text) == ["session"]


def test_values_are_put_in_one_pass_and_never_read_as_templates() -> None:
    values = {"env:TOKEN": "{session}${env:OTHER}", "session": "${env:TOKEN}"}
    assert filled("${env:TOKEN} {session}", values) == "{session}${env:OTHER} ${env:TOKEN}"


def test_variables_and_files_below_a_model_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a {b}\n")
    part = Part(text="${env:TOKEN}", table={"x": [f"${{file:{tmp_path}/key}}"]})
    secrets = look_up_secrets(part, "mine.toml", {"TOKEN": "t-1"})
    assert dict(secrets) == {"env:TOKEN": "t-1", f"file:{tmp_path}/key": "a {b}"}
    assert secrets.in_model(part) == Part(text="t-1", table={"x": ["a {b}"]})
    assert secrets.filled("{x} ${env:TOKEN}") == "{x} t-1"


def test_everything_that_is_missing_is_named_at_once_and_no_value_is_shown(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("x" * 70_000)
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    names = ["env:NOT_SET", "env:EMPTY", "env:GOOD", f"file:{tmp_path}/none", f"file:{tmp_path}/large", f"file:{tmp_path}/latin"]
    part = Part(text=" ".join(f"${{{name}}}" for name in names))
    with pytest.raises(FileError) as caught:
        look_up_secrets(part, "mine.toml", {"EMPTY": "", "GOOD": "t-1"})
    assert caught.value.exit_code is ExitCode.WRONG_INPUT
    assert str(caught.value).splitlines() == [
        "mine.toml: text: ${env:NOT_SET} is not set; want the variable NOT_SET in the environment of this command",
        "mine.toml: text: ${env:EMPTY} is empty; want a value",
        f"mine.toml: text: ${{file:{tmp_path}/none}} is a file that can't be read (No such file or directory); "
        "want a file with the secret, UTF-8, at most 65536 bytes",
        f"mine.toml: text: ${{file:{tmp_path}/large}} is more than 65536 bytes; want a file with the secret, UTF-8, at most 65536 bytes",
        f"mine.toml: text: ${{file:{tmp_path}/latin}} is no UTF-8; want a file with the secret, UTF-8, at most 65536 bytes",
    ]


def test_a_file_beside_the_scenario_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    data: dict[str, object] = {"a": ["x ${file:key}", "${file:other}"], "b": {"c": "${env:X}"}}
    place_secret_files(data, lambda name: tmp_path / name if (tmp_path / name).is_file() else None)
    assert data == {"a": [f"x ${{file:{tmp_path.resolve()}/key}}", "${file:other}"], "b": {"c": "${env:X}"}}


def test_secrets_show_their_names_only() -> None:
    assert repr(Secrets({"env:TOKEN": "t-1"})) == str(Secrets({"env:TOKEN": "t-1"})) == "Secrets(env:TOKEN)"
