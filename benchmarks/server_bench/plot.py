"""The goodput curves as one SVG: how many photos were acknowledged to somebody still waiting, by how many came."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 860, 470
LEFT, RIGHT, TOP, BOTTOM = 64, 220, 74, 78
COLOURS = {"hardened": "#0b6e4f", "april-2020": "#b3261e"}
DASHES = {"well-behaved": "", "stock-tus": "7 5"}
WORDS = {"well-behaved": "people who keep the told time", "stock-tus": "people who send again at once"}
_INK, _FAINT = "#1f2328", "#d7dbe0"
Curve = Sequence[tuple[float, float]]


def svg(curves: Mapping[tuple[str, str], Curve], limit: float, title: str, note: str) -> str:
    """`curves`: (profile, persona) to points of load (times the limit) and photos per second."""
    loads = sorted({load for curve in curves.values() for load, _ in curve})
    top = 1.25 * max(limit, *(value for curve in curves.values() for _, value in curve))

    def x(load: float) -> float:
        return LEFT + loads.index(load) / max(1, len(loads) - 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="13">',
        f'<title>{escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 28, title, size=18, weight=600),
        text(LEFT, 50, "photos a second acknowledged to somebody still waiting, by how many come", colour="#57606a"),
    ]
    for value in range(0, int(top) + 1, 10):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{_FAINT}"/>')
        parts.append(text(LEFT - 10, y(value) + 4, str(value), anchor="end"))
    parts.append(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" stroke="{_INK}" stroke-dasharray="2 4"/>'
        + text(LEFT + 130, y(limit) + 20, f"what the store can take: {limit:g} a second", colour=_INK)
    )
    for load in loads:
        parts.append(text(x(load), HEIGHT - BOTTOM + 22, f"{load:g} ×", anchor="middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 44, "people who come, in times the store's limit", anchor="middle"))
    ends: list[float] = []
    for (profile, persona), curve in curves.items():
        colour, dash = COLOURS[profile], DASHES[persona]
        points = " ".join(f"{x(load):.1f},{y(value):.1f}" for load, value in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="3" stroke-dasharray="{dash}"/>')
        parts += [f'<circle cx="{x(load):.1f}" cy="{y(value):.1f}" r="4.5" fill="{colour}"/>' for load, value in curve]
        at = y(curve[-1][1]) - 22
        while any(abs(at - other) < 36 for other in ends):
            at += 4 if profile == "hardened" else -4
        ends.append(at)
        parts.append(text(WIDTH - RIGHT + 14, at, profile, colour=colour, weight=600))
        parts.append(text(WIDTH - RIGHT + 14, at + 16, WORDS[persona], colour=colour, size=12))
    parts.append(text(LEFT, HEIGHT - 8, note, colour="#57606a", size=11))
    return "\n".join([*parts, "</svg>\n"])


def text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK, size: int = 13, weight: int = 400) -> str:
    """Words at a place of the picture."""
    style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
