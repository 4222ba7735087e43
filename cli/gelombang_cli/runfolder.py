"""Where a run's files go: `runs/<run_id>/`, or the folder that `--out` names."""

from pathlib import Path

from gelombang.clock import utc_now
from gelombang.errors import InputError


def new_run_id(scenario: str, profile: str) -> str:
    """Sorts by time and says what it is: `20200411-120000-opening-hour-april-2020`."""
    return f"{utc_now():%Y%m%d-%H%M%S}-{scenario}-{profile}"


def make_run_folder(out: Path | None, run_id: str, profile: str, several: bool) -> Path:
    """A fresh folder. `--out DIR` is the run's folder itself, or `DIR/<profile>` with several profiles. Raises InputError."""
    if out is None:
        folder = Path("runs") / run_id
    elif several:
        folder = out / profile
    else:
        folder = out
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; want a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} exists and is not empty; want a new folder, so that no earlier run is lost")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be made ({error.strerror}); want a folder that can be written") from error
    return folder.resolve()


def existing_run_folder(path: str) -> Path:
    """The folder of a run that was made before. Raises InputError."""
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{path} is not a folder; want the folder of a run, such as runs/<id>")
    return folder
