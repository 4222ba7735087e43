"""What Locust's statistics come to when exchanges are gathered: what they come to when Locust counts each by itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

SCRIPT = Path(__file__).parent / "locust_counting.py"


def counted(limit: int) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(SCRIPT), str(limit)], capture_output=True, timeout=50, check=True)
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("limit", [1, 3, 10_000])
def test_gathered_exchanges_come_to_the_numbers_that_locust_counts_one_by_one(limit: int) -> None:
    found = counted(limit)
    assert found["heard"] == 400, "somebody listens, and hears of each"
    assert found["gathered"] == found["one_by_one"]
    assert found["gathered"]["total"]["num_requests"] == 400
    assert found["gathered"]["total"]["num_failures"] > 50
    assert len(found["gathered"]["entries"]) == 4


def test_who_begins_to_listen_in_the_middle_hears_of_all_that_follow() -> None:
    found = counted(10_000)
    assert found["heard_late"] == [1, 2, 3, 4, 5, 6, 7]
    assert found["late"] == 12
