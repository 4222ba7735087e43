"""The price of a password, from made-up ledgers of a server."""

from pathlib import Path

import numpy as np
import pytest

from gelombang.ledger import SERVER_ROW
from gelombang.loading import load_scenario
from gelombang_capacity.password_price import SAMPLES_LEAST, password_price


def ledger(folder: Path, began_us: list[int], took_us: list[int]) -> None:
    rows = np.zeros(len(began_us), dtype=SERVER_ROW)
    rows["number"], rows["person"], rows["began"] = 1, np.arange(len(rows)), began_us
    rows["ended"] = rows["began"] + took_us
    rows.tofile(folder / "ledger-server-0.bin")


def test_only_who_found_nobody_tells_what_a_password_takes(tmp_path: Path) -> None:
    """Each second one comes alone, and two come on each other's heels: the second of them waits."""
    began = [at for second in range(100) for at in (second * 1_000_000, second * 1_000_000 + 500_000, second * 1_000_000 + 501_000)]
    ledger(tmp_path, began, [23_200, 23_200, 44_600] * 100)
    price = password_price(tmp_path, load_scenario("breakpoint-cpu"))
    assert price is not None
    assert price == pytest.approx((0.022, 0.022, 0.022))


def test_too_few_who_found_nobody_tell_no_price(tmp_path: Path) -> None:
    ledger(tmp_path, [at * 1_000_000 for at in range(SAMPLES_LEAST - 1)], [22_000] * (SAMPLES_LEAST - 1))
    assert password_price(tmp_path, load_scenario("breakpoint-cpu")) is None


def test_a_run_without_passwords_tells_none(tmp_path: Path) -> None:
    assert password_price(tmp_path, load_scenario("breakpoint")) is None
