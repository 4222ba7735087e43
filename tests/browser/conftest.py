"""Which Chromium the tests look with."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its path; without one the tests are skipped, but never where CI says that it is CI."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Chromium in CI; want one of {', '.join(NAMES)} on PATH")
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH")
    return found
