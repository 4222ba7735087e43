"""The diagnosis: causes by their own measurements, since when, and one sentence."""

from collections.abc import Callable

import numpy as np
import pytest

from gelombang import telemetry
from gelombang.diagnosis.causes import KNOB_OF, OWNER_OF, Cause, Owner
from gelombang.diagnosis.decisions import decisions
from gelombang.diagnosis.diagnose import Diagnosis, diagnose, window_seconds
from gelombang.diagnosis.inputs import metrics_read, series_names
from gelombang.diagnosis.words import lines, sentence
from gelombang.series import Series, SeriesTable

SECONDS = 90
SPEED = 60.0
FAULT = 40
TIMES = np.arange(SECONDS + 1, dtype=float)
Rate = Callable[[float], float]


def counter(name: str, per_second: Rate, **labels: str) -> Series:
    values = np.concatenate([[0.0], np.cumsum([per_second(t) for t in TIMES[1:]])])
    return Series(name, labels, TIMES, values)


def level(name: str, value: Rate, **labels: str) -> Series:
    return Series(name, labels, TIMES, np.array([value(t) for t in TIMES]))


def from_fault(after: float, before: float = 0.0) -> Rate:
    return lambda t: after if t > FAULT else before


def always(value: float) -> Rate:
    return lambda _: value


def uploads(outcome: str, stage: str, code: str, rate: Rate) -> Series:
    return counter(telemetry.UPLOAD_ATTEMPTS.name, rate, photo="ktp", stage=stage, outcome=outcome, code=code)


def histogram(metric: telemetry.Metric, rates: dict[str, Rate], **labels: str) -> list[Series]:
    return [counter(f"{metric.name}_bucket", rate, le=le, **labels) for le, rate in rates.items()]


def healthy() -> list[Series]:
    return [
        counter(telemetry.PEOPLE_STEPS.name, always(20), step="account"),
        counter(telemetry.PEOPLE_STEPS.name, always(12), step="nik"),
        counter(telemetry.PEOPLE_STEPS.name, always(10), step="selfie"),
        counter(telemetry.PEOPLE_STEPS.name, always(8), step="join"),
        uploads("completed", "acknowledge", "none", from_fault(20, 20)),
        level(telemetry.STORE_TURNS.name, lambda t: t % 3),
        level(telemetry.STORE_BANDWIDTH_BYTES_PER_SECOND.name, always(1e6)),
        counter(telemetry.STORE_MOVED_BYTES.name, always(4e5)),
        level(telemetry.VALIDITY.name, always(1), validity="valid"),
    ]


def slow_store() -> list[Series]:
    return [
        *[series for series in healthy() if series.name not in (telemetry.STORE_TURNS.name, telemetry.STORE_MOVED_BYTES.name)],
        level(telemetry.STORE_TURNS.name, lambda t: 5 if t > FAULT else t % 3),
        counter(telemetry.STORE_MOVED_BYTES.name, from_fault(1e5, 4e5)),
        uploads("failed", "store", "upload_timed_out", from_fault(30)),
    ]


def diagnosed(series: list[Series], at: float = 85.0) -> Diagnosis:
    return diagnose(SeriesTable.of(series), at, SPEED)


def test_a_healthy_site_has_nothing_wrong() -> None:
    found = diagnosed(healthy())
    assert found.findings == ()
    assert found.leading is None
    assert found.failing_ratio == 0
    assert (found.arriving_per_minute, found.finishing_per_minute) == (1_200, 480)
    assert found.backlog_people == pytest.approx(2 * 85)
    assert found.drain_seconds == pytest.approx(17)
    assert found.unverified_photos == pytest.approx(20 * 85)
    assert sentence(found) == "Nothing wrong: 1,200 people a minute arrive and 480 finish."


def test_a_slow_store_is_named_with_owner_since_and_knob_and_its_time_outs_are_not_a_cause_of_their_own() -> None:
    found = diagnosed(slow_store())
    [finding] = found.findings
    assert (finding.cause, finding.owner, finding.knob) == (Cause.STORE_SLOW, Owner.STORE, "store.bandwidth_bytes_per_second")
    assert abs(finding.since_seconds - FAULT) <= window_seconds(SPEED)
    assert found.leading is not None
    assert (found.leading.stage, found.leading.code) == ("store", "upload_timed_out")
    assert found.failing_ratio == pytest.approx(0.6)
    assert sentence(found) == (
        f"60 % of upload attempts fail at store/upload_timed_out since {found.failing_since_seconds:.0f} s after the run's zero;"
        f" not recovering; slow store (store) since {finding.since_seconds:.0f} s after the run's zero:"
        " turn `store.bandwidth_bytes_per_second`."
    )


def test_what_comes_later_is_never_looked_at() -> None:
    assert diagnosed(slow_store(), at=FAULT).findings == ()


def test_the_same_time_outs_with_a_store_that_keeps_up_are_a_time_out_that_is_too_short() -> None:
    found = diagnosed([*healthy(), uploads("failed", "store", "upload_timed_out", from_fault(30))])
    assert [finding.cause for finding in found.findings] == [Cause.TIME_OUT_SHORT]


def test_a_row_that_holds_for_a_moment_names_nothing() -> None:
    blink = uploads("failed", "store", "store_full", lambda t: 30 if 80 < t < 82 else 0)
    assert diagnosed([*healthy(), blink], at=82).findings == ()


def photos(people: Rate, too_large: Rate, kept: Rate) -> list[Series]:
    return [
        counter(telemetry.PEOPLE_STEPS.name, people, step="nik"),
        uploads("rejected", "admission", "photo_too_large", too_large),
        uploads("completed", "acknowledge", "none", kept),
    ]


