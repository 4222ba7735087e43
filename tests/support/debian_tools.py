"""Programs that Debian's package `prometheus` brings: found, or the test is skipped; where CI=true a missing one fails."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed; want Debian's package prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
