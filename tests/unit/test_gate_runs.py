"""One run against another: records made by hand, histograms drawn."""

import numpy as np
import pytest

from gelombang.errors import ExitCode, InputError
from gelombang.histogram import Histogram
from gelombang.record import Judgement, RunRecord, Validity
from gelombang.segments import Segments
from gelombang_gates.runs import Budgets, Compared, GatedRun, RunsCompared, UntrustedRunError, compare_runs
from gelombang_gates.sequence import Judged
from support.records import doubtful, hardened

BUDGETS = Budgets(time=0.1, share=0.01)


def segments(record: RunRecord, seed: int, slower: dict[str, float], samples: int = 8_000) -> Segments:
    """Lognormal response times of every step."""
    chance = np.random.default_rng(seed)
    made = Segments(steps=[step.step for step in record.steps])
    for step in record.steps:
        times = chance.lognormal(11, 0.4, samples if step.attempts else 0) * slower.get(step.step, 1.0)
        made.response[step.step] = Histogram.of(times.astype(np.int64))
    return made


def run(
    name: str, record: RunRecord | None = None, slower: dict[str, float] | None = None, seed: int = 1, samples: int = 8_000
) -> GatedRun:
    record = hardened() if record is None else record
    return GatedRun(name, record, segments(record, seed, slower or {}, samples))


def compared(second: GatedRun) -> RunsCompared:
    return compare_runs(run("A"), second, BUDGETS)


def failed(found: RunsCompared) -> list[Compared]:
    return [row for row in found.rows if row.judged is Judged.FAIL]


def test_another_run_of_the_same_thing_is_no_worse() -> None:
    assert not failed(compared(run("B", seed=2)))


def test_a_step_that_became_a_third_slower_is_named_with_the_quantiles_and_no_other() -> None:
    rows = failed(compared(run("B", slower={"data": 1.35}, seed=2)))
    assert {row.step for row in rows} == {"data"}
    assert "response p50" in {row.what for row in rows}


def test_a_slower_tail_alone_is_found() -> None:
    second = run("B", seed=2)
    chance = np.random.default_rng(3)
    times = chance.lognormal(11, 0.4, 8_000)
    times[:250] *= 20
    second.segments.response["otp"] = Histogram.of(times.astype(np.int64))
    rows = failed(compared(second))
    assert {(row.step, row.what) for row in rows} == {("otp", "response p99")}


def test_few_samples_are_undecided_and_no_pass() -> None:
    found = compare_runs(run("A", samples=20), run("B", seed=2, samples=20), BUDGETS)
    assert found.judged is Judged.INCONCLUSIVE


def test_a_step_without_samples_in_one_run_is_a_failure() -> None:
    record = hardened()
    steps = [step.model_copy(update={"attempts": 0, "outcomes": {}}) if step.step == "test" else step for step in record.steps]
    rows = failed(compared(run("B", record.model_copy(update={"steps": steps}))))
    assert [row.what for row in rows if row.step == "test"] == ["samples"]


def test_two_runs_without_any_samples_fail() -> None:
    bare = hardened().model_copy(update={"steps": [], "objectives": []})
    found = compare_runs(run("A", bare), run("B", bare), BUDGETS)
    assert found.judged is Judged.FAIL
    assert "nothing to compare" in found.rows[0].words


def test_attempts_that_go_wrong_more_often_are_found() -> None:
    record = hardened()
    steps = []
    for step in record.steps:
        outcomes = dict(step.outcomes)
        if step.step == "account":
            moved = outcomes["ok"] // 5
            outcomes["ok"] -= moved
            outcomes["failed"] = outcomes.get("failed", 0) + moved
        steps.append(step.model_copy(update={"outcomes": outcomes}))
    rows = failed(compared(run("B", record.model_copy(update={"steps": steps}))))
    assert {(row.step, row.what) for row in rows} == {("account", "attempts gone wrong")}


def test_people_who_are_lost_and_tries_that_are_needed_are_found() -> None:
    record = hardened()
    changed = {"selfie": {"people_passed": 10}, "data": {"people_reached": 2_000}}
    steps = [step.model_copy(update=changed.get(step.step, {})) for step in record.steps]
    found = {(row.step, row.what) for row in failed(compared(run("B", record.model_copy(update={"steps": steps}))))}
    assert ("selfie", "people not past it") in found
    assert ("data", "tries per person") in found


def test_an_objective_that_held_and_fails_now_is_a_failure() -> None:
    [row] = objectives_compared([(True, False)])
    assert (row.judged, row.words) == (Judged.FAIL, "held in A and fails in B: so many")


def objectives_compared(passed: list[tuple[bool | None, bool | None]], only_in_b: list[bool] | None = None) -> list[Compared]:
    """Of objectives that did so in A and B."""

    def judged(*all_passed: bool | None) -> RunRecord:
        made = [Judgement(name=f"number {n}", passed=own, wanted="all", found="so many") for n, own in enumerate(all_passed)]
        return hardened().model_copy(update={"objectives": made})

    first, second = judged(*(a for a, _ in passed)), judged(*(b for _, b in passed), *(only_in_b or []))
    found = compare_runs(run("A", first), run("B", second, seed=2), BUDGETS)
    return [row for row in found.rows if row.what.startswith("objective ")]


def test_an_objective_that_failed_before_is_no_worse_for_failing_again_and_a_new_one_must_hold() -> None:
    assert objectives_compared([(False, False), (None, None), (True, True), (False, True)], [True]) == []
    [row] = objectives_compared([], [False])
    assert (row.judged, row.words) == (Judged.FAIL, "was no objective in A and fails in B: so many")
    [row] = objectives_compared([(None, False)])
    assert (row.what, row.words) == ('objective "number 0"', "was not judged in A and fails in B: so many")


def test_an_objective_that_can_no_longer_be_judged_is_no_pass() -> None:
    [row] = objectives_compared([(True, None)])
    assert (row.judged, row.words) == (Judged.INCONCLUSIVE, "held in A; in B so many")


def test_an_objective_that_vanished_is_refused() -> None:
    without = hardened().model_copy(update={"objectives": hardened().objectives[1:]})
    with pytest.raises(InputError, match=r"B has not the objective '.+' of A; want two runs of one scenario"):
        compared(run("B", without))


@pytest.mark.parametrize("severity", [Validity.SUSPECT, Validity.INVALID])
def test_a_run_that_doubts_itself_is_refused(severity: Validity) -> None:
    with pytest.raises(UntrustedRunError, match=f"B is {severity.value}") as caught:
        compared(run("B", doubtful(hardened(), severity)))
    assert caught.value.exit_code is ExitCode.UNTRUSTED


@pytest.mark.parametrize(
    ("update", "what"),
    [
        ({"scenario": "smoke"}, "the scenario smoke"),
        ({"profile": "april-2020"}, "the profile april-2020"),
        ({"for_seconds": 60.0}, "the length 60 s"),
        ({"scale": hardened().scale.model_copy(update={"speed": 7.0})}, "the scale"),
        ({"host": hardened().host.model_copy(update={"cores": 96})}, "the machine class 96 cores"),
    ],
)
def test_runs_of_different_things_are_refused(update: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=f"B has {what}"):
        compared(run("B", hardened().model_copy(update=update)))
