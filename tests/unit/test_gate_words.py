"""What the gate is told, and what it tells: its file, its verdicts, its exit codes, its own health."""

import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gelombang.errors import ExitCode, FileError, InputError
from gelombang_cli.gate import exit_code, parse_ratio
from gelombang_gates.answers import Answers
from gelombang_gates.comparing import Comparison, Outcome, Ran
from gelombang_gates.gate_file import Gate, Mode, chosen, load_gate, waived
from gelombang_gates.health import Line, healths, keep, kept, line_of, upper_bound
from gelombang_gates.paired import Verdict
from gelombang_gates.pairs import WHOLE, Cost
from gelombang_gates.runs import Compared, RunsCompared
from gelombang_gates.sequence import Finding, Judged
from gelombang_gates.signed_rank import Shift
from gelombang_gates.telling import as_json, as_junit, health_told, runs_as_junit, told

ROOT = Path(__file__).parents[2]
SLOWER = Finding(Judged.FAIL, Shift(0.08, 0.05, 0.11), 24, 1e-6, 0.012)
SAME = Finding(Judged.PASS, Shift(0.0, -0.01, 0.01), 24, 0.9, 0.012)
UNKNOWN = Finding(Judged.INCONCLUSIVE, Shift(0.0, -1.0, float("inf")), 2, 1.0, float("inf"))


def ran(order: Finding, caught: bool = True) -> Ran:
    answers = {name: Answers("200", {"200": 10}, {"200": 10}, 1.0, False, False) for name in ("items", "order")}
    findings = {("items", Cost.CPU): SAME, ("order", Cost.CPU): order, (WHOLE, Cost.MEMORY): SAME}
    return Ran(24, findings, answers, [], {"items": caught, "order": caught})


def verdict(outcome: Outcome, order: Finding = SAME, mode: str = "enforce", second: bool = False, shown: bool = True) -> Verdict:
    gate = Gate.model_validate({"route": [{"name": "items"}, {"name": "order"}], "mode": mode, "owners": ["team-shop"]})
    confirmed = (("order", Cost.CPU),) if outcome is Outcome.FAIL else ()
    comparison = Comparison(outcome, "for a reason", ran(order), ran(order) if second else None, confirmed)
    return Verdict(comparison, gate, "a" * 40, "b" * 40, "2 x Chip, Linux 6.1", 61.0, (), shown)


def cases(found: Verdict) -> dict[str, list[str]]:
    root = ET.fromstring(as_junit(found).partition("\n")[2])
    return {str(case.get("name")): [child.tag for child in case] for case in root.iter("testcase")}


@pytest.mark.parametrize(
    ("outcome", "mode", "strict", "code"),
    [
        (Outcome.PASS, "enforce", True, ExitCode.AS_EXPECTED),
        (Outcome.FAIL, "enforce", False, ExitCode.FAILED),
        (Outcome.FAIL, "as-shown", False, ExitCode.FAILED),
        (Outcome.FAIL, "observe", True, ExitCode.AS_EXPECTED),
        (Outcome.INCONCLUSIVE, "enforce", False, ExitCode.AS_EXPECTED),
        (Outcome.INCONCLUSIVE, "enforce", True, ExitCode.UNTRUSTED),
        (Outcome.UNFIT, "enforce", False, ExitCode.AS_EXPECTED),
        (Outcome.UNFIT, "observe", True, ExitCode.UNTRUSTED),
        (Outcome.SKIPPED, "enforce", True, ExitCode.AS_EXPECTED),
    ],
)
def test_only_a_failure_that_is_enforced_ends_with_1(outcome: Outcome, mode: str, strict: bool, code: ExitCode) -> None:
    assert exit_code(verdict(outcome, mode=mode), strict) is code


def test_junit_fails_the_slower_route_and_not_its_neighbour() -> None:
    assert cases(verdict(Outcome.FAIL, SLOWER, second=True)) == {
        "the machine is fit": [],
        "items is no slower or larger": [],
        "order is no slower or larger": ["failure"],
        "(process) is no slower or larger": [],
    }


