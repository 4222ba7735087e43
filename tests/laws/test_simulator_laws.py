"""The simulator against a slow one and against queueing theory. Tolerances are argued where they stand.

The first test that runs the compiled loop compiles it, which takes 20 s of CPU; later ones, and later runs, take it from disk.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Fate
from gelombang.distribution import Fixed
from gelombang.histogram import bucket_middles_us
from gelombang.loading import load_profile, load_scenario
from gelombang.profile import Profile
from gelombang.record import read_record, write_record
from gelombang.scale import Scale
from gelombang.scenario import Backoff, Persona, Scenario
from gelombang.seeds import Purpose, unit_array
from gelombang_capacity.costs import Costs
from gelombang_capacity.endings import Ending
from gelombang_capacity.metastability import Trial, walk
from gelombang_capacity.simulation import Simulated, Simulation, record_of, simulate
from gelombang_capacity.slow import SlowSimulator
from gelombang_capacity.station import COMMITS, commit_all, serve_all
from gelombang_capacity.world import CHANGE
from support import small_scenario
from support.made_run import rising

pytestmark = pytest.mark.timeout(1_800)

SIGMA = 0.6
NOBODY_TRIES_AGAIN = {"persist_ratio": 0.0, "persist_later_ratio": 0.0, "return_ratio": 0.0}


def simulated(
    scenario: Scenario, profile: Profile, scale: Scale, for_seconds: float, seed: int = 1, trace_rows: int = 0, costs: Costs | None = None
) -> Simulated:
    order = Simulation(scenario, profile, scale, seed, for_seconds, "run", "2020-04-11T12:00:00+00:00", costs=costs or Costs())
    return simulate(order, trace_rows)


def stalled(profile: Profile) -> Profile:
    stalls = [{"at_seconds": 900.0, "for_seconds": 300.0, "bandwidth_ratio": 0.1}]
    return Profile.model_validate({**profile.model_dump(), "store": {**profile.store.model_dump(), "stalls": stalls}})


def tight(profile: Profile) -> Profile:
    """Every bound that an ordinary run never meets: bodies, registry, capacity, few turns with a line."""
    store = {**profile.store.model_dump(), "turns_limit": 100, "queue_limit": 800, "capacity_bytes": 4_000_000_000}
    uploads = {**profile.uploads.model_dump(), "bodies_limit": 2_000, "answer_within_seconds": 20.0}
    registry = {**profile.registry.model_dump(), "queue_limit": 4_000}
    return Profile.model_validate({**profile.model_dump(), "store": store, "uploads": uploads, "registry": registry})


def unchanged(profile: Profile) -> Profile:
    return profile


@pytest.mark.parametrize("name", ["april-2020", "hardened"])
@pytest.mark.parametrize("change", [unchanged, stalled, tight])
def test_the_compiled_simulator_tells_every_attempt_as_the_slow_one_does(name: str, change: Callable[[Profile], Profile]) -> None:
    costs = Costs(
        api_spread=rising(0.001, 0.004),
        api_after_seconds=0.0009,
        ticket_spread=rising(0.001, 0.003),
        commit_spread=rising(0.001, 0.009),
        answers={"account": rising(0.0, 0.002), "otp": rising(0.001, 0.1), "ktp": rising(0.0, 0.01)},
        round_trip_from_seconds=0.001,
    )
    found = simulated(
        load_scenario("opening-hour"),
        change(load_profile(name)),
        Scale(Fraction(1, 200), 60.0, 0.1),
        3_600.0,
        seed=11,
        trace_rows=50_000,
        costs=costs,
    )
    slow = SlowSimulator(found.plan, 11, costs)
    slow.run()
    rows = found.world.trace[: found.world.site[0]["traced"]]
    assert len(rows) > 3_000
    fast = sorted(tuple(int(value) for value in row) for row in rows)
    assert fast == sorted(tuple(told) for told in slow.told)


def mixed() -> Scenario:
    """The opening hour with every kind of people, but second tabs: libraries' fixed waits, a back-off, who does not listen, few tries."""
    hour = load_scenario("opening-hour")
    kinds: list[tuple[str, float, dict[str, object]]] = [
        ("impatient", 0.3, {"page_seconds": Fixed(value=4.0), "upload_seconds": Fixed(value=15.0), "obeys_told_time": False}),
        ("library", 0.7, {"retry_delays_seconds": [0.0, 1.0, 3.0, 5.0]}),
        ("backs-off", 1.1, {"backoff": Backoff(first_seconds=1.0, longest_seconds=600.0)}),
        ("returns", 0.6, {"persist_ratio": 0.0, "persist_later_ratio": 0.0, "away_seconds": Fixed(value=900.0)}),
        ("tries-thrice", 0.4, {"attempts_limit": 3}),
    ]
    personas = [Persona(name=name, weight=weight, patience=hour.patience.model_copy(update=changed)) for name, weight, changed in kinds]
    return hour.model_copy(update={"persona": personas})


