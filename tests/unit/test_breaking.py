"""Was a load carried, and what broke first."""

from gelombang.loading import load_scenario
from gelombang.record import Doubt, Judgement, RunRecord, Validity
from gelombang_capacity.breaking import broken_words, doubt_words, first_broken, growths
from support.records import collapsing, hardened

SCENARIO = load_scenario("opening-hour")


def with_flow(record: RunRecord, kept_ratio: float) -> RunRecord:
    """Everybody passes each step at once, but a share of those who come to the KTP photo stay there."""
    windows = record.windows
    count = len(windows.offered)
    passed = {step.step: [100] * count for step in record.steps}
    past = round(100 * (1 - kept_ratio))
    for step in ("ktp", "selfie", "test-start", "test", "join"):
        passed[step] = [past] * count
    return record.model_copy(update={"windows": windows.model_copy(update={"passed": passed, "started": [100] * count}), "objectives": []})


def test_people_who_gather_at_a_step_without_end_are_growth() -> None:
    found = {growth.step: growth for growth in growths(with_flow(hardened(), 0.3), SCENARIO)}
    assert found["ktp"].is_growth
    assert not found["account"].is_growth
    assert "ktp grows by 30%" in " ".join(broken_words(with_flow(hardened(), 0.3), SCENARIO))


def test_a_step_that_lets_all_through_does_not_grow() -> None:
    assert broken_words(with_flow(hardened(), 0.0), SCENARIO) == []


def test_what_broke_first_is_named_with_its_stage() -> None:
    words = first_broken(collapsing(), SCENARIO)
    assert "ktp" in words
    assert "ended in stage admission (upload_failed)" in words


def test_where_nothing_failed_and_nothing_grew_the_steps_of_the_missed_objective_broke_first() -> None:
    objective = next(each for each in SCENARIO.objective if each.step)
    late = Judgement(name=objective.name, passed=False, wanted="1 s", found="3.6 s at the 95 % point")
    record = with_flow(hardened(), 0.0)
    well = record.windows.model_copy(update={"ok": record.windows.ended})
    record = record.model_copy(update={"objectives": [late], "windows": well})
    assert first_broken(record, SCENARIO) == f"{', '.join(objective.step or ())}: 3.6 s at the 95 % point"
    assert first_broken(record.model_copy(update={"objectives": []}), SCENARIO) == ""


def test_doubts_are_reasons_not_to_count_and_an_early_end_by_the_search_itself_is_none() -> None:
    cut = Doubt(name="cut-short", severity=Validity.SUSPECT, evidence="stopped", what_to_do="-")
    remark = Doubt(name="lumpy-shares", severity=Validity.VALID, evidence="small", what_to_do="-")
    record = hardened().model_copy(update={"doubts": [cut, remark]})
    assert doubt_words(record, stopped_by_us=True) == []
    assert doubt_words(record, stopped_by_us=False) == ["cut-short: stopped"]