def test_runs_are_cases_of_what_was_compared_and_what_is_undecided_is_skipped() -> None:
    known = {Judged.PASS: [], Judged.INCONCLUSIVE: ["skipped"], Judged.FAIL: ["failure"]}
    rows = [Compared("otp", f"response {judged}", judged, None, f"so \x1b {judged}") for judged in known]
    root = ET.fromstring(runs_as_junit(RunsCompared(tuple(rows), 0.01)).partition("\n")[2])
    found = {str(case.get("name")): [child.tag for child in case] for case in root.iter("testcase")}
    assert found == {f"response {judged} of otp is no worse": tags for judged, tags in known.items()}
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")


def test_a_route_that_was_not_decided_before_another_failed_is_skipped_and_not_passed() -> None:
    found = verdict(Outcome.FAIL, SLOWER, second=True)
    found.comparison.first.findings["items", Cost.CPU] = UNKNOWN
    assert cases(found)["items is no slower or larger"] == ["skipped"]


@pytest.mark.parametrize("outcome", [Outcome.UNFIT, Outcome.INCONCLUSIVE, Outcome.SKIPPED])
def test_what_was_not_decided_is_skipped_in_junit_and_loud_in_words(outcome: Outcome) -> None:
    found = verdict(outcome)
    assert cases(found)["order is no slower or larger"] == ["skipped"]
    assert ("NO PASS" in told(found)) or ("NOTHING WAS COMPARED" in told(found))


def test_a_failure_that_is_only_observed_is_said_and_does_not_fail_the_build() -> None:
    found = verdict(Outcome.FAIL, SLOWER, mode="observe", second=True)
    assert cases(found)["order is no slower or larger"] == ["skipped"]
    assert "enforces nothing" in told(found)


@pytest.mark.parametrize(("mode", "shown", "loud"), [("as-shown", False, True), ("as-shown", True, False), ("enforce", False, False)])
def test_a_machine_of_which_nothing_is_known_is_said_aloud(mode: str, shown: bool, loud: bool) -> None:
    found = verdict(Outcome.PASS, mode=mode, shown=shown)
    assert ("THIS CLASS OF MACHINE HAS NOT SHOWN BEFORE" in told(found)) is loud
    assert json.loads(as_json(found))["shown_before"] is shown


def test_the_smallest_slowdown_that_would_show_stands_beside_every_route() -> None:
    text = told(verdict(Outcome.PASS))
    assert "| order | cpu | +0.00% | -1.00% to +1.00% | 1.2% | 0.9 | pass |" in text
    assert "team-shop" in text
    assert "| order | cpu | +0.00% | ? to ? | ? | 1 | inconclusive |" in told(verdict(Outcome.INCONCLUSIVE, UNKNOWN))


def test_json_has_no_infinity() -> None:
    found = json.loads(as_json(verdict(Outcome.INCONCLUSIVE, UNKNOWN)))
    (order,) = [finding for finding in found["sequences"][0]["findings"] if finding["route"] == "order"]
    assert order["detectable"] is None
    assert order["shift"]["high"] is None


@pytest.mark.parametrize(("text", "value"), [("0.5%", 0.005), ("0.005", 0.005), (" 10 % ", 0.1)])
def test_a_share_is_read_as_people_write_it(text: str, value: float) -> None:
    assert parse_ratio("--budget", text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["half", "", "0%", "100%", "-1%", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--budget is"):
        parse_ratio("--budget", text)


def gate_file(folder: Path, text: str) -> Path:
    path = folder / "gelombang.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[other]\n", "gate is missing; want a table"),
        ("[gate]\nbudgte = 0.1\n", "budgte is a key that nobody reads; want budget"),
        ("[gate]\nbudget = 0.05\n", "want detect above the budget"),
        ('[gate]\nroute = [{name="a"}, {name="a"}]\n', "a comes twice"),
        ('[gate]\nroute = [{name="a", path="no-slash"}]\n', "gate.route[0].path"),
        ('[gate]\nmode = "shout"\n', "'observe', 'as-shown' or 'enforce'"),
        ('[gate]\n[[gate.accept]]\nroute="a"\nuntil=2027-01-01\nreason="no"\n', "reason"),
    ],
)
def test_a_faulty_table_is_named_with_its_file_and_what_would_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileError) as caught:
        load_gate(gate_file(tmp_path, text))
    assert said in str(caught.value)
    assert "gelombang.toml" in str(caught.value)


