"""Doubts: each limit, on both sides of it."""

import numpy as np
import pytest

from gelombang.record import GeneratorDeath, Quantiles, Validity
from gelombang.runplan import ScaleNumbers
from gelombang.summary import RunFacts, summarise
from gelombang.validity import find_doubts, validity_of
from support.run_folder import RunFolder, profile_of, scenario_of

SCENARIO = scenario_of()
PROFILE = profile_of()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A run of 10 people, all sent, in which nothing is wrong but that it is small."""
    run = RunFolder(tmp_path_factory.mktemp("run"), sample="1/20").everybody().write()
    return summarise(run.path, run.plan, run.profile, RunFacts("now"), due_us=run.due_us())


def doubts(record, costs=None, profile=PROFILE, due_us=None, **host):
    record = record.model_copy(update={"host": record.host.model_copy(update=host)})
    found = find_doubts(record, SCENARIO, profile, costs or {}, np.array([1]) if due_us is None else due_us)
    return {doubt.name: doubt.severity for doubt in found if doubt.name != "few-samples"}


def late(seconds):
    return Quantiles(samples=1_000, p50_seconds=0.0, p90_seconds=0.0, p99_seconds=seconds, max_seconds=seconds)


def test_a_calm_run_has_no_doubts(calm):
    assert doubts(calm) == {}


def test_the_worst_doubt_decides(calm):
    assert validity_of([]) is Validity.VALID
    found = find_doubts(
        calm.model_copy(update={"host": calm.host.model_copy(update={"lateness": late(0.2), "generator_busy_seconds": 9.0})}),
        SCENARIO, PROFILE, {}, np.array([1]),
    )  # fmt: skip
    assert validity_of(found) is Validity.INVALID
    assert [doubt.severity for doubt in found][:2] == [Validity.INVALID, Validity.SUSPECT]
    assert all(doubt.evidence and doubt.what_to_do for doubt in found)


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ({"lateness": late(0.005), "hook": late(0.005)}, {}),
        ({"hook": late(0.0051)}, {"slow-hook": Validity.SUSPECT}),
        ({"lateness": late(0.0051)}, {"late-generator": Validity.SUSPECT}),
        ({"lateness": late(0.050)}, {"late-generator": Validity.SUSPECT}),
        ({"lateness": late(0.051)}, {"late-generator": Validity.INVALID}),
        ({"loop_late_max_seconds": 0.09}, {}),
        ({"loop_late_max_seconds": 0.11}, {"stalled-generator": Validity.SUSPECT}),
        ({"generator_busy_seconds": 5.0}, {}),
        ({"generator_busy_seconds": 6.0}, {"busy-generator": Validity.SUSPECT}),
        ({"machine_busy_ratio": 0.10}, {}),
        ({"machine_busy_ratio": 0.11}, {"busy-machine": Validity.SUSPECT}),
        ({"generator_exceptions": 1}, {"generator-exception": Validity.INVALID}),
        ({"generators_died": 1}, {"generator-died": Validity.INVALID}),
        ({"clock_error_seconds": 0.005}, {}),
        ({"clock_error_seconds": 0.006}, {"clocks-apart": Validity.SUSPECT}),
        ({"generator_processes": 2, "cores": 2}, {}),
        ({"generator_processes": 3, "cores": 2}, {"more-generators-than-cores": Validity.SUSPECT}),
        ({"generator_processes": 3, "cores": 2, "clock_error_seconds": 0.001}, {}),
        ({"gc_pause_max_seconds": 0.05}, {}),
        ({"gc_pause_max_seconds": 0.06}, {"collector-pause": Validity.SUSPECT}),
        ({"crowded_ratio": 0.1}, {}),
        ({"crowded_ratio": 0.11}, {"crowded-machine": Validity.SUSPECT}),
        ({"sockets_ratio": 0.9}, {}),
        ({"sockets_ratio": 0.91}, {"few-sockets": Validity.SUSPECT}),
        ({"ports_ratio": 0.8}, {}),
        ({"ports_ratio": 0.81}, {"few-ports": Validity.SUSPECT}),
        ({"kernel_drops_ratio": 0.001}, {}),
        ({"kernel_drops_ratio": 0.002}, {"kernel-drops": Validity.SUSPECT}),
        ({"retransmitted_ratio": 0.01}, {}),
        ({"retransmitted_ratio": 0.02}, {"retransmits": Validity.VALID}),
        ({"servers_died": 1}, {"server-died": Validity.SUSPECT}),
    ],
)
def test_limits_of_the_host(calm, host, wanted):
    assert doubts(calm, **host) == wanted


def test_unsent_people_are_suspect_and_more_than_one_percent_invalid(calm):
    few = calm.model_copy(update={"people_planned": 1_000, "fates": {**calm.fates, "unsent": 10}})
    assert doubts(few) == {"unsent-people": Validity.SUSPECT}
    many = calm.model_copy(update={"people_planned": 1_000, "fates": {**calm.fates, "unsent": 11}})
    assert doubts(many) == {"unsent-people": Validity.INVALID}


def test_people_due_after_a_stop_are_unsent_by_order(calm):
    cut = calm.model_copy(update={"cut_short": True, "ended_seconds": 60.0, "fates": {**calm.fates, "unsent": 2}})
    assert doubts(cut, due_us=np.array([500_000, 1_500_000, 2_000_000])) == {"cut-short": Validity.SUSPECT}
    assert "unsent-people" in doubts(cut, due_us=np.array([500_000, 600_000, 2_000_000]))


def test_large_figures_are_written_out(calm):
    (doubt,) = (d for d in find_doubts(
        calm.model_copy(update={"host": calm.host.model_copy(update={"lateness": late(2.8017)})}), SCENARIO, PROFILE, {}, np.array([1])
    ) if d.name == "late-generator")  # fmt: skip
    assert doubt.evidence.startswith("1 % of people started 2,802 ms or more after they were due; want at most 5 ms")


def test_real_cost_may_be_a_tenth_of_the_patience_for_a_page(calm):
    assert doubts(calm, costs={"account": 1.19, "data": 0.1}) == {}
    found = find_doubts(calm, SCENARIO, PROFILE, {"account": 1.21, "data": 0.1}, np.array([1]))
    assert "half of the attempts at account took the server 1.21 s" in next(d.evidence for d in found if d.name == "real-cost")


def test_at_full_size_and_speed_real_cost_is_what_the_site_takes_and_no_doubt(calm):
    full = calm.model_copy(update={"scale": ScaleNumbers()})
    assert "real-cost" not in doubts(full, costs={"account": 11.0})
    assert "real-cost" in doubts(calm.model_copy(update={"scale": ScaleNumbers(speed=2.0)}), costs={"account": 11.0})


def test_counts_that_the_scale_rounds_by_more_than_a_tenth_are_suspect(calm):
    coarse = calm.model_copy(update={"scale": ScaleNumbers(sample="1/1000", speed=60.0, bytes_ratio=0.1)})
    assert doubts(coarse)["rounding"] is Validity.SUSPECT
    assert "rounding" not in doubts(coarse, profile=None)


def test_a_small_sample_is_a_remark_and_keeps_the_run_valid(calm):
    small = calm.model_copy(update={"scale": ScaleNumbers(sample="1/50", speed=60.0, bytes_ratio=0.1)})
    assert doubts(small) == {"lumpy-shares": Validity.VALID}
    assert validity_of(find_doubts(small, SCENARIO, PROFILE, {}, np.array([1]))) is not Validity.INVALID


def test_a_quantile_of_too_few_samples_is_a_remark_or_a_doubt(calm):
    def severity(samples):
        steps = [calm.steps[0].model_copy(update={"response": late(1.0).model_copy(update={"samples": samples})})]
        found = find_doubts(calm.model_copy(update={"steps": steps}), SCENARIO, PROFILE, {}, np.array([1]))
        return [doubt.severity for doubt in found if doubt.name == "few-samples"]

    assert severity(99) == [Validity.SUSPECT]
    assert severity(101) == [Validity.VALID]
    assert severity(1_001) == []


def test_one_end_alone_is_a_remark(calm):
    assert doubts(calm.model_copy(update={"coverage": "client only"})) == {"one-end": Validity.VALID}


def test_a_death_is_suspect_while_others_go_on_and_invalid_when_nobody_is_left(calm):
    death = GeneratorDeath(process=1, how="was killed by SIGKILL", at_seconds=9.0, cut=2, unsent=1, taken_over=3, living=2)
    fates = {**calm.fates, "unsent": 1}
    died = calm.model_copy(update={"people_planned": 100, "fates": fates})
    assert doubts(died, deaths=[death], generators_died=1) == {"generator-died": Validity.SUSPECT}
    alone = death.model_copy(update={"living": 0})
    assert doubts(died, deaths=[alone], generators_died=1) == {"generator-died": Validity.INVALID}
    two = calm.model_copy(update={"people_planned": 100, "fates": {**calm.fates, "unsent": 3}})
    assert doubts(two, deaths=[death], generators_died=1)["unsent-people"] is Validity.INVALID
