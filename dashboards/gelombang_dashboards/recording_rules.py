"""Recording rules, named level:metric:operations; windows in names are of the people's time.

"Taken in" leaves out photos over the size limit and people who were told to come back before they sent anything: neither is a failure of
the upload. Ratios divide sums, never average ratios. Excess failures are those above the lowest rate of the last hour: what was there in
the last good time is not what is wrong now. The findings are the decision table of `gelombang.diagnosis`, row by row, each with its cause,
owner and knob as labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gelombang.diagnosis.causes import KNOB_OF, OWNER_OF
from gelombang.diagnosis.decisions import Condition, Decision, decisions
from gelombang.panels.evaluation import EARLIER_WINDOWS
from gelombang.panels.now_page import EXCESS_RULE, FINDINGS_RULE, TREND_RULE
from gelombang.panels.promql import Scope, promql
from gelombang_dashboards.rule_clock import RuleClock, duration

WINDOWS = {"5m": 300.0, "30m": 1_800.0, "1h": 3_600.0, "6h": 21_600.0}
"""People's seconds, by the name that they have in rules."""

TAKEN_IN = "job:gelombang_server_upload_attempts_taken_in:rate"
FAILED_PER_TAKEN_IN = "job:gelombang_server_upload_attempts_failed_per_taken_in:ratio_rate"
FAILED_BY_PLACE = "job_stage_code:gelombang_server_upload_attempts_failed:rate5m"
PAST_PHOTOS = "job:gelombang_server_people_past_photos_per_verified:ratio_rate"
PER_ACKNOWLEDGED = "job:gelombang_server_upload_attempts_per_acknowledged:ratio_rate30m"
ARRIVING = "job:gelombang_server_people_arriving:rate5m"
KEPT = "job:gelombang_server_photos_kept:rate30m"
LATENESS = "job:gelombang_generator_lateness_seconds:p99_rate5m"

_ATTEMPTS = "gelombang_server_upload_attempts_total"
_TAKEN = 'code!~"photo_too_large|uploads_busy"'
_SENT = 'code!="uploads_busy"'
"""Whoever was told to come back sent nothing."""
_STEPS = "gelombang_server_people_steps_total"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One rule."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)


def recording_rules(clock: RuleClock) -> list[Recorded]:
    """Ratios, rates and excess, in the order of evaluation: a rule stands after those that it reads."""
    return [*_ratios(clock), *_by_place(clock)]


def _ratios(clock: RuleClock) -> list[Recorded]:
    rules = []
    for name, people_seconds in WINDOWS.items():
        window = clock.window(people_seconds)
        taken = f"{TAKEN_IN}{name}"
        rules += [
            Recorded(taken, f"sum by (job) (rate({_ATTEMPTS}{{{_TAKEN}}}[{window}]))"),
            Recorded(
                f"{FAILED_PER_TAKEN_IN}{name}",
                f'(sum by (job) (rate({_ATTEMPTS}{{outcome!="completed", {_TAKEN}}}[{window}])) or 0 * {taken}) / ({taken} > 0)',
            ),
            Recorded(
                f"{PAST_PHOTOS}{name}",
                f'(sum by (job) (rate({_STEPS}{{step="selfie"}}[{window}])) or 0 * sum by (job) (rate({_STEPS}{{step="nik"}}[{window}])))'
                f' / (sum by (job) (rate({_STEPS}{{step="nik"}}[{window}])) > 0)',
            ),
        ]
    short, half = clock.window(WINDOWS["5m"]), clock.window(WINDOWS["30m"])
    kept = f'sum by (job) (rate({_ATTEMPTS}{{outcome="completed"}}[{half}]))'
    requests = f"sum by (job, route) (rate(gelombang_server_requests_total[{short}]))"
    failed = f'sum by (job, route) (rate(gelombang_server_requests_total{{status=~"5..|429"}}[{short}]))'
    received, held = (f"sum by (job) (rate(gelombang_server_upload_{which}_bytes_total[{short}]))" for which in ("received", "kept"))
    lateness = f"sum by (job, le) (rate(gelombang_generator_lateness_seconds_bucket[{short}]))"
    return [
        *rules,
        Recorded(PER_ACKNOWLEDGED, f"sum by (job) (rate({_ATTEMPTS}{{{_SENT}}}[{half}])) / ({kept} > 0)"),
        Recorded(ARRIVING, f'sum by (job) (rate({_STEPS}{{step="account"}}[{short}]))'),
        Recorded(KEPT, kept),
        Recorded("job_route:gelombang_server_requests_failed_per_request:ratio_rate5m", f"({failed} or 0 * {requests}) / ({requests} > 0)"),
        Recorded("job:gelombang_server_upload_bytes_received_per_kept:ratio_rate5m", f"{received} / ({held} > 0)"),
        Recorded(LATENESS, f"histogram_quantile(0.99, {lateness})"),
    ]


def _by_place(clock: RuleClock) -> list[Recorded]:
    short, long = clock.window(WINDOWS["5m"]), clock.window(WINDOWS["1h"])
    every = 'outcome!="completed", code!="uploads_busy"'
    excess = f"clamp_min({FAILED_BY_PLACE} - min_over_time({FAILED_BY_PLACE}[{long}]), 0)"
    ratio = f"{FAILED_PER_TAKEN_IN}5m"
    return [
        Recorded(FAILED_BY_PLACE, f"sum by (job, stage, code) (rate({_ATTEMPTS}{{{every}}}[{short}]))"),
        Recorded(EXCESS_RULE, f"{excess} / on (job) group_left () (sum by (job) ({excess}) > 0)"),
        Recorded(TREND_RULE, f"{ratio} - {ratio} offset {clock.window(5 * WINDOWS['5m'])}"),
    ]


def finding_rules(clock: RuleClock) -> list[Recorded]:
    """The decision table of the diagnosis, a row a rule; apart from the others, because they cost more and no alert reads them."""
    window = duration(clock.diagnosis)
    scope = Scope(
        chosen="",
        rate_window=window,
        range_window=window,
        before=f"{duration(EARLIER_WINDOWS * clock.diagnosis)}:{window}",
        longer=(duration(2 * clock.diagnosis), duration(3 * clock.diagnosis)),
        job="",
    )
    return [
        Recorded(
            FINDINGS_RULE,
            _finding(row, scope),
            {"job": "gelombang-server", "cause": row.cause, "owner": OWNER_OF[row.cause], "knob": KNOB_OF[row.cause]},
        )
        for row in decisions(clock.speed)
    ]


def _finding(row: Decision, scope: Scope) -> str:
    """1 while the row holds, and nothing while it does not."""
    alternatives = [" and ".join(_condition(condition, scope) for condition in every) for every in row.alternatives]
    text = " or ".join(f"({every})" for every in alternatives) if len(alternatives) > 1 else alternatives[0]
    if row.unless:
        text = f'({text}) unless on () {FINDINGS_RULE}{{cause=~"{"|".join(row.unless)}"}}'
    return f"0 * ({text}) + 1"


def _condition(condition: Condition, scope: Scope) -> str:
    return f"({promql(condition.expression, scope)}) {'>' if condition.is_above else '<'} {condition.limit:g}"
