"""The alerts: what fires, for whom, and what it says.

Two objectives burn a budget: 95 % of the uploads taken in end kept and heard, and 90 % of the people whose NIK was verified get past both
photos. Each is watched through two pairs of windows ("Alerting on SLOs", The Site Reliability Workbook, 2018, chapter 5): the long one
says that it matters, the short one that it still goes on. Over a first day, a burn of 10 for an hour uses 42 % of the day's budget and
pages; a burn of 3 for six hours uses 75 % and makes a ticket. The windows are of the people's time and shrink with a rehearsal's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gelombang.panels.parts import Runbook
from gelombang_dashboards.recording_rules import ARRIVING, FAILED_PER_TAKEN_IN, KEPT, LATENESS, PAST_PHOTOS, PER_ACKNOWLEDGED, TAKEN_IN
from gelombang_dashboards.rule_clock import RuleClock

UPLOADS_OBJECTIVE = 0.95
PEOPLE_OBJECTIVE = 0.90
FAST_BURN = {"uploads": 10.0, "people": 8.0}
SLOW_BURN = 3.0
ENOUGH_ATTEMPTS = 30
"""In the long window; on fewer nobody is woken."""
AMPLIFIED_ATTEMPTS = 3.0
"""Per photo acknowledged."""
FULL_WITHIN_SECONDS = 3_600.0
"""People's time."""
REGISTRY_WAIT_SECONDS = 600.0
"""People's time."""
LATE_SECONDS = 0.05
STAYS_DOWN_RATIO = 0.7
"""Of the photos kept in the best half hour of the last six. Half of them go on being kept in a site that its own repeats hold down."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Its name and its page in the runbook are one thing."""

    page: Runbook
    severity: str
    """`page` wakes somebody, `ticket` waits for the morning."""
    team: str
    expression: str
    lasting: str
    summary: str
    """May use Prometheus's templates."""
    description: str
    look_at: str
    turn: str

    def labels(self, clock: RuleClock) -> dict[str, str]:
        words = {True: "true", False: "false"}
        return {
            "severity": self.severity,
            "service": "registration",
            "team": self.team,
            "rehearsal": words[clock.is_rehearsal],
            "drill": words[clock.is_drill],
        }

    def annotations(self) -> Mapping[str, str]:
        return {
            "summary": self.summary,
            "description": self.description,
            "look_at": self.look_at,
            "turn": self.turn,
            "dashboard": "/d/gelombang-now",
            "runbook_url": f"docs/runbook/{self.page}.md",
        }


def alert_rules(clock: RuleClock) -> list[Alert]:
    """All alerts, in the order of the runbook."""
    enough = f"and on (job) {TAKEN_IN}1h >= {ENOUGH_ATTEMPTS / clock.wall_seconds(3_600):.6g}"
    return [*_uploads(enough), *_people(clock), *_store(clock, enough), _registry(clock), _generator(clock)]


def _burning(ratio: str, long: str, short: str, limit: float) -> str:
    return f"{ratio}{long} > {limit:g} and on (job) {ratio}{short} > {limit:g}"


def _uploads(enough: str) -> list[Alert]:
    budget = 1 - UPLOADS_OBJECTIVE
    look = (
        "Page Now: leading stage and code, and whose fault. Then Where uploads fail, KTP and selfie apart. All turns taken at full"
        " bandwidth means too many turns."
    )
    turn = (
        "What Now names. With too many turns: lower store.turns_limit until a turn ends within people's patience, or give tickets. Do not"
        " add application servers: more uploads at once share the same store."
    )
    return [
        Alert(
            Runbook.UPLOADS_FAILING,
            "page",
            "uploads",
            f"{_burning(FAILED_PER_TAKEN_IN, '1h', '5m', round(FAST_BURN['uploads'] * budget, 6))} {enough}",
            "0s",
            "{{ $value | humanizePercentage }} of the uploads that the site takes in fail",
            "For an hour of the people's time more than half of the photos that people send do not end stored and acknowledged. Photos over"
            " the size limit and people told to come back are not counted. People repeat, so the crowd before the photos grows by itself.",
            look,
            turn,
        ),
        Alert(
            Runbook.UPLOADS_FAILING_SLOWLY,
            "ticket",
            "uploads",
            f"{_burning(FAILED_PER_TAKEN_IN, '6h', '30m', round(SLOW_BURN * budget, 6))} {enough}",
            "0s",
            "{{ $value | humanizePercentage }} of the uploads have failed for six hours",
            "Too few for a page, too many for the day's objective: three times the budget is used.",
            look,
            turn,
        ),
    ]


