"""Finished people a second against processes, measured, and against hosts, simulated: two panels of one SVG."""

import math
from collections.abc import Sequence

from scaling.hosts import HOSTS, SHARED, Point
from scaling.pages import SERIES
from scaling.rounds import Measured, middle
from server_bench.flow import PHOTO_BYTES
from server_bench.plot import text

from gelombang_capacity.plan_outcome import short

WIDTH, HEIGHT, TOP, BOTTOM = 1_010, 480, 104, 78
LEFT, PANEL, SECOND, SECOND_PANEL = 60, 330, 480, 320
COLOURS = ("#0b6e4f", "#0b5cad", "#8a6d1d", "#b3261e")
_WORDS, _FAINT = "#57606a", "#e3e7eb"
LABEL_HEIGHT = 34
LEAST_PER_SECOND = 1.0
"""Where the logarithmic axis begins."""


def svg(measured: Measured, points: Sequence[Point]) -> str:
    """Both panels; the second is empty where nothing was simulated."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="13">',
        f'<title>Where it stops growing</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 28, "Where it stops growing", size=18, weight=600),
        text(LEFT, 50, "people a second who finish, from account to wave", colour=_WORDS),
        text(LEFT, TOP - 22, f"Processes on {measured.cores} cores, client beside them: measured", weight=600),
        *_processes(measured),
        text(SECOND, TOP - 22, "Hosts of 8 cores: simulated", weight=600),
        *_hosts(points),
    ]
    note = f"gelombang, python -m scaling, {measured.made_at[:10]}; left: median, least and most of the rounds; right: least bound of each"
    return "\n".join([*parts, text(LEFT, HEIGHT - 8, note, colour=_WORDS, size=11), "</svg>\n"])


def _processes(measured: Measured) -> list[str]:
    values = [each.per_second for each in measured.rounds if each.photo_bytes == PHOTO_BYTES]
    top = 1.1 * max(values)

    def x(number: float) -> float:
        return LEFT + (number - 0.5) / 4 * PANEL

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    parts = _grid(LEFT, PANEL, [(y(value), f"{value:g}") for value in range(0, int(top) + 1, 50)])
    parts += [text(x(n), HEIGHT - BOTTOM + 20, str(n), anchor="middle", colour=_WORDS) for n in range(1, 5)]
    parts.append(text(LEFT + PANEL / 2, HEIGHT - BOTTOM + 38, "processes", anchor="middle", colour=_WORDS))
    for place, (name, series) in enumerate(SERIES.items()):
        colour, line = COLOURS[place], []
        aside = (place - 1) * 7
        for number, (api, uploads) in enumerate(series, start=1):
            if found := measured.at(api, uploads, PHOTO_BYTES):
                rates = [each.per_second for each in found]
                at, low, high = x(number) + aside, y(min(rates)), y(max(rates))
                line.append((at, y(middle(found, lambda each: each.per_second))))
                parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}"/>')
        parts += _drawn(line, colour)
        parts.append(text(LEFT + 14, HEIGHT - BOTTOM - 52 + 18 * place, name, colour=colour, weight=600, size=12))
    return parts


def _hosts(points: Sequence[Point]) -> list[str]:
    decades = max(1, math.ceil(math.log10(max([10.0, *(each.bound for each in points)]))))

    def x(hosts: int) -> float:
        return SECOND + 16 + math.log2(hosts) / math.log2(HOSTS[-1]) * (SECOND_PANEL - 32)

    def y(value: float) -> float:
        share = math.log10(max(value, LEAST_PER_SECOND) / LEAST_PER_SECOND) / decades
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = _grid(SECOND, SECOND_PANEL, [(y(10.0**n), f"{10**n:,}") for n in range(decades + 1)])
    parts += [text(x(n), HEIGHT - BOTTOM + 20, str(n), anchor="middle", colour=_WORDS) for n in HOSTS]
    parts.append(text(SECOND + SECOND_PANEL / 2, HEIGHT - BOTTOM + 38, "hosts; both axes logarithmic", anchor="middle", colour=_WORDS))
    free = 0.0
    for shared, colour in reversed(list(zip(SHARED, COLOURS, strict=True))):
        mine = sorted((each for each in points if each.shared == shared.name), key=lambda each: each.hosts)
        if mine:
            line = [(x(each.hosts), y(each.bound)) for each in mine]
            parts += _drawn(line, colour)
            # Lines that end at one place are named below each other, the one that carries most first.
            at = max(line[-1][1], free)
            free = at + LABEL_HEIGHT
            parts.append(text(SECOND + SECOND_PANEL + 6, at, shared.name, colour=colour, weight=600, size=12))
            words = f"{short(mine[-1].bound)}/s, {mine[-1].binds}"
            parts.append(text(SECOND + SECOND_PANEL + 6, at + 15, words, colour=colour, size=11))
    return parts


def _grid(left: float, width: float, rows: Sequence[tuple[float, str]]) -> list[str]:
    parts = []
    for y, words in rows:
        parts.append(f'<line x1="{left:.1f}" x2="{left + width:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_FAINT}"/>')
        parts.append(text(left - 8, y + 4, words, anchor="end", colour=_WORDS, size=11))
    return parts


def _drawn(line: Sequence[tuple[float, float]], colour: str) -> list[str]:
    """A line and its dots."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in line]
    return [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>', *dots]
