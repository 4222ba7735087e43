"""Where the data that comes along lies: inside the package when it is installed, beside it in a checkout.

Nothing here reads the working folder, so a user's own `scenarios/` or `server/` never hides ours.
"""

from pathlib import Path

from gelombang.errors import InputError

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"
_CHECKOUT = _PACKAGE.parent


def scenarios_folder() -> Path:
    """The scenarios and their curves."""
    return _folder("scenarios", "scenarios")


def profiles_folder() -> Path:
    """The profiles of the reference server."""
    return _folder("profiles", "server/profiles")


def locustfiles_folder() -> Path:
    """The locustfiles, and nothing else: Locust puts this folder first on its search path."""
    return _folder("locustfiles", "loadtests/locustfiles")


def dashboards_folder() -> Path:
    """The folder that holds `grafana/` and `prometheus/`."""
    return _folder("dashboards", "dashboards")


def _folder(installed: str, checkout: str) -> Path:
    for folder in (_INSTALLED / installed, _CHECKOUT / checkout):
        if folder.is_dir():
            return folder
    raise InputError(f"this installation has no {installed}; want {_INSTALLED / installed}, as the wheel brings it")
