"""`gelombang dashboards build` and `check`: the generated dashboards and rules, written anew, and looked through for what is wrong."""

import argparse
import subprocess
from pathlib import Path

from gelombang.errors import ExitCode, HostError, InputError
from gelombang.resources import dashboards_folder
from gelombang_cli.arguments import Commands
from gelombang_cli.prometheus import installed
from gelombang_dashboards.alert_histories import HISTORIES
from gelombang_dashboards.build import committed_files
from gelombang_dashboards.checking import Checked, check_files
from gelombang_dashboards.prometheus import RULE_FILES

PROMTOOL_WITHIN_SECONDS = 120.0
LINES_SHOWN = 12


def add_parts(parts: Commands) -> None:
    build = parts.add_parser("build", help="write the dashboards, rules and alerts from the catalogue", description=__doc__)
    build.add_argument("--out", type=Path, metavar="DIR", help="folder to write into (default: dashboards/ of this checkout)")
    build.set_defaults(command=_build)
    check = parts.add_parser("check", help="are the files as built, do the linter's rules hold, does everything parse, do alerts fire")
    check.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="folder with grafana/ and prometheus/ (default: ours)")
    check.set_defaults(command=_check)


def _build(parsed: argparse.Namespace) -> ExitCode:
    folder: Path = parsed.out or _checkout()
    for name, text in committed_files():
        path = folder / name
        try:
            is_there = path.exists() and path.read_text(encoding="utf-8") == text
            if not is_there:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be written ({error}); want a folder that can") from error
        print(f"{'unchanged' if is_there else 'written':<9} {path}")
    return ExitCode.AS_EXPECTED


def _checkout() -> Path:
    folder = dashboards_folder()
    if not (folder / "gelombang_dashboards").is_dir():
        raise InputError("this is an installed gelombang, whose own files stay as they are; want --out DIR")
    return folder


def _check(parsed: argparse.Namespace) -> ExitCode:
    folder: Path = parsed.folder or dashboards_folder()
    if not (folder / "grafana").is_dir() or not (folder / "prometheus").is_dir():
        raise InputError(f"{folder} has no grafana/ and prometheus/; want a folder as `gelombang dashboards build --out` makes it")
    wrong = 0
    for checked in [*check_files(folder), *_by_promtool(folder / "prometheus")]:
        wrong += len(checked.faults)
        if not checked.faults:
            print(f"ok     {checked.what}: {checked.holds}")
        for fault in checked.faults:
            print(f"wrong  {checked.what}: {fault}")
    print("nothing is wrong" if wrong == 0 else f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong")
    return ExitCode.AS_EXPECTED if wrong == 0 else ExitCode.FAILED


def _by_promtool(rules: Path) -> list[Checked]:
    try:
        program = installed("promtool")
    except HostError as error:
        return [Checked("promtool", f"not asked, so no alert was tried: {error}", [])]
    asked = (
        ("promtool check rules", f"{len(RULE_FILES)} files of rules", ["check", "rules", "--lint-fatal", *RULE_FILES]),
        ("promtool check config", "prometheus.yml and the rules that it names", ["check", "config", "prometheus.yml"]),
        (
            "promtool test rules",
            f"{len(HISTORIES)} histories fire their alert or not, as they must",
            ["test", "rules", "rules_test.yml"],
        ),
    )
    return [Checked(what, holds, _said([program, *words], rules)) for what, holds, words in asked if (rules / words[-1]).exists()]


def _said(command: list[str], folder: Path) -> list[str]:
    """What promtool finds wrong, its last lines first cut."""
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=PROMTOOL_WITHIN_SECONDS, text=True)
    except subprocess.TimeoutExpired:
        return [f"did not end within {PROMTOOL_WITHIN_SECONDS:g} s"]
    if run.returncode == 0:
        return []
    lines = [line.strip() for line in (run.stdout + run.stderr).splitlines() if line.strip()]
    return [f"ended with exit code {run.returncode}: " + "\n       ".join(lines[:LINES_SHOWN])]
