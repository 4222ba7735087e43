"""Writes `docs/drill.md` from the recorded drills: `python -m gelombang_dashboards.drill_page`. A test fails while the page is stale."""

from collections.abc import Sequence
from pathlib import Path

from gelombang.diagnosis.causes import KNOB_OF, OWNER_OF
from gelombang.diagnosis.decisions import decisions, words_of
from gelombang.diagnosis.diagnose import window_seconds
from gelombang.diagnosis.drill import JUDGED_AFTER_SECONDS, Scored, score, singles
from gelombang.diagnosis.words import sentence
from gelombang.drill_file import StoredRun, read_drill
from gelombang.resources import dashboards_folder

DRILLS = Path("tests") / "data" / "drill"
FRESH = Path("tests") / "data" / "drill-fresh"
"""Recorded with other seeds after the table was set, one at a time, and judged with nothing changed."""
_SPEED = 60.0

_HEAD = """# The diagnosis drill

Written by `python -m gelombang_dashboards.drill_page` from the recordings in `tests/data/drill/`; change those, not this page.

Ten faults were set off on a healthy site, each at two strengths; two pairs at once; and a control in which nothing was wrong. From the
series up to {after:.0f} s of **wall time** after the fault (an hour of the people's time at 60 times the speed), the diagnosis must name
the cause, its owner, since when (within {window:.0f} s of wall time, one window) and what to turn. It sees only what `/metrics` of server
and generator said, one sample a second; it is told nothing of the drill.

**{right} of {count} single faults are named right, {pairs_right} of {pairs} pairs, and in the control {control}.**
A test scores this in every run.
"""

_SITE = """
## How it was recorded

`benchmarks/record_drill.py` runs the smoke scenario's people (a quiet night, with room on every resource) against the profile `hardened`
with two API processes, at 60 times the speed, and scrapes every process each second. Where the site has a setting, the setting changes at
its moment (`gelombang/rehearsed_fault.py`, or a stall of the profile's store); what no setting can do comes from outside: a process is
stopped most of the time, the database is held by somebody else. Each file says its case, its moment and when it was recorded.

Nine and ten cases were recorded at once on two cores, each in a network namespace of its own: the generator itself called most of these
runs *suspect* or *invalid*, and the last column says so. That made the task harder, not easier, and it means that these recordings prove
the diagnosis and nothing about the site's speed. The limits of the table were set with these recordings in view.

A second recording, of the ten weaker faults and a control, was made afterwards with another seed and judged once: ten of ten causes led,
but **in the control a body limit was named that was none**. The row compared shares of a hundred attempts as if they were exact, and took
for the good time one in which repeats had made the share small. Since then a row compares what chance cannot explain (the near end of
Wilson's interval), and counts photos over the limit against photos kept and against people, not against attempts. Judged again so, that
control is clean, nine of the ten lead, and the body limit goes unnamed: in that run the site was hardly asked for the last half minute.

After that change these were recorded with seeds that the table had never seen, one at a time, and judged with nothing changed:

{fresh}

## The decision table

A cause shows itself in its own measurements, not in the failures that it makes. A row must hold in three windows, two seconds apart,
before its cause is named; causes are told the earliest first, and those that began within two windows of each other in this order. The
same table is written as recording rules (`dashboards/prometheus/findings.yml`); `tests/system/test_alert_rules.py` compares the two.

| cause | owner | turn | shows itself by | unless |
|---|---|---|---|---|
"""


def page(scored: Sequence[Scored], fresh: Sequence[Scored]) -> str:
    """The whole page, with a newline at its end; `fresh` are those that the table was not set with."""
    pairs = [each for each in scored if len(each.expected) > 1]
    controls = [each for each in scored if not each.expected]
    head = _HEAD.format(
        after=JUDGED_AFTER_SECONDS,
        window=window_seconds(_SPEED),
        right=sum(each.is_right for each in singles(scored)),
        count=len(singles(scored)),
        pairs_right=sum(each.is_right for each in pairs),
        pairs=len(pairs),
        control="nothing is named" if all(each.is_right for each in controls) else "something is named",
    )
    rows = _table(scored)
    said = ["\n## What it said\n", *(f"- **{each.title}**: {sentence(each.found)}" for each in scored)]
    site = _SITE.format(fresh="\n".join(_table(fresh)))
    return head + "\n" + "\n".join(rows) + "\n" + "\n".join(said) + "\n" + site + "\n".join(_decision_rows()) + "\n"


def _table(scored: Sequence[Scored]) -> list[str]:
    return [
        "| drill | set off | named, the leading one first | since, against the truth | right | instrument |",
        "|---|---|---|---|---|---|",
        *(_row(each) for each in scored),
    ]


def _row(each: Scored) -> str:
    error = each.since_error_seconds
    expected = ", ".join(each.expected) or "nothing"
    named = ", ".join(each.named) or "nothing"
    since = "" if error is None else f"{error:.0f} s"
    return (
        f"| {each.title} | {expected} | {named} | {since} | {'yes' if each.is_right else '**no**'} | {each.found.instrument or 'silent'} |"
    )


def _decision_rows() -> list[str]:
    return [
        f"| {row.cause} | {OWNER_OF[row.cause]} | `{KNOB_OF[row.cause]}` | {words_of(row)} | {', '.join(row.unless)} |"
        for row in decisions(_SPEED)
    ]


def recorded(root: Path, where: Path = DRILLS) -> list[StoredRun]:
    """The drills of this checkout, by name."""
    return [read_drill(path) for path in sorted((root / where).glob("*.json.gz"))]


def main() -> None:
    """Rewrite the page in this checkout and say where it is."""
    root = dashboards_folder().parent
    path = root / "docs" / "drill.md"
    path.write_text(page([score(run) for run in recorded(root)], [score(run) for run in recorded(root, FRESH)]), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