def test_forty_services_share_one_table_and_change_what_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "platform.toml").write_text('[gate]\nbudget = 0.01\nowners = ["platform"]\n')
    gate = load_gate(gate_file(tmp_path, 'extends = "platform.toml"\n[gate]\nowners = ["shop"]\n'))
    assert (gate.budget, gate.owners) == (0.01, ["shop"])


def test_the_table_of_this_repository_is_well() -> None:
    gate = load_gate(ROOT / "gelombang.toml")
    assert {route.name for route in gate.route} >= {"health", "account", "me"}
    assert gate.command is not None
    assert gate.mode is Mode.AS_SHOWN  # CI may be a machine of which nothing is known yet: no reason to be red


def test_routes_are_chosen_by_name_and_spelled_out_where_there_is_no_file() -> None:
    gate = Gate.model_validate({"route": [{"name": "items"}, {"name": "order"}]})
    assert [route.name for route in chosen(gate, ["order"]).route] == ["order"]
    (spelled,) = chosen(Gate(), ["post /orders"]).route
    assert (spelled.method, spelled.path) == ("POST", "/orders")
    with pytest.raises(InputError, match="want METHOD /path"):
        chosen(Gate(), ["orders"])


def test_a_waiver_counts_to_its_last_day_and_is_an_error_after_it() -> None:
    waiver = {"route": "items", "until": "2027-03-31", "reason": "orders are signed now"}
    gate = Gate.model_validate({"route": [{"name": "items"}], "accept": [waiver]})
    assert list(waived(gate, date(2027, 3, 31))) == ["items"]
    with pytest.raises(InputError, match="ended on 2027-03-31"):
        waived(gate, date(2027, 4, 1))


def line(outcome: Outcome = Outcome.PASS, head: str = "b", caught: int = 2, strays: int = 0) -> Line:
    made = line_of(verdict(outcome).comparison, verdict(outcome).gate, "chip", "2027-01-01T00:00:00+00:00", "a", head)
    return made.model_copy(update={"caught": caught, "strays": strays})


def test_health_keeps_both_rates_and_their_bounds(tmp_path: Path) -> None:
    for each in [line(head="a")] * 3 + [line(Outcome.FAIL, head="a"), line(Outcome.UNFIT, caught=0, strays=1)]:
        keep(tmp_path, each)
    (own,) = healths(kept(tmp_path))
    assert (own.comparisons, own.abstained, own.strays, own.same_commits, own.false_alarms) == (5, 1, 1, 4, 1)
    assert (own.caught, own.with_delay) == (4, 5)
    assert "failed 1 of 4 times" in health_told([own])


def test_no_false_alarm_in_300_comparisons_still_allows_one_in_a_hundred() -> None:
    """1 - 0.05 ** (1 / 300), the rule of three made exact."""
    assert upper_bound(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300), abs=1e-9)
    assert upper_bound(0, 0) == 1.0


def test_a_bound_on_ten_thousand_comparisons_is_still_above_what_was_found() -> None:
    """0.8 ** 10_000 is smaller than any float. By the normal distribution: 0.2 + 1.645 * sqrt(0.2 * 0.8 / 10_000)."""
    assert upper_bound(2_000, 10_000) == pytest.approx(0.2066, abs=2e-4)


def test_a_health_file_that_was_written_by_another_hand_is_named(tmp_path: Path) -> None:
    (tmp_path / "health.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"health\.jsonl:1"):
        kept(tmp_path)
