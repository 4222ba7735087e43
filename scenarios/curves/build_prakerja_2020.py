"""Build `prakerja-2020.csv`: registrations per second from the opening of Kartu Prakerja, 11 April 2020, 19:00 WIB, to 117 hours later.

What is published are three cumulative counts (docs/facts.md): 1,432,133 at 21 h, about 3.7 million at 65 h, 5,965,048 at 117 h. The shape
between them is ours:

    rate(t) = A · (1 + t / TAU)^-alpha · day(t)

a power decay, as attention relaxes after news (Crane and Sornette, "Robust dynamic classes revealed by measuring the response function of
a social system", 2008), times the curve of a day, mixed over the country's three time zones. A and alpha are solved so that the trapezoids
of the rows pass the first and the last count; TAU is set so that the opening hour has 150,000 to 170,000, and the middle count is a check.

Run it without arguments to write the file again; the same bytes come out.
"""

from itertools import pairwise
from pathlib import Path

ANCHORS = ((21, 1_432_133), (65, 3_700_000), (117, 5_965_048))
"""Hours since opening and registrations so far."""
OPENING_HOUR_WIB = 19
TAU_SECONDS = 3_600.0
END_SECONDS = 117 * 3_600
FINE_UNTIL_SECONDS = 7_200
FINE_STEP_SECONDS = 60
STEP_SECONDS = 300

HOURS = (0.60, 0.38, 0.24, 0.17, 0.17, 0.26, 0.45, 0.68, 0.86, 1.00, 1.10, 1.14, 1.12, 1.12, 1.12, 1.10, 1.08, 1.08, 1.12, 1.28, 1.36, 1.30,
         1.10, 0.85)  # fmt: skip
"""Activity by local hour, an assumption: quiet from 1 to 5, evening peak at 20. Between the hours it is linear; its mean is made 1."""
ZONES = ((0, 0.85), (1, 0.12), (2, 0.03))
"""Hours ahead of WIB, and share of the registrants: WIB, WITA, WIT. An assumption near the population's 81, 16 and 3 %."""


def day(seconds: float) -> float:
    """The day curve at a time since opening, mean 1 over a day."""
    mean = sum(HOURS) / len(HOURS)
    total = 0.0
    for ahead, share in ZONES:
        local = (OPENING_HOUR_WIB + ahead + seconds / 3_600) % 24
        hour = int(local)
        into = local - hour
        total += share * (HOURS[hour] * (1 - into) + HOURS[(hour + 1) % 24] * into)
    return total / mean


def times() -> list[int]:
    """The times of the rows: every minute in the first two hours, every five minutes later."""
    fine = range(0, FINE_UNTIL_SECONDS, FINE_STEP_SECONDS)
    return [*fine, *range(FINE_UNTIL_SECONDS, END_SECONDS + 1, STEP_SECONDS)]


def cumulative(rates: list[float], until_seconds: int) -> float:
    """Registrations up to a row's time, by trapezoids."""
    rows = list(zip(times(), rates, strict=True))
    return sum((after[0] - before[0]) * (before[1] + after[1]) / 2 for before, after in pairwise(rows) if after[0] <= until_seconds)


def shape(alpha: float) -> list[float]:
    """The rates of all rows for A = 1."""
    return [(1 + second / TAU_SECONDS) ** -alpha * day(second) for second in times()]


def solve() -> list[float]:
    """The rates that pass the first and the last anchor. Their ratio rises as alpha falls, so bisection finds alpha."""
    (first, first_count), (last, last_count) = ANCHORS[0], ANCHORS[-1]
    low, high = 0.0, 1.0
    for _ in range(60):
        alpha = (low + high) / 2
        rates = shape(alpha)
        if cumulative(rates, last * 3_600) / cumulative(rates, first * 3_600) > last_count / first_count:
            low = alpha
        else:
            high = alpha
    rates = shape((low + high) / 2)
    scale = first_count / cumulative(rates, first * 3_600)
    return [rate * scale for rate in rates]


def csv() -> str:
    """The file: a comment, the header, the rows."""
    lines = [
        "# Registrations at Kartu Prakerja from 11 April 2020, 19:00 WIB. Built by build_prakerja_2020.py; sources in docs/facts.md.",
        "seconds_since_opening,registrations_per_second",
    ]
    lines += [f"{second},{rate:.4f}" for second, rate in zip(times(), solve(), strict=True)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("prakerja-2020.csv").write_text(csv(), encoding="utf-8")