@pytest.mark.parametrize("name", ["april-2020", "hardened"])
def test_the_compiled_simulator_tells_every_attempt_of_every_persona_as_the_slow_one_does(name: str) -> None:
    found = simulated(mixed(), load_profile(name), Scale(Fraction(1, 200), 60.0, 0.1), 3_600.0, seed=12, trace_rows=200_000)
    slow = SlowSimulator(found.plan, 12, Costs())
    slow.run()
    rows = found.world.trace[: found.world.site[0]["traced"]]
    assert 3_000 < len(rows) < 200_000
    assert set(found.world.people["persona"][: len(slow.people)]) == set(range(5))
    assert sorted(tuple(int(value) for value in row) for row in rows) == sorted(tuple(told) for told in slow.told)


@pytest.mark.parametrize("name", ["april-2020", "hardened"])
def test_a_simulated_record_keeps_every_law_of_a_record(name: str, tmp_path: Path) -> None:
    found = simulated(load_scenario("opening-hour"), load_profile(name), Scale(Fraction(1, 200)), 3_600.0)
    write_record(tmp_path, record_of(found, tmp_path, {}))
    record = read_record(tmp_path)
    assert record.kind == "simulated"
    assert sum(record.windows.started) == record.people_planned
    assert all(sum(record.windows.passed[step.step]) == step.people_passed for step in record.steps)
    assert record.uploads is not None
    assert sum(map(sum, record.windows.upload_where.values())) == record.uploads.attempts
    inside = record.fates["waiting"] + record.fates["cut"]
    assert record.windows.people_waiting[-1] == inside


def photo_site(**store: object) -> Profile:
    """april-2020 with a store of 1 MB/s and nothing else that could hold anybody up."""
    site = load_profile("april-2020").model_dump()
    site["store"] |= {"bandwidth_bytes_per_second": 1e6, "commit_bytes": 0, "latency_seconds": 0.0, "turns_limit": 1_000_000} | store
    site["uploads"] |= {"photo_limit_bytes": 1 << 40, "answer_within_seconds": 1e6, "bodies_limit": 1_000_000}
    return Profile.model_validate(site)


def photo_crowd(per_second: float, for_seconds: float, uplink: float, mean_bytes: float = 1e6) -> Scenario:
    """Poisson arrivals of one photo each, lognormal sizes, endless patience; nobody tries again."""
    crowd = small_scenario.scenario(
        small_scenario.KTP,
        arrivals_per_second=per_second,
        for_seconds=for_seconds,
        drain_seconds=0.0,
        upload_seconds={"value": 1e6},
        **NOBODY_TRIES_AGAIN,
    ).model_dump()
    size = {"median": mean_bytes / math.exp(SIGMA**2 / 2), "sigma": SIGMA}
    crowd["people"]["photos"]["ktp"]["first_bytes"] = size
    crowd["people"]["line"]["uplink_bytes_per_second"] = {"value": uplink}
    return Scenario.model_validate(crowd)


def test_a_shared_store_keeps_people_as_long_as_processor_sharing_does() -> None:
    """M/G/1-PS: mean time = S / (1 - rho) for any sizes (Kleinrock 1967). 60,000 people at rho 0.6: the standard error is about 1 %."""
    found = simulated(photo_crowd(0.6, 100_000.0, 1e12), photo_site(), Scale(), 100_000.0)
    rows = found.world.response[0].sum(axis=0)
    mean_seconds = float((rows * bucket_middles_us()).sum() / rows.sum()) / 1e6
    assert mean_seconds == pytest.approx(1.0 / (1 - 0.6), rel=0.06)


