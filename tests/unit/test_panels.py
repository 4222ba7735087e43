"""The panel catalogue: one expression, two readers, and the record's side of it."""

import math

import numpy as np
import pytest

from gelombang import telemetry
from gelombang.intervals import share_interval
from gelombang.panels import readings
from gelombang.panels.catalogue import PAGES, panel, panels
from gelombang.panels.evaluation import evaluate, value
from gelombang.panels.expression import (
    Expression,
    Longer,
    Matcher,
    Minus,
    Over,
    Plus,
    Positive,
    Read,
    Rest,
    Ruled,
    ShareBound,
    counted,
    now,
    per_minute,
    quantile,
    share,
)
from gelombang.panels.expression import per_second as rate
from gelombang.panels.parts import Runbook
from gelombang.panels.promql import DASHBOARD, Scope, promql
from gelombang.series import Series, SeriesTable
from gelombang.telemetry import Side
from tests.support import records

STEPS = telemetry.PEOPLE_STEPS
RULE = Scope(chosen="", rate_window="10s", range_window="10s", longer=("20s", "30s"), job="")


def grown(name: str, per_step: float, start: float = 0.0, **labels: str) -> Series:
    """A counter sampled each second from 0 to 20 s."""
    times = np.arange(21, dtype=float)
    return Series(name, labels, times, start + per_step * times)


def level(name: str, value: float, **labels: str) -> Series:
    return Series(name, labels, np.arange(21, dtype=float), np.full(21, value))


TABLE = SeriesTable.of(
    [
        grown(STEPS.name, 3, step="account", instance="a"),
        grown(STEPS.name, 2, start=50, step="account", instance="b"),
        grown(STEPS.name, 1, step="join", instance="a"),
        level(telemetry.STORE_TURNS.name, 7, instance="a"),
        *(grown(f"{telemetry.LOOP_LAG_SECONDS.name}_bucket", n, le=le) for le, n in (("0.001", 0), ("0.01", 5), ("0.1", 10), ("+Inf", 10))),
    ]
)


