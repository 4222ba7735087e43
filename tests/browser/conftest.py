"""Which Chromium the tests look with, and the photos that its people have."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from gelombang.steps import PhotoKind
from gelombang_loadtests.chromium import NAMES, find_chromium
from gelombang_loadtests.drawing import draw_photo
from gelombang_loadtests.page_walk import launch


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its path; without one the tests are skipped, but never where CI says that it is CI."""
    found = find_chromium()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Chromium in CI; want one of {', '.join(NAMES)} on PATH")
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH")
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    with launch(playwright, chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[PhotoKind, Path]:
    """Drawn, and marked CONTOH."""
    folder = tmp_path_factory.mktemp("photos")
    for kind in PhotoKind:
        (folder / f"{kind}.jpg").write_bytes(draw_photo(kind, 800_000, 80))
    return {kind: folder / f"{kind}.jpg" for kind in PhotoKind}
