"""Counter-based draws: the same bits from every path, and no stream that is shared."""

import numpy as np
import pytest

from gelombang.seeds import Purpose, draw, draw_array, mix, normal_quantile, unit, unit_array

MASK = (1 << 64) - 1


def splitmix64(state: int, count: int) -> list[int]:
    """The published generator, step by step: state grows by the golden constant, then the finaliser."""
    values = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        values.append(z ^ (z >> 31))
    return values


def test_the_mixer_gives_the_published_sequence_of_seed_1234567() -> None:
    # The first outputs that implementations of splitmix64 are checked against.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert [mix((1234567 + 0x9E3779B97F4A7C15 * (i + 1)) & MASK) for i in range(5)] == published
    assert splitmix64(1234567, 5) == published


def test_arrays_hold_the_same_bits_as_single_draws() -> None:
    people = np.array([0, 1, 2, 1_432_132, (1 << 40) - 1], dtype=np.int64)
    for seed in (0, 1, MASK):
        for n in (0, 1, 13 << 24 | 7):
            assert draw_array(seed, people, Purpose.ARRIVAL, n).tolist() == [draw(seed, int(p), Purpose.ARRIVAL, n) for p in people]
            assert unit_array(seed, people, Purpose.THINK, n).tolist() == [unit(seed, int(p), Purpose.THINK, n) for p in people]


def test_purposes_have_numbers_of_their_own() -> None:
    assert len({int(purpose) for purpose in Purpose}) == len(Purpose.__members__)


@pytest.mark.parametrize("changed", [(2, 5, 3, 7), (1, 6, 3, 7), (1, 5, 4, 7), (1, 5, 3, 8)])
def test_every_coordinate_changes_the_draw(changed: tuple[int, int, int, int]) -> None:
    assert draw(*changed) != draw(1, 5, 3, 7)


def test_the_normal_quantile_is_that_of_the_tables() -> None:
    assert normal_quantile(0.5) == pytest.approx(0.0, abs=1e-15)
    assert normal_quantile(0.975) == pytest.approx(1.959963984540054, rel=1e-12)
    assert normal_quantile(2.0**-54) > -9.0
