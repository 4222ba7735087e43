"""How numbers are written for people: grouped, rounded to what is known, always with their unit.

Two ways of spacing exist: thin unbreakable spaces on the page, plain characters in a terminal. Everything else is the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

NOTHING = "–"
"""Stands where there is no number."""

_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class Figures:
    """A way of writing numbers: `group` between thousands, `gap` between a number and its unit."""

    group: str
    gap: str

    def count(self, number: float) -> str:
        """A whole number: `160 000`."""
        return f"{round(number):,}".replace(",", self.group)

    def decimal(self, number: float | None) -> str:
        """A plain number with two or three digits that matter: `0.42`, `6.4`, `118`."""
        if number is None:
            return NOTHING
        size = abs(number)
        if size >= 100:
            return self.count(number)
        if size >= 10:
            return f"{number:.0f}" if number == round(number) else f"{number:.1f}"
        return f"{number:.1f}" if size >= 1 else f"{number:.2g}"

    def share(self, part: float, whole: float) -> str:
        """Part of a whole in percent; 0 and 100 are said only of none and all."""
        if whole <= 0:
            return NOTHING
        percent = 100 * part / whole
        if 0 < percent < 0.1:
            return f"<0.1{self.gap}%"
        if 99.9 < percent < 100:
            return f">99.9{self.gap}%"
        digits = 0 if percent in (0, 100) else 1
        return f"{percent:.{digits}f}{self.gap}%"

    def change(self, before: float | None, after: float | None) -> str:
        """How much more or less, against what it was: `+12 %`, `−34 %`, `× 3.4` from double upwards; nothing to say from 0."""
        if before is None or after is None or before == 0:
            return ""
        ratio = after / before
        if ratio >= 2:
            return f"×{self.gap}{self.decimal(ratio)}"
        percent = 100 * (ratio - 1)
        sign = "+" if percent > 0 else "\u2212" if percent < 0 else "±"
        return f"{sign}{abs(percent):.0f}{self.gap}%" if abs(percent) >= 1 or not percent else f"{sign}<1{self.gap}%"

    def seconds(self, seconds: float | None) -> str:
        """A duration: `4 ms`, `0.42 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
        if seconds is None:
            return NOTHING
        if seconds < 0.01:
            return f"{seconds * 1000:.1f}{self.gap}ms"
        if seconds < 1:
            return f"{seconds:.2f}{self.gap}s"
        if seconds < 99.5:
            return f"{seconds:.1f}{self.gap}s" if seconds < 10 else f"{seconds:.0f}{self.gap}s"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes}{self.gap}min" + (f" {rest}{self.gap}s" if rest else "")
        hours, minutes = divmod(minutes, 60)
        return f"{hours}{self.gap}h" + (f" {minutes}{self.gap}min" if minutes else "")

    def span(self, low: float, high: float) -> str:
        """From one duration to another, with the unit once where both have the same: `8.8–9.9 s`, `13–25 min`."""
        if low >= 120:
            return f"{low / 60:.0f}\u2013{high / 60:.0f}{self.gap}min"
        first, last = self.seconds(low), self.seconds(high)
        unit = last.rpartition(self.gap)[2]
        if first.count(self.gap) == last.count(self.gap) == 1 and first.endswith(self.gap + unit):
            first = first.removesuffix(self.gap + unit)
        return f"{first}\u2013{last}"

    def milliseconds(self, seconds: float | None) -> str:
        """A short wall duration: `3.1 ms`."""
        return NOTHING if seconds is None else f"{self.decimal(seconds * 1000)}{self.gap}ms"

    def size(self, size_bytes: float | None) -> str:
        """A number of bytes, decimal units: `1.2 GB`."""
        if size_bytes is None:
            return NOTHING
        for unit, name in _BYTES:
            if abs(size_bytes) >= unit:
                return f"{self.decimal(size_bytes / unit)}{self.gap}{name}"
        return f"{self.count(size_bytes)}{self.gap}B"

    def ratio(self, ratio: float | None) -> str:
        """A ratio of 0 to 1 in percent."""
        return NOTHING if ratio is None else self.share(ratio, 1.0)


PAGE_FIGURES = Figures(group="\u202f", gap="\u202f")
TEXT_FIGURES = Figures(group=",", gap=" ")


def clock_text(opens_at: str, seconds: float, with_seconds: bool = False) -> str:
    """The people's clock, `seconds` after the opening: `19:10`."""
    moment = datetime.fromisoformat(opens_at) + timedelta(seconds=seconds)
    return moment.strftime("%H:%M:%S" if with_seconds else "%H:%M")


def opening_second(opens_at: str) -> int:
    """Second of the day at which a run opens, on the people's clock."""
    opens = datetime.fromisoformat(opens_at)
    return opens.hour * 3_600 + opens.minute * 60 + opens.second


def day_text(opens_at: str) -> str:
    """The day of the opening: `11 April 2020`."""
    moment = datetime.fromisoformat(opens_at)
    return f"{moment.day} {moment.strftime('%B %Y')}"
