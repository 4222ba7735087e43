"""`gelombang dashboards build` and `check`, without promtool: what is stale, broken or foreign is named, with its file and line."""

from pathlib import Path

import pytest

from gelombang_cli import dashboard_files
from gelombang_cli.main import main
from gelombang_dashboards.build import committed_files
from gelombang_dashboards.checking import check_files


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return dict(committed_files())


@pytest.fixture
def folder(tmp_path: Path, texts: dict[Path, str]) -> Path:
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def no_promtool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)


def found(folder: Path) -> list[str]:
    return [f"{checked.what}: {fault}" for checked in check_files(folder) for fault in checked.faults]


def spoil(path: Path, right: str, wrong: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")


def test_what_was_just_built_is_not_wrong_and_a_second_build_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "build", "--out", str(tmp_path)]) == 0
    assert found(tmp_path) == []
    capsys.readouterr()
    assert main(["dashboards", "build", "--out", str(tmp_path)]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"unchanged"}


def test_a_file_that_was_edited_is_stale_from_its_line_on(folder: Path) -> None:
    spoil(folder / "grafana" / "now.json", '"title": "Now"', '"title": "Then"')
    assert [fault for fault in found(folder) if "stale" in fault] == [
        "grafana/now.json: is stale from line 4 on; want `gelombang dashboards build`"
    ]


def test_a_file_that_is_gone_and_a_page_that_nobody_writes_are_named(folder: Path) -> None:
    (folder / "grafana" / "now.json").rename(folder / "grafana" / "mine.json")
    assert found(folder) == [
        "grafana/now.json: is missing; want `gelombang dashboards build`",
        "grafana/mine.json: is a page that the code does not write; want it away, or in the catalogue",
    ]


def test_a_rule_that_is_no_promql_is_named_with_its_line(folder: Path) -> None:
    spoil(folder / "prometheus" / "alerts.yml", "sum by (job) (deriv(", "sum by (job) (deriv((")
    assert any(fault.startswith("prometheus/alerts.yml: line ") and "not PromQL" in fault for fault in found(folder))


def test_a_fault_by_the_linters_rules_is_named_with_its_panel(folder: Path) -> None:
    spoil(folder / "grafana" / "now.json", '"unit": "percentunit"', '"unit": "furlongs"')
    assert any("unit 'furlongs' is not known" in fault for fault in found(folder))


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_what_is_no_dashboard_at_all_is_said_to_be_none(folder: Path, text: str) -> None:
    (folder / "grafana" / "now.json").write_text(text)
    assert any("is no JSON" in fault or "want a" in fault for fault in found(folder)[1:]), found(folder)


def test_the_command_ends_with_1_when_something_is_wrong_and_says_how_much(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "check", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "promtool: not asked, so no alert was tried" in said
    assert said.endswith("nothing is wrong\n")
    (folder / "grafana" / "now.json").unlink()
    assert main(["dashboards", "check", str(folder)]) == 1
    assert capsys.readouterr().out.endswith("1 thing is wrong\n")


def test_a_folder_without_dashboards_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "check", str(tmp_path)]) == 2
    assert "has no grafana/ and prometheus/" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "grafana").write_text("a file")
    assert main(["dashboards", "build", "--out", str(tmp_path)]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_an_installed_copy_is_not_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dashboard_files, "dashboards_folder", lambda: tmp_path)
    assert main(["dashboards", "build"]) == 2
    assert "want --out DIR" in capsys.readouterr().err
