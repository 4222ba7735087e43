"""Lays two collapses side by side: a modelled store's and that of real limits, from the records of one command.

    gelombang run opening-hour --profile april-2020 --profile physical --seed 4 --out runs/two
    python benchmarks/two_collapses.py runs/two [--write docs/physical.md] [--picture docs/pictures/two-collapses.svg]

Prints the table; `--write` puts it between the marks of a Markdown file. Shares are of upload attempts, rates at full size, times the
people's.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from between_marks import write_between
from server_bench.plot import text

from gelombang.record import RunRecord, read_record
from gelombang.record_uploads import Uploads
from gelombang.upload_places import ACKNOWLEDGED

PROFILES = ("april-2020", "physical")
NAMES = {"april-2020": "a modelled store", "physical": "real limits, no model"}
UPLOADS, SMALL = ("ktp", "selfie"), "otp-send"
FROM_SECONDS, UNTIL_SECONDS = 900.0, 3_600.0
PLACES_SHOWN = 7
MARKS = "two-collapses"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 920, 380, 56, 84, 60, 60
_TRIES, _KEPT, _FAINT, _WORDS = "#b9c0c8", "#0b6e4f", "#e3e7eb", "#57606a"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the run's folder, with one of each profile in it")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between its marks in this file")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw both as SVG")
    options = parser.parse_args()
    records = [read_record(options.folder / name) for name in PROFILES]
    lines = table(records)
    print("\n".join(lines))
    if options.write is not None:
        write_between(options.write, MARKS, lines)
    if options.picture is not None:
        options.picture.write_text(picture(records))


def table(records: Sequence[RunRecord]) -> list[str]:
    """Both columns, as lines of Markdown."""

    def row(what: str, take: Callable[[RunRecord], str]) -> str:
        return f"| {what} | " + " | ".join(take(record) for record in records) + " |"

    places: list[str] = []
    for record in records:
        ranked = sorted(_places(record).items(), key=lambda found: -found[1])
        places += [name for name, _ in ranked[:PLACES_SHOWN] if name not in places]
    return [
        "| | " + " | ".join(f"{NAMES[record.profile]} (`{record.profile}`)" for record in records) + " |",
        "|---|---|---|",
        row("the run", lambda record: f"{record.validity.value}; {record.scale.scale()}; {record.started_at[:10]}"),
        row("people past both photos, from minute 15 on", lambda record: f"{_passed_per_second(record):.2f}/s"),
        row("upload attempts for each photo acknowledged", lambda record: _number(_uploads(record).attempts_per_acknowledged_photo)),
        row("upload attempts that failed, from minute 15 on", lambda record: f"{100 * _failed_ratio(record):.0f} %"),
        row("an upload attempt, from the press of the button to its end: median, 9 of 10", _upload_times),
        row("a code asked for: median, 99 of 100", _small_times),
        row("bytes received for each byte kept", lambda record: _number(_uploads(record).received_per_kept_byte)),
        row("photos acknowledged and lost", lambda record: str(_uploads(record).photos_acknowledged_lost)),
        *(row(f"attempts that ended: {name}", _share_of(name)) for name in places),
    ]


def picture(records: Sequence[RunRecord]) -> str:
    """Upload attempts and photos acknowledged a minute, one panel for each site, on one scale."""
    panel = (WIDTH - LEFT - GAP - 20) / 2
    series = [(_per_minute(record, False), _per_minute(record, True)) for record in records]
    top = 1.08 * max(1.0, *(max(tries) for tries, _ in series))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="13">',
        f'<title>Two collapses</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 28, "The same people, the same code: a modelled store, and real limits", size=18, weight=600),
        text(
            LEFT,
            50,
            "photos a second at full size, by minute: grey every try that ended, green what somebody was told is stored",
            colour=_WORDS,
        ),
    ]
    for number, (record, (tries, kept)) in enumerate(zip(records, series, strict=True)):
        left = LEFT + number * (panel + GAP)
        parts.append(text(left, TOP - 8, f"{record.profile}: {NAMES[record.profile]}", weight=600))
        parts += _panel(left, panel, top, tries, kept)
    note = "; ".join(f"{record.profile} {record.validity.value}" for record in records)
    parts.append(text(LEFT, HEIGHT - 8, f"gelombang run {records[0].scenario}, {records[0].scale.scale()}; {note}", colour=_WORDS, size=11))
    return "\n".join([*parts, "</svg>\n"])


def _panel(left: float, width: float, top: float, tries: Sequence[float], kept: Sequence[float]) -> list[str]:
    def x(minute: float) -> float:
        return left + minute / len(tries) * width

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    parts = []
    step = _step(top)
    for n in range(int(top / step) + 1):
        parts.append(f'<line x1="{left:.1f}" x2="{left + width:.1f}" y1="{y(n * step):.1f}" y2="{y(n * step):.1f}" stroke="{_FAINT}"/>')
        parts.append(text(left - 8, y(n * step) + 4, f"{n * step:g}", anchor="end", colour=_WORDS, size=11))
    for values, colour in ((tries, _TRIES), (kept, _KEPT)):
        points = [f"{x(0):.1f},{y(0):.1f}"]
        for minute, value in enumerate(values):
            points += [f"{x(minute):.1f},{y(value):.1f}", f"{x(minute + 1):.1f},{y(value):.1f}"]
        points.append(f"{x(len(values)):.1f},{y(0):.1f}")
        parts.append(f'<polygon points="{" ".join(points)}" fill="{colour}"/>')
    for minute in range(0, len(tries) + 1, 15):
        parts.append(text(x(minute), HEIGHT - BOTTOM + 18, f"{minute} min", anchor="middle", colour=_WORDS, size=11))
    return parts


def _step(top: float) -> float:
    """The finest of 1, 2, 5, 10, … that makes six lines at most."""
    step, factors = 1.0, (2.0, 2.5, 2.0)
    n = 0
    while top / step > 6:
        step *= factors[n % 3]
        n += 1
    return step


def _per_minute(record: RunRecord, is_kept: bool) -> list[float]:
    """By minute of the people's time while they come, photos a second at full size."""
    windows, scale = record.windows, record.scale.scale()
    counts = windows.upload_where.get(ACKNOWLEDGED, []) if is_kept else windows.upload_attempts
    found = [0.0] * int(UNTIL_SECONDS / 60)
    for number, count in enumerate(counts):
        minute = int((number + 0.5) * windows.window_seconds / 60)
        if minute < len(found):
            found[minute] += scale.stands_for(count) / 60
    return found


