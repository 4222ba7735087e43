"""The published counts of the first wave, and how near to them a model must come (docs/facts.md).

Joining the wave is laid on the photos: the last stage that is counted is "past both photos". Seconds are since the opening.
"""

from dataclasses import dataclass

HISTORY_AT = (75_600.0, 234_000.0, 421_200.0)
"""21, 65 and 117 hours."""


@dataclass(frozen=True, slots=True)
class Target:
    """One published count."""

    number: int
    step: str
    at_seconds: float
    count: int
    tolerance_ratio: float
    is_soft: bool = False
    """The source's words allow another reading."""


TARGETS = (
    Target(1, "account", 75_600.0, 1_432_133, 0.02),
    Target(1, "account", 234_000.0, 3_700_000, 0.03),
    Target(1, "account", 421_200.0, 5_965_048, 0.02),
    Target(2, "email-link", 75_600.0, 1_063_028, 0.0135),
    Target(2, "email-link", 421_200.0, 4_428_669, 0.0135),
    Target(3, "nik", 75_600.0, 624_090, 0.05),
    Target(3, "nik", 421_200.0, 3_294_190, 0.05),
    Target(4, "selfie", 75_600.0, 77_834, 0.10),
    Target(4, "selfie", 234_000.0, 926_000, 0.20, is_soft=True),
    Target(4, "selfie", 421_200.0, 2_078_026, 0.05),
)
"""Of the e-mail a point of the registered is allowed, which is 1.35 % of the count."""


def counts_by_step() -> dict[str, dict[float, int]]:
    """The counts for tables: by step, by moment."""
    found: dict[str, dict[float, int]] = {}
    for target in TARGETS:
        if not target.is_soft:
            found.setdefault(target.step, {})[target.at_seconds] = target.count
    return found
