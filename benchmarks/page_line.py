"""When an applicant's pages can be used on 400 kbit/s and 300 ms, with nothing kept from before.

    PYTHONPATH=benchmarks:tests python -m page_line

Usable: the document is parsed and its style and script have run, which is Chromium's `load` event, as these pages load nothing else. The
line is that of the browser's network emulation.
"""

import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from gelombang_loadtests.page_walk import Owner, launch, walker
from support.page_site import page_profile, page_site

ROUNDS = 7
PATHS = ("/", "/status", "/foto/ktp")
USABLE = "performance.getEntriesByType('navigation')[0].loadEventEnd"
BYTES = "performance.getEntries().filter(one => one.transferSize).reduce((sum, one) => sum + one.transferSize, 0)"


def main() -> None:
    chromium = shutil.which("chromium")
    assert chromium is not None, "no Chromium on PATH"
    found: dict[str, list[tuple[float, int]]] = {path: [] for path in PATHS}
    folder = Path(tempfile.mkdtemp())
    with page_site(folder, page_profile("hardened")) as site, sync_playwright() as playwright, launch(playwright, chromium) as browser:
        for number in range(1, ROUNDS + 1):
            for path in PATHS:
                one = number * 10 + PATHS.index(path)
                owner = Owner(f"siti{one}", f"990101410790{one:04d}", f"00013456{one:04d}", "1990-07-01")
                with walker(browser, site, owner) as person:
                    if path != "/":
                        person.sign_up()
                    line = person.line()
                    line.forget()
                    line.slow()
                    person.open(path)
                    found[path].append((person.page.evaluate(USABLE) / 1_000, person.page.evaluate(BYTES)))
    shutil.rmtree(folder)
    for path, rounds in found.items():
        seconds = [one for one, _ in rounds]
        print(f"{path}: median {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), {rounds[0][1]} bytes")


if __name__ == "__main__":
    main()