def test_a_store_with_few_turns_turns_away_as_many_as_theory_says() -> None:
    """M/G/1/K-PS: blocked = (1 - r) r^K / (1 - r^(K+1)), for any sizes. 60,000 people, correlated over tens: s.d. about 0.004."""
    load, turns = 0.9, 5
    found = simulated(photo_crowd(load, 70_000.0, 1e12), photo_site(turns_limit=turns, queue_limit=0), Scale(), 70_000.0)
    blocked = found.world.endings[Ending.PLACES_FULL].sum() / found.world.endings.sum()
    assert blocked == pytest.approx((1 - load) * load**turns / (1 - load ** (turns + 1)), abs=0.015)


def test_bodies_are_lost_as_by_erlangs_formula() -> None:
    """Erlang B for any sizes: 8 bodies, 6 erlang offered. 60,000 people: s.d. about 0.004."""
    bodies, offered = 8, 6.0
    site = photo_site(bandwidth_bytes_per_second=1e15).model_dump()
    site["uploads"]["bodies_limit"] = bodies
    found = simulated(photo_crowd(offered / 10.0, 100_000.0, 1e5), Profile.model_validate(site), Scale(), 100_000.0)
    lost = found.world.endings[Ending.BODIES_FULL].sum() / found.world.endings.sum()
    assert lost == pytest.approx(erlang_b(bodies, offered), abs=0.015)


def test_as_many_people_are_inside_as_littles_law_says() -> None:
    """L = lambda W: 2 people a second think for 100 s, so 200 are inside; over 90 windows the mean has an s.d. of about 2."""
    home = {**small_scenario.HOME, "think_seconds": {"value": 100.0}}
    crowd = small_scenario.scenario(small_scenario.ACCOUNT, home, arrivals_per_second=2.0, for_seconds=6_000.0, drain_seconds=0.0)
    found = simulated(crowd, load_profile("hardened"), Scale(), 6_000.0)
    inside = np.cumsum(found.world.by_window[CHANGE])[10:]
    assert float(inside.mean()) == pytest.approx(200.0, abs=8.0)


def erlang_b(servers: int, offered: float) -> float:
    lost = 1.0
    for n in range(1, servers + 1):
        lost = offered * lost / (n + offered * lost)
    return lost


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (2, 0.8), (8, 0.8)])
def test_a_station_keeps_people_waiting_as_erlang_c_says(servers: int, load: float) -> None:
    """M/M/c: mean wait = C / (c mu - lambda); c = 1 is M/M/1. 400,000 requests at these loads: the standard error is below 2 %."""
    people = np.arange(400_000, dtype=np.int64)
    mean_us = 10_000.0
    gaps = -np.log(unit_array(5, people, Purpose.ARRIVAL)) * mean_us / (servers * load)
    services = np.round(-np.log(unit_array(5, people, Purpose.THINK)) * mean_us).astype(np.int64)
    arrivals = np.cumsum(gaps).astype(np.int64)
    waits = serve_all(servers, arrivals, services) - services - arrivals
    offered = servers * load
    blocked = erlang_b(servers, offered)
    waiting = blocked / (1 - load * (1 - blocked))
    assert float(waits.mean()) == pytest.approx(waiting * mean_us / (servers * (1 - load)), rel=0.08)
    assert float((waits > 0).mean()) == pytest.approx(waiting, abs=0.02)


def test_an_answer_is_there_before_its_requests_cpu_is_spent_and_the_next_one_waits_for_all_of_it() -> None:
    """M/D/1: mean wait = rho S / (2 (1 - rho)) by Pollaczek and Khinchine, S being all of a request's CPU; then the handler's part of S.
    60,000 people at rho 0.6: the standard error is about 1 %, and the histogram's middles are as much off."""
    cpu, after, per_second = 0.006, 0.004, 100.0
    crowd = small_scenario.scenario(small_scenario.HOME, arrivals_per_second=per_second, for_seconds=600.0, drain_seconds=0.0)
    costs = Costs(api_seconds=cpu, api_after_seconds=after, round_trip_from_seconds=1e3)
    found = simulated(crowd, load_profile("hardened"), Scale(), 600.0, costs=costs)
    rows = found.world.response[0].sum(axis=0)
    mean_seconds = float((rows * bucket_middles_us()).sum() / rows.sum()) / 1e6
    busy = per_second * cpu
    assert mean_seconds == pytest.approx(busy * cpu / (2 * (1 - busy)) + cpu - after, rel=0.06)