def _people(clock: RuleClock) -> list[Alert]:
    budget = 1 - PEOPLE_OBJECTIVE
    fast, slow = 1 - FAST_BURN["people"] * budget, 1 - SLOW_BURN * budget
    enough = f"and on (job) {ARRIVING} >= {ENOUGH_ATTEMPTS / clock.wall_seconds(3_600):.6g}"
    look = "Page Now: finishing against arriving, and whose fault; then The people: the first step where the bars break off."
    turn = "What Now names. Tell people on the page when to come back, before they repeat by themselves."
    return [
        Alert(
            Runbook.PEOPLE_NOT_FINISHING,
            "page",
            "registration",
            f"{PAST_PHOTOS}1h < {fast:g} and on (job) {PAST_PHOTOS}5m < {fast:g} {enough}",
            clock.lasting(300),
            "Only {{ $value | humanizePercentage }} of the people who come to the photos get past them",
            "For an hour of the people's time hardly anybody whose NIK was verified gets past both photos, while people go on arriving.",
            look,
            turn,
        ),
        Alert(
            Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
            "ticket",
            "registration",
            # The first people of a day come to the photos before anybody can be past them.
            f"{PAST_PHOTOS}6h < {slow:g} and on (job) {PAST_PHOTOS}30m < {slow:g}"
            f" and on (job) {PAST_PHOTOS}30m offset {clock.window(1_800)}",
            clock.lasting(300),
            "{{ $value | humanizePercentage }} of the people who come to the photos have got past them in six hours",
            "The crowd before the photos grows faster than it drains: it will not be through today.",
            look,
            turn,
        ),
    ]


def _store(clock: RuleClock, enough: str) -> list[Alert]:
    used, capacity = "gelombang_server_store_used_bytes", "gelombang_server_store_capacity_bytes"
    growth = f"sum by (job) (deriv({used}[{clock.window(1_800)}]))"
    left = f"(sum by (job) ({capacity}) - sum by (job) ({used})) / ({growth} > 0)"
    peak = clock.window(21_600)
    down = (
        f"{FAILED_PER_TAKEN_IN}30m > 0.5"
        f" and on (job) {ARRIVING} < 0.5 * max_over_time({ARRIVING}[{peak}])"
        f" and on (job) {KEPT} < {STAYS_DOWN_RATIO:g} * max_over_time({KEPT}[{peak}])"
    )
    return [
        Alert(
            Runbook.UPLOADS_AMPLIFIED,
            "ticket",
            "uploads",
            f"{PER_ACKNOWLEDGED} > {AMPLIFIED_ATTEMPTS:g} {enough}",
            clock.lasting(300),
            "People send a photo {{ $value | humanize }} times for each one that is kept",
            "Most of the load on the photo path is repeats that the failures themselves make. It grows while nobody is told when to come"
            " back.",
            "Page Where uploads fail: attempts per photo acknowledged, and bytes received per byte kept.",
            'Refuse before a byte is sent and tell a time to come back (uploads.protocol = "ticket"); answer what is stored already'
            " (uploads.answers_stored_at_once).",
        ),
        Alert(
            Runbook.STORE_FILLING,
            "ticket",
            "storage",
            f"{left} < {clock.wall_seconds(FULL_WITHIN_SECONDS):g}",
            clock.lasting(300),
            "The photo store is full in {{ $value | humanizeDuration }} of wall time",
            "At the present pace the store holds no more photos within an hour of the people's time; then every upload ends as store_full.",
            "Page Where uploads fail: Store fill. Page Now: acknowledged and not verified.",
            "Enlarge store.capacity_bytes now; it takes longer than it seems.",
        ),
        Alert(
            Runbook.SITE_STAYS_DOWN,
            "page",
            "registration",
            down,
            clock.lasting(600),
            "Arrivals are back to normal and {{ $value | humanizePercentage }} of the uploads still fail",
            "The load that broke the site is gone and the site does not recover: its own retries keep it down (a metastable state).",
            "Page Now: failing share against arrivals over time, backlog and time to drain.",
            "Cut the retries, not the arrivals: give tickets or refuse all first photos until turns end within people's patience, then let"
            " people in again step by step.",
        ),
    ]


def _registry(clock: RuleClock) -> Alert:
    waiting, limit = "gelombang_server_registry_waiting", "gelombang_server_registry_limit_per_second"
    return Alert(
        Runbook.REGISTRY_SATURATED,
        "ticket",
        "partners",
        f"sum by (job) ({waiting}) / sum by (job) ({limit}) > {clock.wall_seconds(REGISTRY_WAIT_SECONDS):g}"
        f" and on (job) sum by (job) (deriv({waiting}[{clock.window(300)}])) > 0",
        clock.lasting(300),
        "The line before the civil registry is {{ $value | humanizeDuration }} of wall time long, and grows",
        "More people hand in their data than the registry looks up. Nobody fails; they wait, and ask the call centre.",
        "Page The people: people waiting for the civil registry, look-ups against the cap.",
        "Ask the partner for a higher registry.lookups_per_second; tell people when to expect the message.",
    )


def _generator(clock: RuleClock) -> Alert:
    return Alert(
        Runbook.GENERATOR_INVALID,
        "page" if clock.is_rehearsal else "ticket",
        "rehearsal",
        f'{LATENESS} > {LATE_SECONDS:g} or sum by (job) (gelombang_generator_validity{{validity="invalid"}}) > 0',
        clock.lasting(300),
        "The load generator can't be believed",
        "People are started late, so what they feel is the generator's and not the site's. No verdict can be drawn from this rehearsal.",
        "Page The instrument: lateness, CPU, loop lag, doubts.",
        "A smaller --sample, a lower --speed, or more --generator-processes; quieten the machine. Do not tune the site by this run.",
    )
