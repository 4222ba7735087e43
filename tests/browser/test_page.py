"""The page in Chromium: charts are drawn, nothing is fetched, no error is logged, and a phone needs no sideways scroll."""

import re
import subprocess
from pathlib import Path

import pytest

from gelombang.record import RunRecord, Validity
from gelombang_loadtests.chromium import FLAGS
from gelombang_reports.page import SIZE_LIMIT_BYTES, write_page
from support.records import collapsing, doubtful, empty, hardened

pytestmark = pytest.mark.browser

CHROMIUM_SECONDS_LIMIT = 50
LOUD = ("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr")
MEASURE = """<script>addEventListener("load", () => {
const loads = performance.getEntriesByType("resource").map((one) => one.name);
document.title = `width ${document.documentElement.scrollWidth} loads ${JSON.stringify(loads)}`;
});</script>"""


def dump(chromium: str, page: Path, profile: Path, *flags: str) -> tuple[str, str]:
    """The document after its scripts ran, and what the browser logged."""
    done = subprocess.run(
        [chromium, *FLAGS, *LOUD, f"--user-data-dir={profile}", *flags, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=CHROMIUM_SECONDS_LIMIT,
        check=True,
    )
    return done.stdout, done.stderr


def measured_in_frame(chromium: str, page: Path, profile: Path, width: int) -> tuple[int, str]:
    """How wide the page wants to be in a frame of `width`, and what it tried to load, as JSON.

    A frame, because the window of a headless browser can't be that narrow; without the page's own policy, which would stop the measuring.
    """
    text = page.read_text()
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", MEASURE + "</body>")
    (page.parent / "bare.html").write_text(bare)
    frame = page.parent / "frame.html"
    say = "const inner = this.contentWindow; inner.setTimeout(() => { document.title = inner.document.title; }, 0)"
    frame.write_text(f'<iframe src="bare.html" style="width:{width}px;height:900px;border:0" onload="{say}"></iframe>')
    document, _log = dump(chromium, frame, profile, "--allow-file-access-from-files")
    found = re.search(r"<title>width (\d+) loads (.*?)</title>", document)
    assert found is not None, document[:500]
    return int(found.group(1)), found.group(2)


@pytest.mark.parametrize(
    ("name", "records", "charts"),
    [
        ("two profiles", [collapsing(), hardened()], 16),
        ("one profile, doubted", [doubtful(collapsing(), Validity.SUSPECT)], 13),
        ("no uploads", [empty()], 6),
    ],
)
def test_charts_are_drawn_without_an_error(chromium: str, tmp_path: Path, name: str, records: list[RunRecord], charts: int) -> None:
    page = tmp_path / "report.html"
    write_page(records, page)
    assert page.stat().st_size <= SIZE_LIMIT_BYTES
    document, log = dump(chromium, page, tmp_path / "profile")
    assert f'data-charts-drawn="{charts}"' in document, name
    assert document.count("<canvas") == charts
    assert "CONSOLE" not in log, log


@pytest.mark.parametrize("width", [390, 360])
def test_a_phone_shows_the_page_without_scrolling_sideways_and_loads_nothing_else(chromium: str, tmp_path: Path, width: int) -> None:
    page = tmp_path / "report.html"
    write_page([collapsing(), hardened()], page)
    wanted, loads = measured_in_frame(chromium, page, tmp_path / "profile", width)
    assert wanted <= width
    assert loads == "[]"


def test_without_script_the_drawings_of_python_show(chromium: str, tmp_path: Path) -> None:
    """Every chart is there as SVG, and nothing hides it."""
    page = tmp_path / "report.html"
    write_page([collapsing()], page)
    text = re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.S)
    page.write_text(text)
    document, _log = dump(chromium, page, tmp_path / "profile")
    assert "<canvas" not in document
    assert document.count('<svg viewBox="0 0 ') == 13
    assert 'class="canvas live"' not in document
