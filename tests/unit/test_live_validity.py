"""A generator process doubts its own run while it lasts, by the limits of the record."""

import dataclasses

import pytest

from gelombang.live_validity import LiveJudge, Second
from gelombang.record import Validity

CALM = Second(lasted_seconds=1.0, lateness_p99_us=900.0, loop_late_max_us=2_000, cpu_ratio=0.3, machine_cpu_ratio=0.5)


def judged(*changes: dict, page_wall_seconds: float = 0.2) -> LiveJudge:
    judge = LiveJudge(page_wall_seconds)
    for change in changes:
        judge.take(dataclasses.replace(CALM, **change))
    return judge


def test_a_calm_generator_has_no_doubt() -> None:
    judge = judged(*({} for _ in range(20)))
    assert (judge.doubts, judge.validity) == ({}, Validity.VALID)


def test_before_the_first_second_nothing_is_doubted() -> None:
    assert judged().validity is Validity.VALID


@pytest.mark.parametrize(("late_us", "severity"), [(5_001.0, Validity.SUSPECT), (50_001.0, Validity.INVALID)])
def test_a_late_generator_is_doubted_and_a_very_late_one_not_believed(late_us: float, severity: Validity) -> None:
    judge = judged({}, {"lateness_p99_us": late_us})
    assert (judge.doubts, judge.validity) == ({"late-generator": severity}, severity)


def test_lateness_that_the_run_outgrows_is_forgiven_as_the_record_forgives_it() -> None:
    assert judged({"lateness_p99_us": 9_000.0}, {"lateness_p99_us": 4_000.0}).validity is Validity.VALID


def test_one_long_stall_is_remembered() -> None:
    assert judged({"loop_late_max_us": 100_001}, {}, {}).doubts == {"stalled-generator": Validity.SUSPECT}
    assert judged({"loop_late_max_us": 99_999}, {}).doubts == {}


def test_a_core_must_be_busy_without_a_break_to_be_a_doubt() -> None:
    busy = {"cpu_ratio": 0.81}
    assert judged(*[busy] * 5).doubts == {}
    assert judged(*[busy] * 3, {}, *[busy] * 4).doubts == {}
    assert judged(*[busy] * 6, {}).doubts == {"busy-generator": Validity.SUSPECT}


def test_a_machine_that_is_busy_in_more_than_a_tenth_of_the_seconds_is_a_doubt() -> None:
    busy = {"machine_cpu_ratio": 0.96}
    assert judged(busy, *[{}] * 9).doubts == {}
    assert judged(busy, busy, *[{}] * 9).doubts == {"busy-machine": Validity.SUSPECT}
