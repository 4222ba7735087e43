"""How many newcomers are let in while a process comes late to everything."""

from gelombang.pressure import SHARE_FLOOR, Pressure, PressureRule

RULE = PressureRule(target_us=1_000, interval_us=10_000)


def looked(pressure: Pressure, delays_us: list[int], from_us: int = 0) -> int:
    """A look each fifth of an interval; when the last one was."""
    now_us = from_us
    for delay_us in delays_us:
        now_us += RULE.interval_us // 5
        pressure.looked(now_us, delay_us)
    return now_us


def let_in(pressure: Pressure, people: int, is_inside: bool = False) -> int:
    return sum(pressure.lets_in(is_inside) for _ in range(people))


def test_a_process_that_is_never_late_lets_everybody_in() -> None:
    pressure = Pressure(RULE)
    looked(pressure, [0] * 50)
    assert pressure.share == 1.0
    assert let_in(pressure, 100) == 100


def test_one_look_in_time_is_enough_however_late_the_others_are() -> None:
    pressure = Pressure(RULE)
    looked(pressure, [900, 5_000, 5_000, 5_000, 5_000] * 20)
    assert pressure.share == 1.0


def test_the_share_falls_while_even_the_least_delay_is_above_the_target_and_stops_above_nothing() -> None:
    pressure = Pressure(RULE)
    shares = []
    now_us = 0
    for _ in range(30):
        now_us = looked(pressure, [1_001] * 5, now_us)
        shares.append(pressure.share)
    assert shares == sorted(shares, reverse=True)
    assert shares[5] < 0.2
    assert shares[-1] == SHARE_FLOOR


def test_when_it_is_in_time_again_the_share_comes_back_step_by_step() -> None:
    pressure = Pressure(RULE)
    now_us = looked(pressure, [5_000] * 50)
    low = pressure.share
    now_us = looked(pressure, [0] * 10, now_us)
    assert low < pressure.share < 0.3
    looked(pressure, [0] * 150, now_us)
    assert pressure.share == 1.0


def test_the_share_is_kept_exactly_and_evenly() -> None:
    pressure = Pressure(RULE)
    pressure.share = 0.25
    taken = [pressure.lets_in(is_inside=False) for _ in range(400)]
    assert sum(taken) == 100
    assert all(sum(taken[at : at + 4]) == 1 for at in range(0, 400, 4))


def test_people_inside_come_before_newcomers() -> None:
    pressure = Pressure(RULE)
    pressure.share = 0.1
    assert let_in(pressure, 100, is_inside=True) == 100
    pressure.share = SHARE_FLOOR
    assert 60 <= let_in(pressure, 100, is_inside=True) <= 70
    assert let_in(pressure, 100) == 2
