"""What a full site really works off, as far as told times depend on it."""

from gelombang.drain_rate import BELIEVED_RATIO, WINDOWS, DrainRate

DECLARED, MEAN, LEAST_US = 1_000_000.0, 10_000.0, 5_000_000


def worked(drain: DrainRate, per_second: float, seconds: int, from_us: int) -> int:
    """So many bytes are finished each second, and somebody is refused; when the last second ended."""
    now_us = from_us
    for _ in range(seconds):
        now_us += 1_000_000
        drain.done(now_us, round(per_second))
        drain.when_refused(now_us)
    return now_us


def test_at_first_what_was_declared_holds() -> None:
    drain = DrainRate(DECLARED, MEAN, LEAST_US)
    assert drain.when_refused(0) == (DECLARED, True)
    assert drain.when_refused(LEAST_US - 1) == (DECLARED, True)


def test_a_site_that_gets_most_of_it_done_is_told_of_by_what_was_declared() -> None:
    drain = DrainRate(DECLARED, MEAN, LEAST_US)
    drain.when_refused(0)
    now_us = worked(drain, 1.1 * BELIEVED_RATIO * DECLARED, 30, 0)
    assert drain.when_refused(now_us) == (DECLARED, True)


def test_a_site_that_gets_a_tenth_done_says_so_after_the_least_time() -> None:
    drain = DrainRate(DECLARED, MEAN, LEAST_US)
    drain.when_refused(0)
    now_us = worked(drain, DECLARED / 10, 6, 0)
    rate, is_declared = drain.when_refused(now_us)
    assert not is_declared
    assert DECLARED / 10 <= rate <= DECLARED / 8


def test_a_site_that_finishes_nothing_still_has_a_rate_and_so_a_time_to_tell() -> None:
    drain = DrainRate(DECLARED, MEAN, LEAST_US)
    drain.when_refused(0)
    assert drain.when_refused(10_000_000) == (MEAN / 10, False)


def test_what_was_measured_long_ago_gives_way_to_what_is_measured_now() -> None:
    drain = DrainRate(DECLARED, MEAN, LEAST_US)
    drain.when_refused(0)
    now_us = worked(drain, DECLARED / 10, 60, 0)
    now_us = worked(drain, DECLARED, 60, now_us)
    assert drain.when_refused(now_us) == (DECLARED, True)


def test_when_nobody_was_refused_for_a_while_the_next_measurement_begins_anew() -> None:
    drain = DrainRate(DECLARED, MEAN, LEAST_US)
    drain.when_refused(0)
    now_us = worked(drain, DECLARED / 10, 20, 0) + WINDOWS * LEAST_US
    assert drain.when_refused(now_us) == (DECLARED, True)


def test_where_photos_are_few_nothing_is_believed_before_twenty_of_them_were_due() -> None:
    drain = DrainRate(DECLARED, DECLARED, LEAST_US)
    drain.when_refused(0)
    assert drain.when_refused(19_999_999) == (DECLARED, True)
    assert drain.when_refused(20_000_000) == (DECLARED / 20, False)
