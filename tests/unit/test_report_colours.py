"""The colours of a run's page, read from its style sheet: who sees little can read it, on light paper and on dark."""

import re
from pathlib import Path

import pytest

REPORTS = Path(__file__).parents[2] / "reports" / "gelombang_reports"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper", "wanted"),
    [
        *[(ink, "paper", 4.5) for ink in ("ink", "soft", "few", "bad", "good", "warn")],
        ("bad", "bad-paper", 4.5),
        ("good", "good-paper", 4.5),
        ("warn", "warn-paper", 4.5),
        ("soft", "trough", 4.5),
        ("ink", "bad-paper", 4.5),
        ("soft", "bad-paper", 4.5),
        *[(f"c{i}", "paper", 3.0) for i in range(1, 13)],
        *[(f"p{i}", "paper", 3.0) for i in range(1, 5)],
        ("c-ack", "paper", 3.0),
    ],
)
def test_colours_have_the_contrast_that_wcag_aa_asks(scheme: str, ink: str, paper: str, wanted: float) -> None:
    """WCAG 2.2, 1.4.3 (text 4.5:1) and 1.4.11 (graphical objects 3:1)."""
    css = (REPORTS / "assets" / "page.css").read_text()
    light, dark = (dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", part)) for part in css.split("@media screen", 1))
    colours = light if scheme == "light" else light | dark
    assert contrast(colours[ink], colours[paper]) >= wanted


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2 definition."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