@pytest.mark.parametrize(
    ("expression", "found", "text"),
    [
        (rate(STEPS, 'step="account"'), {(): 5.0}, 'sum(rate(gelombang_server_people_steps_total{step="account"}[10s]))'),
        (
            rate(STEPS, 'step=~"account|join"', by=("step",)),
            {("account",): 5.0, ("join",): 1.0},
            'sum by (step) (rate(gelombang_server_people_steps_total{step=~"account|join"}[10s]))',
        ),
        (
            counted(STEPS, 'step!="join"', by=("instance",)),
            {("a",): 30.0, ("b",): 20.0},
            'sum by (instance) (increase(gelombang_server_people_steps_total{step!="join"}[10s]))',
        ),
        (per_minute(STEPS, 'step="join"'), {(): 60.0}, '60 * sum(rate(gelombang_server_people_steps_total{step="join"}[10s]))'),
        (now(telemetry.STORE_TURNS), {(): 7.0}, "sum(gelombang_server_store_turns)"),
        (
            quantile(0.75, telemetry.LOOP_LAG_SECONDS),
            {(): pytest.approx(0.055)},
            "histogram_quantile(0.75, sum by (le) (rate(gelombang_server_loop_lag_seconds_bucket[10s])))",
        ),
        (
            Over(rate(STEPS, 'step="join"'), rate(STEPS, 'step="account"')),
            {(): 0.2},
            'sum(rate(gelombang_server_people_steps_total{step="join"}[10s]))'
            ' / (sum(rate(gelombang_server_people_steps_total{step="account"}[10s])) > 0)',
        ),
        (
            Rest(share(rate(STEPS, 'step="test"'), rate(STEPS, 'step="account"'))),
            {(): 1.0},
            '1 - ((sum(rate(gelombang_server_people_steps_total{step="test"}[10s]))'
            ' or 0 * sum(rate(gelombang_server_people_steps_total{step="account"}[10s])))'
            ' / (sum(rate(gelombang_server_people_steps_total{step="account"}[10s])) > 0))',
        ),
        (
            Minus(counted(STEPS, 'step="account"'), counted(STEPS, 'step="join"')),
            {(): 40.0},
            'sum(increase(gelombang_server_people_steps_total{step="account"}[10s]))'
            ' - sum(increase(gelombang_server_people_steps_total{step="join"}[10s]))',
        ),
        (
            Positive(Minus(rate(STEPS, 'step="join"'), rate(STEPS, 'step="account"'))),
            {},
            '(sum(rate(gelombang_server_people_steps_total{step="join"}[10s]))'
            ' - sum(rate(gelombang_server_people_steps_total{step="account"}[10s]))) > 0',
        ),
        (
            Plus(counted(STEPS, 'step="test"'), counted(STEPS, 'step="join"')),
            {(): 10.0},
            '(sum(increase(gelombang_server_people_steps_total{step="test"}[10s]))'
            ' or 0 * sum(increase(gelombang_server_people_steps_total{step="join"}[10s])))'
            ' + sum(increase(gelombang_server_people_steps_total{step="join"}[10s]))',
        ),
        (
            Longer(counted(STEPS, 'step="join"'), 2),
            {(): 20.0},
            'sum(increase(gelombang_server_people_steps_total{step="join"}[20s]))',
        ),
        (
            ShareBound(counted(STEPS, 'step="join"'), counted(STEPS, 'step="account"'), False, 0.05),
            {(): pytest.approx(share_interval(10, 50).low)},
            '((sum(increase(gelombang_server_people_steps_total{step="join"}[10s]))'
            ' or 0 * sum(increase(gelombang_server_people_steps_total{step="account"}[10s]))) + 1.92073 - sqrt(3.84146 * ('
            '(sum(increase(gelombang_server_people_steps_total{step="join"}[10s]))'
            ' or 0 * sum(increase(gelombang_server_people_steps_total{step="account"}[10s])))'
            ' * clamp_min((sum(increase(gelombang_server_people_steps_total{step="account"}[10s])) > 0)'
            ' - (sum(increase(gelombang_server_people_steps_total{step="join"}[10s]))'
            ' or 0 * sum(increase(gelombang_server_people_steps_total{step="account"}[10s]))), 0)'
            ' / (sum(increase(gelombang_server_people_steps_total{step="account"}[10s])) > 0) + 0.960365)))'
            ' / ((sum(increase(gelombang_server_people_steps_total{step="account"}[10s])) > 0) + 3.84146)',
        ),
        (
            Ruled("job_stage:things:rate1m", Side.SERVER, by=("stage",), top=True),
            {},
            "topk(1, sum by (stage) (job_stage:things:rate1m))",
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_one_expression_is_evaluated_and_written(expression: Expression, found: dict[tuple[str, ...], float], text: str) -> None:
    assert evaluate(expression, TABLE, 10.0, 20.0) == found
    assert promql(expression, RULE) == text


def arithmetic_of(text: str, part: float, whole: float) -> float:
    """What Prometheus would make of the text of a bound, once its two sums are numbers."""
    for step, count in (("join", part), ("account", whole)):
        text = text.replace(f'sum(increase(gelombang_server_people_steps_total{{step="{step}"}}[10s]))', str(count))
    text = text.replace(f" or 0 * {whole}", "").replace(f"({whole} > 0)", str(whole))
    return float(eval(text, {"sqrt": math.sqrt, "clamp_min": max}))  # noqa: S307  # arithmetic that this test wrote itself


@pytest.mark.parametrize("is_upper", [False, True])
@pytest.mark.parametrize(("part", "whole"), [(0.0, 7.0), (3.0, 7.0), (7.0, 7.0), (40.0, 1_000.0)])
def test_the_promql_of_a_bound_is_wilsons_interval(part: float, whole: float, is_upper: bool) -> None:
    bound = ShareBound(counted(STEPS, 'step="join"'), counted(STEPS, 'step="account"'), is_upper, 0.01, design_effect=2.0)
    wanted = share_interval(part / 2, whole / 2, 0.01)
    found = arithmetic_of(promql(bound, RULE), part, whole)
    assert found == pytest.approx(wanted.high if is_upper else wanted.low, abs=1e-5)


def test_of_nothing_chance_allows_no_share_at_all() -> None:
    bound = ShareBound(counted(STEPS, 'step="join"'), counted(STEPS, 'step="ktp"'), True, 0.01)
    assert value(bound, TABLE, 0, 20) is None


def test_a_longer_window_does_not_begin_before_the_series_do() -> None:
    assert value(Longer(counted(STEPS, 'step="join"'), 3), TABLE, 10, 20) == 20


def test_on_a_dashboard_selectors_and_windows_are_grafanas() -> None:
    text = promql(rate(STEPS, 'step="join"'), DASHBOARD)
    assert text == 'sum(rate(gelombang_server_people_steps_total{job=~"$job", instance=~"$instance", step="join"}[$__rate_interval]))'


def test_a_quantile_beyond_the_last_edge_is_that_edge_and_of_nothing_is_nothing() -> None:
    lag = telemetry.LOOP_LAG_SECONDS
    beyond = [grown(f"{lag.name}_bucket", 0, le="0.1"), grown(f"{lag.name}_bucket", 4, le="+Inf")]
    assert value(quantile(0.9, lag), SeriesTable.of(beyond), 0, 20) == 0.1
    still = [level(f"{lag.name}_bucket", 3, le="0.1"), level(f"{lag.name}_bucket", 3, le="+Inf")]
    assert value(quantile(0.9, lag), SeriesTable.of(still), 0, 20) is None


def test_what_is_divided_by_nothing_has_no_value() -> None:
    assert value(share(rate(STEPS, 'step="join"'), rate(STEPS, 'step="ktp"')), TABLE, 0, 20) is None


def test_regular_expressions_match_whole_values_and_a_matcher_that_is_none_is_refused() -> None:
    assert not Matcher.parse('code=~"store"').accepts("store_full")
    assert Matcher.parse('code!~"store|body"').accepts("commit")
    with pytest.raises(AssertionError, match="is no matcher"):
        Matcher.parse("code=store")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: rate(telemetry.STORE_TURNS), "is a gauge"),
        (lambda: now(STEPS), "is a counter"),
        (lambda: quantile(0.5, STEPS), "is a counter"),
        (lambda: rate(STEPS, 'photo="ktp"'), "has no label photo"),
        (lambda: rate(STEPS, by=("photo",)), "not by"),
    ],
)
def test_an_expression_can_ask_only_what_the_catalogue_has(make: object, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        make()  # type: ignore[operator]


def test_titles_are_given_once_over_all_pages_and_uids_and_files_too() -> None:
    titles = [one.title for page in PAGES for one in panels(page)]
    assert len(titles) == len(set(titles))
    assert len({page.uid for page in PAGES}) == len({page.file for page in PAGES}) == len(PAGES)
    assert PAGES[0].title == "Now"


def test_a_panel_reads_only_metrics_of_its_own_side_unless_it_compares_both() -> None:
    both = {"7. Acknowledged and not verified"}
    for page in PAGES:
        for one in panels(page):
            sides = {_side(query.expression) for query in one.queries}
            assert sides == {one.side} or one.title in both, one.title


def _side(expression: Expression) -> Side:
    match expression:
        case Read(metric):
            return metric.side
        case Ruled(side=side):
            return side
        case Over(part, _):
            return _side(part)
        case Minus(left, _):
            return _side(left)
        case _:
            return _side(expression.of)


def test_a_runbook_page_and_its_alert_share_a_name() -> None:
    assert Runbook.SITE_STAYS_DOWN.alert == "SiteStaysDown"


@pytest.mark.parametrize("record", [records.collapsing(), records.hardened(), records.empty()], ids=["collapsing", "hardened", "empty"])
def test_a_record_gives_each_line_one_value_a_window(record: records.RunRecord) -> None:
    count = len(record.windows.offered)
    read = 0
    for page in PAGES:
        for one in panels(page):
            if one.record is not None:
                lines = one.record(record)
                read += 1
                assert all(len(line.values) == count for line in lines), one.title
    assert read > 8


def test_a_record_is_read_in_wall_time() -> None:
    record = records.collapsing()
    [offered, started] = panel("People offered and started").record(record)  # type: ignore[misc]
    wall_seconds = record.windows.window_seconds / record.scale.speed
    assert sum(value * wall_seconds for value in offered.values) == pytest.approx(sum(record.windows.offered))  # type: ignore[operator]
    assert started.legend == "started"
    assert readings.window_wall_seconds(record) == wall_seconds
    [account] = readings.response_p99("account")(record)
    assert account.values[0] == record.windows.response_p99_seconds["account"][0] / record.scale.speed  # type: ignore[operator]


def test_the_records_failed_share_leaves_out_photos_too_large_and_people_told_to_come_back() -> None:
    record = records.hardened()
    where = record.windows.upload_where
    [line] = readings.uploads_failed(record)
    window = next(i for i, attempts in enumerate(record.windows.upload_attempts) if attempts)
    aside = sum(counts[window] for key, counts in where.items() if key.endswith(("photo_too_large", "uploads_busy")))
    seen = sum(counts[window] for key, counts in where.items() if key.split("/")[0] not in ("connect", "send", "wait", "receive"))
    assert line.values[window] == pytest.approx(1 - where["acknowledged"][window] / (seen - aside))