@pytest.mark.parametrize("busy", [0.02, 0.5, 20.0])
def test_a_database_commits_together_those_who_come_while_it_commits(busy: float) -> None:
    """Against a writer that takes all who have come, one transaction after the other; and at the ends against theory: alone a write takes
    its own transaction, in a crowd half of one under way (it comes anywhere inside it) and its own."""
    commit_us = 1_000
    gaps = np.random.default_rng(3).exponential(commit_us / busy, 20_000)
    arrivals = np.cumsum(gaps).astype(np.int64)
    done = commit_all(np.zeros(1, dtype=COMMITS), arrivals, np.full(len(arrivals), commit_us, dtype=np.int64))
    at, expected = 0, []
    first = 0
    while first < len(arrivals):
        at = max(at, int(arrivals[first]))
        past = max(first + 1, int(np.searchsorted(arrivals, at, side="left")))
        at += commit_us
        expected += [at] * (past - first)
        first = past
    assert np.mean(done == np.array(expected)) > 0.999  # two that come in one microsecond may be told apart
    mean = float(np.mean(done - arrivals)) / commit_us
    if busy == 0.02:
        assert mean == pytest.approx(1.0, abs=0.02)
    if busy == 20.0:
        assert mean == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_after_a_short_stall_the_site_of_april_stays_down_and_it_is_the_retries_that_keep_it_there(seed: int) -> None:
    """Metastable: warm at 0.7 of what the store carries, a stall of five minutes, the same load for two hours, then stairs down. The harm
    outlives its cause and ends only at a fraction of the load; without the cause, or with nobody trying again, the site is well."""
    scenario, site, scale = load_scenario("opening-hour"), load_profile("april-2020"), Scale(Fraction(3, 10))
    quiet, stuck = (walk(scenario, site, Trial(0.7, stall, True), scale, seed) for stall in (0.0, 300.0))
    calm, freed = (walk(scenario, site, Trial(0.7, stall, False), scale, seed) for stall in (0.0, 300.0))
    assert quiet.passed_after_ratio > 0.9
    assert stuck.passed_before_ratio > 0.9
    assert stuck.well_after_seconds is None
    assert stuck.passed_after_ratio < 0.5
    assert stuck.well_on_stair is None or stuck.well_on_stair < 0.75
    assert freed.well_after_seconds is not None
    assert freed.passed_after_ratio > 0.95 * calm.passed_after_ratio


def test_a_store_with_one_turn_whose_people_keep_leaving_loses_no_row_of_its_table() -> None:
    """Who leaves the only turn while others stand in line gives their row back: every row is free, in the line, or in the heap."""
    crowd = load_scenario("opening-hour").model_dump(by_alias=True)
    crowd["patience"]["upload_seconds"] = {"value": 30.0}
    crowd["patience"]["upload_progress_ratio"] = 1.0
    site = load_profile("hardened").model_dump()
    site["store"] |= {"turns_limit": 1, "bandwidth_bytes_per_second": 1e6}
    found = simulated(Scenario.model_validate(crowd), Profile.model_validate(site), Scale(Fraction(1, 20)), 3_600.0)
    assert found.world.endings[Ending.LEFT_STORE].sum() > 2 * len(found.world.jobs)
    store, jobs = found.world.store[0], found.world.jobs
    free, row = 0, int(store["free"])
    while row >= 0:
        free, row = free + 1, int(jobs[row]["after"])
    assert free + int(store["heap"]) + int(store["waiting"]) == len(jobs)


def test_everybody_has_one_fate_whatever_the_length_of_the_run() -> None:
    for for_seconds in (60.0, 600.0, 3_000.0):
        found = simulated(load_scenario("opening-hour"), load_profile("april-2020"), Scale(Fraction(1, 100)), for_seconds)
        assert found.world.fates.sum() == len(found.plan.due_us)
        assert found.world.fates[Fate.OPEN] == 0
