"""What `gelombang run --live` costs the machine: a run's kept series read again as the live page reads them.

`python benchmarks/live_page_cost.py runs/<id>` tells CPU seconds per second of the run, in all and for its parts. Nobody looks at the page.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TypeVar

from gelombang.diagnosis.following import Following
from gelombang.diagnosis.inputs import series_names
from gelombang.live_panels import live_panels, panel_values, rule_values
from gelombang.live_series import LiveSeries
from gelombang.record import read_record
from gelombang.series_file import SERIES_FILE
from gelombang_cli.live_reader import MOMENT_EVERY_SECONDS

Result = TypeVar("Result")


def cpu_seconds() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Cost:
    """CPU seconds by what they were used for."""

    def __init__(self) -> None:
        self.of: dict[str, float] = {}

    def take(self, part: str, work: Callable[[], Result]) -> Result:
        before = cpu_seconds()
        result = work()
        self.of[part] = self.of.get(part, 0.0) + cpu_seconds() - before
        return result


def main() -> None:
    folder = Path(sys.argv[1])
    following = Following(read_record(folder).scale.speed)
    series = LiveSeries(series_names(), following.samples_kept)
    panels, cost, told, found = live_panels(), Cost(), 0.0, None
    for line in (folder / SERIES_FILE).read_text(encoding="utf-8").splitlines():
        cost.take("reading", lambda line=line: series.take(line))
        now = series.ends_seconds
        if now < told + MOMENT_EVERY_SECONDS:
            continue
        told = now
        if following.is_due(now):
            found = cost.take("diagnosis", lambda now=now: following.look(series.long_table(), now))
        table = cost.take("panels", series.table)
        rules = rule_values(found)
        cost.take("panels", lambda now=now, table=table, rules=rules: [panel_values(live, table, now, rules) for live in panels])
    whole = sum(cost.of.values())
    print(f"{whole / series.ends_seconds:.2%} of a core over {series.ends_seconds:.0f} s")
    for part, seconds in cost.of.items():
        print(f"  {part:<10} {seconds / series.ends_seconds:.2%}")


if __name__ == "__main__":
    main()
