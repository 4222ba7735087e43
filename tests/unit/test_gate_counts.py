"""What callgrind wrote is read whole, what a driver may say, and what follows from two counts."""

import shlex
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gelombang.errors import InputError
from gelombang_gates.callgrind import instructions_by_function
from gelombang_gates.comparing import Outcome
from gelombang_gates.counting import Counted, traced
from gelombang_gates.function_table import instructed_as_junit
from gelombang_gates.gate_file import Gate, Waiver
from gelombang_gates.instructions import Instructed, RouteCount, changes, judged, row_of
from gelombang_gates.revision import Revision

PROFILE = """# callgrind format
version: 1
cmd: python drive.py
positions: line
events: Ir
summary: 1234

ob=(1) /usr/lib/libpython3.11.so.1.0
fl=(1) ???
fn=(1) evaluate
0 100
+2 11
cfn=(2) look_up
calls=3 0
0 900
* 3

fn=(2)
-1 1000
ob=(2) /usr/lib/libc.so.6
fn=(3) memcpy
0 120

totals: 1234
"""


def profile(folder: Path, text: str) -> Path:
    path = folder / "profile"
    path.write_text(text)
    return path


def test_a_function_has_its_own_instructions_and_not_those_of_what_it_calls(tmp_path: Path) -> None:
    found = instructions_by_function(profile(tmp_path, PROFILE))
    assert found == {"evaluate [libpython3.11.so.1.0]": 114, "look_up [libpython3.11.so.1.0]": 1000, "memcpy [libc.so.6]": 120}


@pytest.mark.parametrize("cut", ["totals: 1234\n", "0 120\n"])
def test_a_profile_that_is_not_whole_is_refused(tmp_path: Path, cut: str) -> None:
    text = PROFILE.replace(cut, "") if cut != "totals: 1234\n" else PROFILE.replace(cut, "").replace("summary: 1234", "")
    with pytest.raises(InputError, match="is no whole profile"):
        instructions_by_function(profile(tmp_path, text))


def route(name: str, base: float, head: float, noise: float = 0.0001) -> RouteCount:
    return RouteCount(name, base, head, noise, ())


WAIVER = Waiver(route="list", until=date(2027, 1, 1), reason="a richer answer was asked for")


@pytest.mark.parametrize(
    ("rows", "waivers", "outcome", "said"),
    [
        ([route("list", 1000, 1009)], {}, Outcome.PASS, "no route needs 1.00% more"),
        ([route("list", 1000, 900)], {}, Outcome.PASS, "no route"),
        ([route("list", 1000, 1030), route("search", 1000, 1000)], {}, Outcome.FAIL, "list needs +3.00% instructions; the limit is 1.00%"),
        ([route("list", 1000, 1030)], {"list": WAIVER}, Outcome.INCONCLUSIVE, "only list needs more, which is accepted"),
        ([route("list", 1000, 1030), route("search", 1000, 1030)], {"list": WAIVER}, Outcome.FAIL, "search needs"),
        ([route("list", 1000, 1000, noise=0.004)], {}, Outcome.UNFIT, "two counts of the same differ by more than 0.25% in list"),
        ([route("list", 1000, 1010.05, noise=0.002)], {}, Outcome.INCONCLUSIVE, "list is beyond the limit by less than"),
        ([route("list", 1000, 1300, noise=0.02)], {}, Outcome.FAIL, "list needs +30.00%"),
    ],
)
def test_what_follows_from_two_counts(rows: list[RouteCount], waivers: dict[str, Waiver], outcome: Outcome, said: str) -> None:
    found, why, failed = judged(rows, 0.01, waivers)
    assert found is outcome
    assert said in why
    assert bool(failed) == (outcome is Outcome.FAIL)


def lane(mode: str, outcome: Outcome, routes: list[RouteCount]) -> dict[str, list[str]]:
    gate = Gate.model_validate({"mode": mode, "instructions": {"command": "drive"}})
    text = instructed_as_junit(Instructed(outcome, "for a reason", "a", "b", gate, 1.0, tuple(routes), waivers=(WAIVER,)))
    return {str(case.get("name")): [child.tag for child in case] for case in ET.fromstring(text.partition("\n")[2]).iter("testcase")}


def test_each_route_is_a_case_and_none_that_was_not_decided_looks_passed() -> None:
    rows = [route("search", 1000, 1030), route("list", 1000, 1030), route("other", 1000, 1000), route("noisy", 1000, 1000, noise=0.004)]
    assert list(lane("as-shown", Outcome.FAIL, rows).values()) == [["failure"], ["skipped"], [], ["skipped"]]
    assert list(lane("observe", Outcome.FAIL, rows).values()) == [["skipped"], ["skipped"], [], ["skipped"]]
    assert lane("as-shown", Outcome.SKIPPED, []) == {"instructions are counted": ["skipped"]}


def test_the_functions_shown_are_those_that_changed_most() -> None:
    base, head = {"a": 5.0, "gone": 3.0, "same": 9.0}, {"a": 15.0, "new": 2.0, "same": 9.0}
    assert [(own.function, own.head - own.base) for own in changes(base, head)] == [("a", 10), ("gone", -3), ("new", 2)]


def test_a_driver_that_sends_nothing_is_no_measurement() -> None:
    with pytest.raises(InputError, match="more requests of list took no more instructions"):
        row_of("list", Counted(0.0, 0.0, {}), Counted(10.0, 0.0, {}))


def test_what_later_children_cost_more_is_no_noise_where_it_is_the_same_for_both() -> None:
    row = row_of("list", Counted(1_000.0, 12.0, {"f": 1_000.0}), Counted(1_020.0, 14.0, {"f": 1_020.0}))
    assert (row.noise, row.change) == (0.002, pytest.approx(0.02))


def told(folder: Path, command: str) -> list[dict[str, dict[str, float]]]:
    """What the driver that is started so says about both revisions, of the routes list and search."""
    routes = [{"name": name, "path": f"/{name}"} for name in ("list", "search")]
    gate = Gate.model_validate({"route": routes, "instructions": {"command": command}})
    assert gate.instructions is not None
    revision = Revision("base", "a", folder, {})
    return traced(gate, gate.instructions, revision, revision)


def driver(folder: Path, answer: str) -> str:
    path = folder / "the driver.py"
    path.write_text(f"print({answer!r})")
    return shlex.join([sys.executable, str(path)])


def test_a_driver_is_started_as_a_shell_reads_its_command(tmp_path: Path) -> None:
    answer = {"list": {"f": 12.0}, "search": {}}
    assert told(tmp_path, driver(tmp_path, '{"list": {"f": 12.0}, "search": {}}') + " {orders}") == [answer, answer]


@pytest.mark.parametrize(
    ("answer", "missing"), [("{}", "list and search"), ('{"list": {}}', "search"), ('{"list": {}, "Search": {}}', "search")]
)
def test_a_driver_that_leaves_out_a_route_is_told_which(tmp_path: Path, answer: str, missing: str) -> None:
    with pytest.raises(InputError, match=f"on base said nothing of {missing}; want every route of its orders"):
        told(tmp_path, driver(tmp_path, answer))


@pytest.mark.parametrize("command", ['python "drive.py', " "])
def test_a_command_that_is_no_words_is_wrong_input(tmp_path: Path, command: str) -> None:
    with pytest.raises(InputError, match="want words as a shell reads them"):
        told(tmp_path, command)