def _span(record: RunRecord, counts: Sequence[int]) -> int:
    width = record.windows.window_seconds
    return sum(count for n, count in enumerate(counts) if FROM_SECONDS <= (n + 0.5) * width < UNTIL_SECONDS)


def _passed_per_second(record: RunRecord) -> float:
    passed = _span(record, record.windows.passed[UPLOADS[-1]])
    return record.scale.scale().stands_for(passed) / (UNTIL_SECONDS - FROM_SECONDS)


def _failed_ratio(record: RunRecord) -> float:
    ended, failed = _span(record, record.windows.upload_attempts), _span(record, record.windows.upload_failed)
    return failed / ended if ended else 0.0


def _uploads(record: RunRecord) -> Uploads:
    if record.uploads is None:
        raise SystemExit(f"the run of {record.profile} has no uploads; want one of a scenario with photos")
    return record.uploads


def _places(record: RunRecord) -> dict[str, int]:
    found: dict[str, int] = {}
    for place in _uploads(record).where:
        found[place.meaning] = found.get(place.meaning, 0) + place.attempts
    return found


def _share_of(meaning: str) -> Callable[[RunRecord], str]:
    def share(record: RunRecord) -> str:
        return f"{100 * _places(record).get(meaning, 0) / max(1, _uploads(record).attempts):.1f} %"

    return share


def _upload_times(record: RunRecord) -> str:
    times = [step.response for step in record.steps if step.step in UPLOADS and step.response.samples]
    if not times:
        return "–"
    slowest = max(times, key=lambda found: found.p50_seconds)
    return f"{slowest.p50_seconds:.0f} s, {slowest.p90_seconds:.0f} s"


def _small_times(record: RunRecord) -> str:
    found = next((step.response for step in record.steps if step.step == SMALL and step.response.samples), None)
    return "–" if found is None else f"{found.p50_seconds:.2f} s, {found.p99_seconds:.1f} s"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    main()
