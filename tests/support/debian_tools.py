"""Programs that Debian's packages bring: found, or the test is skipped; where CI=true a missing one fails."""

import os
import shutil

import pytest


def program(name: str, package: str = "prometheus") -> str:
    """The path of a program, such as `promtool`."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed; want Debian's package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
