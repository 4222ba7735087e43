"""How early each alert comes, on recorded runs: when what was to be told began, when the alert fired, and when people noticed.

Whoever has a failed upload notices at once, and no alert can be before that. What an alert can be before is written here, for each as a
measurement on the same recording: a day's budget of an objective is used up, the first photo is refused for lack of room, fewer people
finish, the run is over. A day's budget is the objective's share of as many uploads, or people, as a day has at the pace before it began.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gelombang import telemetry
from gelombang.drill_file import StoredRun
from gelombang.panels.evaluation import value
from gelombang.panels.expression import Expression, Minus, counted
from gelombang.panels.parts import Runbook
from gelombang.panels.uploads_page import NOT_COMPLETED, TAKEN_IN
from gelombang.series import SeriesTable
from gelombang_dashboards.alert_rules import PEOPLE_OBJECTIVE, UPLOADS_OBJECTIVE

DAY_SECONDS = 86_400.0
"""People's time."""
FEWER_RATIO = 0.6
FINISHING_WINDOW_SECONDS = 10.0
"""Wall time."""
Noticed = Callable[[StoredRun, SeriesTable, float], float | None]
"""The second at which people notice, from the one on at which it began; None: not in this recording."""


@dataclass(frozen=True, slots=True)
class Case:
    """An alert, the recording that must fire it, and what it must be before."""

    alert: Runbook
    recording: str
    happens: str
    noticed: Noticed
    notice: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Moments of one case, seconds of wall time of its recording."""

    case: Case
    speed: float
    began: float
    fired: float
    noticed: float | None
    """None: nobody did, until the recording ended."""
    ended: float

    @property
    def lead_seconds(self) -> float:
        """Negative: people noticed first. At least so much, when nobody noticed."""
        return (self.ended if self.noticed is None else self.noticed) - self.fired


def _uploads_budget(run: StoredRun, table: SeriesTable, began: float) -> float | None:
    taken = counted(telemetry.UPLOAD_ATTEMPTS, TAKEN_IN)
    failed = counted(telemetry.UPLOAD_ATTEMPTS, NOT_COMPLETED, TAKEN_IN)
    return _first(table, failed, began, _budget(UPLOADS_OBJECTIVE, _of_a_day(run, table, taken, began)))


def _people_budget(run: StoredRun, table: SeriesTable, began: float) -> float | None:
    come, past = (counted(telemetry.PEOPLE_STEPS, f'step="{step}"') for step in ("nik", "selfie"))
    return _first(table, Minus(come, past), began, _budget(PEOPLE_OBJECTIVE, _of_a_day(run, table, come, began)))


def _store_full(_: StoredRun, table: SeriesTable, began: float) -> float | None:
    return _first(table, counted(telemetry.UPLOAD_ATTEMPTS, 'code="store_full"'), began, 1.0)


def _fewer_finish(_: StoredRun, table: SeriesTable, began: float) -> float | None:
    finished = counted(telemetry.PEOPLE_STEPS, 'step="join"')
    before = value(finished, table, began - FINISHING_WINDOW_SECONDS, began)
    assert before, "nobody finished before it began"
    for second in _seconds(table, began):
        if (value(finished, table, second - FINISHING_WINDOW_SECONDS, second) or 0.0) < FEWER_RATIO * before:
            return second
    return None


def _over(_: StoredRun, table: SeriesTable, began: float) -> float | None:
    assert began < table.ends_seconds
    return table.ends_seconds


CASES = (
    Case(
        Runbook.UPLOADS_FAILING,
        "short-wave",
        "a crowd of five minutes comes over a quiet day, to the site of 2020",
        _uploads_budget,
        "a day's budget of failed uploads is used up",
    ),
    Case(Runbook.UPLOADS_FAILING_SLOWLY, "short-wave", "the same", _uploads_budget, "the same"),
    Case(Runbook.UPLOADS_AMPLIFIED, "short-wave", "the same", _uploads_budget, "the same"),
    Case(
        Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
        "short-wave",
        "the same",
        _people_budget,
        "a day's budget of people stuck before the photos is used up",
    ),
    Case(Runbook.SITE_STAYS_DOWN, "short-wave", "the same; an hour later the crowd is long gone", _people_budget, "the same"),
    Case(
        Runbook.PEOPLE_NOT_FINISHING, "full-store-strong", "the store is full, so nobody gets past the photos", _people_budget, "the same"
    ),
    Case(Runbook.STORE_FILLING, "store-filling", "the store has little room left", _store_full, "the first photo is refused"),
    Case(
        Runbook.REGISTRY_SATURATED,
        "registry-capped-weak",
        "the civil registry takes fewer look-ups",
        _fewer_finish,
        f"fewer than {FEWER_RATIO:.0%} finish of as many as before",
    ),
    Case(Runbook.GENERATOR_INVALID, "starved-generator-weak", "the generator stands still most of the time", _over, "the run is over"),
)
"""In the order of the runbook's importance; every alert has one."""


def lead(case: Case, run: StoredRun, fired: list[int]) -> Lead:
    """The moments of one case; `fired` are the seconds in which its alert fired. Raises AssertionError for a recording that is none."""
    table = run.table()
    began = 0.0 if run.fault_seconds is None else run.fault_seconds
    after = [second for second in fired if second >= began]
    assert after, f"{case.alert.alert} does not fire in {case.recording}"
    return Lead(case, run.speed, began, float(after[0]), case.noticed(run, table, began), table.ends_seconds)


def _seconds(table: SeriesTable, began: float) -> Iterator[float]:
    second = float(int(began) + 1)
    while second <= table.ends_seconds:
        yield second
        second += 1.0


def _first(table: SeriesTable, growth: Expression, began: float, limit: float) -> float | None:
    """The first second at which so much has been counted since it began."""
    for second in _seconds(table, began):
        if (value(growth, table, began, second) or 0.0) >= limit:
            return second
    return None


def _budget(objective: float, of: float) -> float:
    """What may fail; rounded, because 0.05 is no number of a computer."""
    return round((1.0 - objective) * of, 6)


def _of_a_day(run: StoredRun, table: SeriesTable, counting: Expression, began: float) -> float:
    """How many a day has at the pace before it began."""
    before = value(counting, table, table.begins_seconds, began)
    assert before, "nothing was counted before it began"
    return before / (began - table.begins_seconds) * DAY_SECONDS / run.speed
