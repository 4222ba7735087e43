"""The wheel: what somebody gets who has no checkout."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOREIGN = ("server", "loadtests", "gates", "reports", "dashboards", "scenarios", "cli")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, and this one's packages behind it (nothing is downloaded)."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, system_site_packages=False)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python3.*/site-packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, timeout=120)
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    dependencies = [path for path in Path(ours).iterdir() if not path.name.startswith(("gelombang", "_gelombang", "__editable__"))]
    for path in dependencies:
        if not (site / path.name).exists() and path.suffix != ".pth":
            (site / path.name).symlink_to(path)
    return python


@pytest.mark.timeout(180)
def test_foreign_folders_of_the_same_names_stay_theirs_and_ours_import(python: Path, tmp_path: Path) -> None:
    for name in FOREIGN:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"WHOSE = 'theirs: {name}'\n")
    code = (
        "import sys; sys.path.insert(0, '')\n"
        "import server, loadtests, gates, reports, dashboards, scenarios, cli\n"
        "import gelombang, gelombang_server, gelombang_gates, gelombang_reports, gelombang_dashboards, gelombang_cli\n"
        "print(server.WHOSE, cli.WHOSE, gelombang.__file__)\n"
    )
    done = subprocess.run([str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "theirs: server theirs: cli" in done.stdout
    assert str(python.parent.parent) in done.stdout


@pytest.mark.timeout(180)
def test_the_wheel_runs_a_scenario_by_name_from_any_folder(python: Path, tmp_path: Path) -> None:
    command = [str(python), "-m", "gelombang_cli", "run", "smoke", "--for", "300", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    assert (tmp_path / "run" / "record.json").exists()
    assert (tmp_path / "run" / "report.html").exists()
    command = [str(python), "-m", "gelombang_cli", "verify", "run"]
    verified = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_command_works_where_numba_is_not_installed() -> None:
    without = "import sys; sys.modules['numba'] = None; from gelombang_cli.main import main; sys.exit(main(['--help']))"
    asked = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 0, asked.stderr
    assert "capacity" in asked.stdout
