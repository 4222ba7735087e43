"""The simulator beside SimPy and Ciw on one same small model, and on the surge itself: `make bench-simulator`.

python -m simulator_bench [--people N] [--rounds N] [--surge]

The small model is M/D/1: people arrive at random, one at a time, and each has one request that one server takes 0.4 ms for, at a load of
0.8. All of them walk the same number of people; the mean time in the system must be that of Pollaczek and Khinchine, W = s (1 + rho / (2
(1 - rho))), or the row is void. CPU seconds of this process, compile time apart, median over the rounds, the programs in turn. Ours draws
each person's line, patience and thinking besides, and keeps histograms. SimPy and Ciw are no dependencies: `pip install simpy ciw`, or
their rows are skipped.
"""

import argparse
import importlib.util
import resource
import statistics
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from gelombang.histogram import bucket_middles_us
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang_capacity.costs import Costs
from gelombang_capacity.simulation import Simulation, simulate

SERVICE_SECONDS, LOAD = 0.0004, 0.8
PER_SECOND = LOAD / SERVICE_SECONDS
STARTED_AT = "2020-04-11T12:00:00+00:00"
TOLERANCE = 0.05
Measured = tuple[float, float]
"""CPU seconds, mean seconds in the system."""


def _spent() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours(people: int) -> Measured:
    for_seconds = people / PER_SECOND
    scenario = _one_request(for_seconds)
    order = Simulation(
        scenario, load_profile("hardened"), Scale(), 1, for_seconds, "bench", STARTED_AT, costs=Costs(api_seconds=SERVICE_SECONDS)
    )
    began = _spent()
    found = simulate(order)
    spent = _spent() - began
    rows = found.world.response[0].sum(axis=0)
    return spent, float((rows * bucket_middles_us()).sum() / rows.sum()) / 1e6


def with_simpy(people: int) -> Measured:
    import simpy

    chance = np.random.default_rng(1)
    gaps = chance.exponential(1 / PER_SECOND, people)
    environment = simpy.Environment()
    server = simpy.Resource(environment, 1)
    total = [0.0]

    def person() -> Iterator[simpy.Event]:
        came = environment.now
        with server.request() as turn:
            yield turn
            yield environment.timeout(SERVICE_SECONDS)
        total[0] += environment.now - came

    def arrivals() -> Iterator[simpy.Event]:
        for gap in gaps:
            yield environment.timeout(gap)
            environment.process(person())

    began = _spent()
    environment.process(arrivals())
    environment.run()
    return _spent() - began, total[0] / people


def with_ciw(people: int) -> Measured:
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(PER_SECOND)],
        service_distributions=[ciw.dists.Deterministic(SERVICE_SECONDS)],
        number_of_servers=[1],
    )
    ciw.seed(1)
    began = _spent()
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(people, method="Finish")
    spent = _spent() - began
    records = simulation.get_all_records()
    return spent, sum(each.exit_date - each.arrival_date for each in records) / len(records)


def _one_request(for_seconds: float) -> Scenario:
    """One request, at once, over a line without length, by people who wait."""
    crowd = load_scenario("opening-hour").model_dump(by_alias=True)
    crowd["journey"] = [{"step": "home", "form": "request", "method": "GET", "path": "/", "on": {"ok": "fate:finished"}}]
    crowd["arrivals"] = {"phases": [{"form": "hold", "for_seconds": for_seconds, "start_per_second": PER_SECOND}]}
    crowd["people"]["line"] |= {"round_trip_seconds": {"value": 0.0}, "fixed_round_trip_seconds": {"value": 0.0}}
    crowd["patience"]["page_seconds"] = {"value": 1e6}
    return Scenario.model_validate(crowd | {"objective": [], "expect": {}, "drain_seconds": 1.0})


PROGRAMS: dict[str, tuple[str, Callable[[int], Measured]]] = {
    "gelombang": ("", ours),
    "SimPy": ("simpy", with_simpy),
    "Ciw": ("ciw", with_ciw),
}


def small_model(people: int, rounds: int) -> None:
    theory = SERVICE_SECONDS * (1 + LOAD / (2 * (1 - LOAD)))
    ours(1_000)  # compiles
    spent: dict[str, list[float]] = {}
    means: dict[str, float] = {}
    for _ in range(rounds):
        for name, (module, program) in PROGRAMS.items():
            if module and importlib.util.find_spec(module) is None:
                continue
            seconds, means[name] = program(people)
            spent.setdefault(name, []).append(seconds)
    print(f"M/D/1, load {LOAD}, {people:,} people, {rounds} rounds; mean time in system by theory {1e6 * theory:.0f} us")
    for name, (module, _) in PROGRAMS.items():
        if name not in spent:
            print(f"  {name:10} skipped: {module} is not installed (pip install {module})")
            continue
        middle = statistics.median(spent[name])
        is_right = abs(means[name] / theory - 1) < TOLERANCE
        ratio = middle / statistics.median(spent["gelombang"])
        print(
            f"  {name:10} {middle:8.2f} s CPU ({min(spent[name]):.2f} to {max(spent[name]):.2f}), {people / middle:12,.0f} people/s, "
            f"{ratio:6.1f} x ours; mean {1e6 * means[name]:.0f} us{'' if is_right else ': WRONG, the row is void'}"
        )


def surge() -> None:
    """1,432,133 people of 21 hours at full size."""
    for name in ("hardened", "april-2020"):
        scenario, profile = load_scenario("surge-2020"), load_profile(name)
        simulate(Simulation(scenario, profile, Scale(Fraction(1, 1_000)), 1, 3_600.0, "bench", STARTED_AT))
        began = _spent()
        found = simulate(Simulation(scenario, profile, Scale(), 1, 75_600.0, "bench", STARTED_AT))
        spent = _spent() - began
        events, memory = int(found.world.site[0]["events"]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        each = 1e9 * spent / events
        print(f"  {name:10} {len(found.plan.due_us):,} people, {events:,} events: {spent:.1f} s CPU, {each:.0f} ns each, {memory:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--surge", action="store_true", help="the surge as well: some minutes")
    asked = parser.parse_args()
    small_model(asked.people, asked.rounds)
    if asked.surge:
        surge()


if __name__ == "__main__":
    main()
