"""Writes `docs/lead-time.md`, and what Prometheus said for it: `python -m gelombang_dashboards.lead_page` (needs `promtool`).

When each alert fired is kept beside the recordings (`tests/data/lead/fired.json`), so that the page can be tested without Prometheus;
another test asks Prometheus again.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from gelombang.drill_file import StoredRun, read_drill
from gelombang.errors import HostError
from gelombang.resources import dashboards_folder
from gelombang_dashboards.lead import CASES, Lead, lead
from gelombang_dashboards.replayed_alerts import firing

LEADS = Path("tests") / "data" / "lead"
DRILLS = Path("tests") / "data" / "drill"
FIRED_FILE = "fired.json"
Fired = Mapping[str, Mapping[str, list[int]]]
"""By recording and alert: the seconds in which it fired."""
_FIRED: TypeAdapter[dict[str, dict[str, list[int]]]] = TypeAdapter(dict[str, dict[str, list[int]]])

_HEAD = """# How early an alert comes

Written by `python -m gelombang_dashboards.lead_page` from recorded runs; change those, not this page.

For each alert one real run that must fire it, kept second by second, evaluated by Prometheus's own code (`promtool test rules`) with the
shipped rules. Times count from the moment at which what the alert is to tell of began, in the people's time; a run at 60 times the speed
has a minute of it in a second of wall time, which is as finely as this was measured.

| alert | what happens | it fires after | people notice: | after | lead |
|---|---|---|---|---|---|
"""
_FOOT = """
**{ahead} of {count} alerts come before people notice.** {late}

Whoever has a failed upload notices at once, and no alert is before that; it can be before the objective of the day is broken. A *day's
budget* is what an objective allows a whole day: 5 % of its uploads may fail, 10 % of its people may be stuck before the photos. The day's
number is the pace before it began, times 24 hours. Where a whole site collapses, the day's budget of failed uploads is gone within a
quarter of an hour, and an alert that looks back half an hour or more is hardly before that. A starved generator is noticed by nobody but
the operator, when the run is over and worth nothing. "More than" stands where the recording ended before anybody noticed.

Whether an alert is quiet when nothing is wrong is measured too: in the recorded controls none fires.

| recording | made by | on | it called itself |
|---|---|---|---|
"""


def page(leads: Sequence[Lead], runs: Mapping[str, StoredRun]) -> str:
    """The whole page, with a newline at its end."""
    behind = [each for each in leads if each.lead_seconds <= 0]
    names = ", ".join(f"*{each.case.alert.alert}*" for each in behind)
    late = f"Not before: {names}." if behind else ""
    foot = _FOOT.format(ahead=len(leads) - len(behind), count=len(leads), late=late)
    rows = "\n".join(map(_row, leads))
    sources = "\n".join(_source(runs[name]) for name in dict.fromkeys(each.case.recording for each in leads))
    return f"{_HEAD}{rows}\n{foot}{sources}\n"


def _row(each: Lead) -> str:
    case = each.case
    more = "more than " if each.noticed is None else ""
    noticed = more + _people((each.noticed or each.ended) - each.began, each.speed)
    ahead = more + _people(each.lead_seconds, each.speed)
    link = f"[{case.alert.alert}](runbook/{case.alert}.md)"
    return f"| {link} | {case.happens} | {_people(each.fired - each.began, each.speed)} | {case.notice} | {noticed} | **{ahead}** |"


def _people(wall_seconds: float, speed: float) -> str:
    minutes = round(wall_seconds * speed / 60.0)
    return f"{minutes} min".replace("-", "−")


def _source(run: StoredRun) -> str:
    said = run.provenance
    return f"| {run.title} | `{said['recorded_by']}` | {said['recorded_at'][:10]} | {said.get('validity', 'not asked')} |"


def recordings(root: Path) -> dict[str, StoredRun]:
    """What the cases are recorded in, by name; first those of the drill, which have the same names in its folder."""
    found = {}
    for name in dict.fromkeys(case.recording for case in CASES):
        own = root / LEADS / f"{name}.json.gz"
        found[name] = read_drill(own if own.exists() else root / DRILLS / own.name)
    return found


def read_fired(root: Path) -> Fired:
    return _FIRED.validate_json((root / LEADS / FIRED_FILE).read_bytes())


def leads_of(runs: Mapping[str, StoredRun], fired: Fired) -> list[Lead]:
    return [lead(case, runs[case.recording], fired[case.recording].get(case.alert.alert, [])) for case in CASES]


def main() -> None:
    """Ask Prometheus, and rewrite both files in this checkout."""
    promtool = shutil.which("promtool")
    if promtool is None:
        raise HostError("promtool is not in PATH; want it installed (Debian: apt-get install prometheus)")
    root = dashboards_folder().parent
    runs = recordings(root)
    with tempfile.TemporaryDirectory() as folder:
        fired = {name: firing(run, promtool, Path(folder)) for name, run in runs.items()}
    (root / LEADS / FIRED_FILE).write_bytes(_FIRED.dump_json(fired, indent=None) + b"\n")
    path = root / "docs" / "lead-time.md"
    path.write_text(page(leads_of(runs, fired), runs), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
