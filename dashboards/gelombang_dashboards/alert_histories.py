"""Histories for `promtool test rules`: for each alert one that must fire it, and one like it that must not.

Each history is a few series with one sample every `STEP_SECONDS` of wall time, in promtool's notation, and the moment at which is asked.
They are written for the clock of the committed rules, where a minute of the wall is an hour of the people's time.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gelombang.panels.parts import Runbook
from gelombang_dashboards.alert_rules import Alert, alert_rules
from gelombang_dashboards.rule_clock import RuleClock
from gelombang_dashboards.yaml_text import Yaml, yaml_text

STEP_SECONDS = 1
_SERVER = 'job="gelombang-server", instance="a"'
_GENERATOR = 'job="gelombang-generator", instance="g"'


@dataclass(frozen=True, slots=True)
class History:
    """What happened, and whether the alert must fire then."""

    says: str
    alert: Runbook
    series: tuple[tuple[str, str], ...]
    at_seconds: int
    summary: str = ""
    """As it reads when it fires; empty: it must not."""


def _uploads(outcome: str, values: str, stage: str = "store", code: str = "upload_failed") -> tuple[str, str]:
    if outcome == "completed":
        stage, code = "acknowledge", "none"
    labels = f'{_SERVER}, photo="ktp", stage="{stage}", outcome="{outcome}", code="{code}"'
    return f"gelombang_server_upload_attempts_total{{{labels}}}", values


def _people(step: str, values: str) -> tuple[str, str]:
    return f'gelombang_server_people_steps_total{{{_SERVER}, step="{step}"}}', values


def _server(name: str, values: str) -> tuple[str, str]:
    return f"gelombang_server_{name}{{{_SERVER}}}", values


def _lateness(early: str, late: str) -> tuple[tuple[str, str], ...]:
    name = "gelombang_generator_lateness_seconds_bucket"
    return tuple((f'{name}{{{_GENERATOR}, le="{le}"}}', values) for le, values in (("0.05", early), ("0.1", late), ("+Inf", late)))


HISTORIES = (
    History(
        "nine of ten uploads fail",
        Runbook.UPLOADS_FAILING,
        (_uploads("failed", "0+9x120"), _uploads("completed", "0+1x120")),
        90,
        "90% of the uploads that the site takes in fail",
    ),
    History(
        "most photos are stored after their people left",
        Runbook.UPLOADS_FAILING,
        (_uploads("completed_unheard", "0+9x120", "acknowledge", "none"), _uploads("completed", "0+1x120")),
        90,
        "90% of the uploads that the site takes in fail",
    ),
    History(
        "photos too large and people told to come back are no failures of the upload",
        Runbook.UPLOADS_FAILING,
        (
            _uploads("rejected", "0+20x120", "body", "photo_too_large"),
            _uploads("refused", "0+20x120", "admission", "uploads_busy"),
            _uploads("completed", "0+2x120"),
        ),
        90,
    ),
    History(
        "two fifths failing is bad and below the limit",
        Runbook.UPLOADS_FAILING,
        (_uploads("failed", "0+4x120"), _uploads("completed", "0+6x120")),
        90,
    ),
    History("a handful of failures on a quiet site pages nobody", Runbook.UPLOADS_FAILING, (_uploads("failed", "0+0.2x120"),), 90),
    History(
        "what failed an hour ago and does not any more",
        Runbook.UPLOADS_FAILING,
        (_uploads("failed", "0+9x60 540x60"), _uploads("completed", "0+1x120")),
        80,
    ),
    History(
        "a fifth fails for six hours",
        Runbook.UPLOADS_FAILING_SLOWLY,
        (_uploads("failed", "0+2x400"), _uploads("completed", "0+8x400")),
        390,
        "20% of the uploads have failed for six hours",
    ),
    History(
        "a tenth fails for six hours",
        Runbook.UPLOADS_FAILING_SLOWLY,
        (_uploads("failed", "0+1x400"), _uploads("completed", "0+9x400")),
        390,
    ),
    History(
        "people come to the photos and one of ten gets past",
        Runbook.PEOPLE_NOT_FINISHING,
        (_people("account", "0+30x120"), _people("nik", "0+10x120"), _people("selfie", "0+1x120")),
        90,
        "Only 10% of the people who come to the photos get past them",
    ),
    History(
        "half of them get past",
        Runbook.PEOPLE_NOT_FINISHING,
        (_people("account", "0+30x120"), _people("nik", "0+10x120"), _people("selfie", "0+5x120")),
        90,
    ),
    History(
        "half of them get past, for six hours",
        Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
        (_people("nik", "0+10x400"), _people("selfie", "0+5x400")),
        390,
        "50% of the people who come to the photos have got past them in six hours",
    ),
    History(
        "the first people have come to the photos and nobody can be past them yet",
        Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
        (_people("nik", "0+10x400"), _people("selfie", "0x10 0+10x390")),
        20,
    ),
    History(
        "eight of ten get past, for six hours",
        Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
        (_people("nik", "0+10x400"), _people("selfie", "0+8x400")),
        390,
    ),
    History(
        "each photo is sent five times",
        Runbook.UPLOADS_AMPLIFIED,
        (_uploads("failed", "0+8x120"), _uploads("completed", "0+2x120")),
        90,
        "People send a photo 5 times for each one that is kept",
    ),
    History(
        "people are told to come back before they send anything, five times for each photo",
        Runbook.UPLOADS_AMPLIFIED,
        (_uploads("refused", "0+10x120", "admission", "uploads_busy"), _uploads("failed", "0+1x120"), _uploads("completed", "0+2x120")),
        90,
    ),
    History("each photo is sent twice", Runbook.UPLOADS_AMPLIFIED, (_uploads("failed", "0+5x120"), _uploads("completed", "0+5x120")), 90),
    History(
        "the store is full in forty seconds",
        Runbook.STORE_FILLING,
        (_server("store_used_bytes", "0+1000x120"), _server("store_capacity_bytes", "130000x120")),
        90,
        "The photo store is full in 40s of wall time",
    ),
    History(
        "the store has room for ten hours",
        Runbook.STORE_FILLING,
        (_server("store_used_bytes", "0+1000x120"), _server("store_capacity_bytes", "700000x120")),
        90,
    ),
    History(
        "the crowd is gone and the uploads go on failing",
        Runbook.SITE_STAYS_DOWN,
        (
            _people("account", "0+10x30 310+60x60 3880+10x90"),
            _uploads("completed", "0+10x30 300x150"),
            _uploads("failed", "0x30 0+30x150"),
        ),
        150,
        "Arrivals are back to normal and 100% of the uploads still fail",
    ),
    History(
        "the crowd is gone and the uploads are well again",
        Runbook.SITE_STAYS_DOWN,
        (
            _people("account", "0+10x30 310+60x60 3880+10x90"),
            _uploads("completed", "0+10x30 300x60 310+10x90"),
            _uploads("failed", "0x30 0+30x60 1800x90"),
        ),
        150,
    ),
    History(
        "the crowd is gone, many tries fail, and as many photos are kept as at the best of times",
        Runbook.SITE_STAYS_DOWN,
        (
            _people("account", "0+10x30 310+60x60 3880+10x90"),
            _uploads("completed", "0+10x180"),
            _uploads("failed", "0x30 0+30x150"),
        ),
        150,
    ),
    History(
        "the crowd is still there",
        Runbook.SITE_STAYS_DOWN,
        (_people("account", "0+10x30 310+60x150"), _uploads("completed", "0+10x30 300x150"), _uploads("failed", "0x30 0+30x150")),
        150,
    ),
    History(
        "the registry's line is twenty minutes long and grows",
        Runbook.REGISTRY_SATURATED,
        (_server("registry_waiting", "0+6x120"), _server("registry_limit_per_second", "30x120")),
        100,
        "The line before the civil registry is 20s of wall time long, and grows",
    ),
    History(
        "the registry's line is as long and shrinks",
        Runbook.REGISTRY_SATURATED,
        (_server("registry_waiting", "1200-6x120"), _server("registry_limit_per_second", "30x120")),
        60,
    ),
    History(
        "one start of ten is late",
        Runbook.GENERATOR_INVALID,
        _lateness("0+9x120", "0+10x120"),
        90,
        "The load generator can't be believed",
    ),
    History(
        "a generator calls its own run invalid",
        Runbook.GENERATOR_INVALID,
        ((f'gelombang_generator_validity{{{_GENERATOR}, validity="invalid"}}', "1x120"),),
        90,
        "The load generator can't be believed",
    ),
    History("nobody is late", Runbook.GENERATOR_INVALID, _lateness("0+10x120", "0+10x120"), 90),
)


def histories_file(clock: RuleClock, only: Collection[Runbook] = tuple(Runbook)) -> str:
    """`rules_test.yml`, for the rules of this clock and these alerts."""
    alerts = {alert.page: alert for alert in alert_rules(clock)}
    body: Yaml = {
        "rule_files": ["recording.yml", "alerts.yml"],
        "evaluation_interval": clock.interval,
        "tests": [_test(history, alerts[history.alert], clock) for history in HISTORIES if history.alert in only],
    }
    return yaml_text(body, "Histories that must fire an alert and that must not. Written by `gelombang dashboards build`.")


def _test(history: History, alert: Alert, clock: RuleClock) -> dict[str, Yaml]:
    fires: list[Yaml] = []
    if history.summary:
        job = "gelombang-generator" if alert.page is Runbook.GENERATOR_INVALID else "gelombang-server"
        annotations = {**alert.annotations(), "summary": history.summary}
        fires.append({"exp_labels": {"job": job, **alert.labels(clock)}, "exp_annotations": annotations})
    return {
        "name": history.says,
        "interval": f"{STEP_SECONDS}s",
        "input_series": [{"series": name, "values": values} for name, values in history.series],
        "alert_rule_test": [{"alertname": alert.page.alert, "eval_time": f"{history.at_seconds}s", "exp_alerts": fires}],
    }
