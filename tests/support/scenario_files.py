"""Scenario files of a test, and what is wrong with them."""

from pathlib import Path

import pytest

from gelombang.errors import ExitCode, FileError
from gelombang.loading import load_scenario


def faults_of(path: Path, *settings: str) -> list[str]:
    with pytest.raises(FileError) as caught:
        load_scenario(path, settings)
    assert caught.value.exit_code is ExitCode.WRONG_INPUT
    return [str(fault) for fault in caught.value.faults]


def scenario_file(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def extending(folder: Path, text: str) -> Path:
    return scenario_file(folder, 'extends = "opening-hour"\n' + text)
