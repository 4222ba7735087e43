"""docs/ledger.md says the format as it is, so that other programs can write it."""

import re
from pathlib import Path

from gelombang.attempt import ServerOutcome, Stage
from gelombang.attempt_id import AttemptId
from gelombang.ledger import SERVER_ROW

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()


def test_every_field_stands_at_its_offset() -> None:
    assert SERVER_ROW.fields is not None
    said = {name: int(offset) for offset, name in re.findall(r"^\| (\d+) \| `(\w+)`", PAGE, flags=re.M)}
    assert said == {name: SERVER_ROW.fields[name][1] for name in said}
    assert said.keys() >= {"person", "number", "stage", "outcome", "status", "began", "ended", "pad2"}
    assert f"rows of {SERVER_ROW.itemsize} bytes" in PAGE


def test_stages_and_outcomes_have_their_numbers() -> None:
    rows = dict(re.findall(r"^\| \d+ \| `(\w+)`[^|]*\|[^|]*\| (.*) \|$", PAGE, flags=re.M))
    for number, word in ((Stage.ACCEPT, "accept"), (Stage.STORE, "store"), (Stage.ACKNOWLEDGE, "acknowledge")):
        assert f"{number} {word}" in rows["stage"]
    for outcome, word in (
        (ServerOutcome.REFUSED, "refused"),
        (ServerOutcome.ABANDONED, "abandoned"),
        (ServerOutcome.SHUTDOWN, "shut down"),
    ):
        assert f"{outcome} {word}" in rows["outcome"]


def test_the_example_is_a_trace_id_of_an_attempt() -> None:
    found = re.search(r"^traceparent: 00-(.*)-0000000000000002-01", PAGE, flags=re.M)
    assert found is not None
    assert AttemptId(0x2F3919FD4B, 17, 0, 7, 1).trace_id() == found[1].replace(" ", "")