def test_more_photos_over_the_limit_are_a_limit_that_is_too_low() -> None:
    found = diagnosed(photos(always(10), from_fault(20, 6), always(20)))
    [finding] = found.findings
    assert finding.cause is Cause.BODY_LIMIT_LOW
    assert abs(finding.since_seconds - FAULT) <= window_seconds(SPEED)


def test_the_same_rise_among_few_photos_is_chance() -> None:
    assert diagnosed(photos(always(0.5), from_fault(1, 0.3), always(1))).findings == ()


def test_photos_over_the_limit_are_no_larger_share_because_fewer_are_kept() -> None:
    found = diagnosed(photos(always(10), always(6), from_fault(2, 20)))
    assert Cause.BODY_LIMIT_LOW not in [finding.cause for finding in found.findings]


def test_photos_over_the_limit_are_no_larger_share_because_a_line_of_people_drains() -> None:
    found = diagnosed(photos(from_fault(2, 10), from_fault(18, 6), from_fault(60, 20)))
    assert found.findings == ()


def test_repeated_attempts_of_before_do_not_make_the_limit_too_low() -> None:
    """While much was repeated, photos over the limit were a small share of all attempts; that was no good time to compare with."""
    repeats = uploads("failed", "body", "client_left", from_fault(0, 200))
    found = diagnosed([*photos(always(10), always(6), always(20)), repeats])
    assert found.findings == ()


def test_few_uploads_that_time_out_are_chance_and_many_of_the_same_share_are_a_cause() -> None:
    def site(scale: float) -> list[Series]:
        return [
            uploads("completed", "acknowledge", "none", from_fault(0.8 * scale, scale)),
            uploads("failed", "store", "upload_timed_out", from_fault(0.12 * scale)),
        ]

    assert diagnosed(site(1.0)).findings == ()
    assert [finding.cause for finding in diagnosed(site(100.0)).findings] == [Cause.TIME_OUT_SHORT]


def test_a_failing_share_that_falls_is_recovering() -> None:
    fading = uploads("failed", "store", "upload_timed_out", lambda t: max(0.0, 60 - 3 * (t - FAULT)) if t > FAULT else 0.0)
    found = diagnosed([*healthy(), fading], at=59)
    assert found.is_recovering
    assert "; recovering;" in sentence(found)


def test_failures_without_a_cause_are_said_to_have_none() -> None:
    found = diagnosed([*healthy(), uploads("failed", "digest", "internal_error", from_fault(20))])
    assert found.findings == ()
    assert sentence(found).endswith("no cause that this table knows shows itself; begin with the page Where uploads fail.")


def test_of_two_processes_the_slow_one_is_named() -> None:
    quick = histogram(telemetry.LOOP_LAG_SECONDS, {"0.005": always(20), "0.1": always(20), "+Inf": always(20)}, instance="a")
    slow = histogram(telemetry.LOOP_LAG_SECONDS, {"0.005": from_fault(0, 20), "0.5": always(20), "+Inf": always(20)}, instance="b")
    [finding] = diagnosed([*healthy(), *quick, *slow]).findings
    assert (finding.cause, finding.which) == (Cause.PROCESS_SLOW, "b")
    assert "One slow process b (server process)" in sentence(diagnosed([*healthy(), *quick, *slow]))


def test_a_process_that_does_not_answer_any_more_is_the_slow_one() -> None:
    up = [level("up", rate, job="gelombang-server", instance=name) for name, rate in (("a", always(1)), ("b", from_fault(0, 1)))]
    [finding] = diagnosed([*healthy(), *up]).findings
    assert (finding.cause, finding.which) == (Cause.PROCESS_SLOW, "b")


def test_a_generator_that_does_not_answer_is_starved() -> None:
    silent = level("up", from_fault(0, 1), job="gelombang-generator", instance="g")
    assert [finding.cause for finding in diagnosed([*healthy(), silent]).findings] == [Cause.GENERATOR_STARVED]


def test_a_starved_generator_comes_first_and_another_cause_is_named_beside_it() -> None:
    late = histogram(
        telemetry.LATENESS_SECONDS, {"0.01": from_fault(0, 20), "0.1": from_fault(0, 20), "0.5": always(20), "+Inf": always(20)}
    )
    found = diagnosed([*slow_store(), *late])
    assert [finding.cause for finding in found.findings] == [Cause.GENERATOR_STARVED, Cause.STORE_SLOW]
    assert "; also slow store (store) since" in sentence(found)


def test_without_a_generator_the_instrument_has_no_client_data() -> None:
    found = diagnosed([series for series in healthy() if series.name != telemetry.VALIDITY.name])
    assert dict(lines(found))["instrument"].startswith("no client data")
    assert lines(found)[0][0] == "people per minute"
    assert len(lines(found)) == 9


def test_less_than_a_window_is_not_enough() -> None:
    with pytest.raises(ValueError, match="want 10 or more"):
        diagnosed(healthy(), at=5)


def test_on_the_real_day_a_window_is_five_minutes() -> None:
    assert (window_seconds(1.0), window_seconds(60.0)) == (300.0, 10.0)


def test_every_cause_has_a_row_an_owner_and_a_knob_and_rows_stand_in_the_order_of_looking() -> None:
    assert [row.cause for row in decisions(SPEED)] == list(Cause)
    assert set(OWNER_OF) == set(KNOB_OF) == set(Cause)


def test_the_names_that_a_diagnosis_reads_are_those_of_its_metrics() -> None:
    names = series_names()
    assert len(names - {"up"}) == len(metrics_read())
    assert "gelombang_server_sync_seconds_bucket" in names
    assert "gelombang_server_store_turns" in names
