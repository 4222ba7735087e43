"""One search for the largest load that a site carries, and how it is asked: by a live run, or by the model.

Promise: each run has people of its own, drawn from the search's seed, lies in a folder of its own, and says alike whether its load was
carried, what broke first, and whether it may be believed. Which load is asked next is `gelombang_capacity.limit_search`'s.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from gelombang.arrivals import planned_people
from gelombang.clock import utc_now
from gelombang.curve import rate_of
from gelombang.profile import Profile
from gelombang.record import RunRecord, write_record
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang_capacity.breaking import broken_words, busiest, doubt_words, first_broken
from gelombang_capacity.costs import Costs
from gelombang_capacity.limit_search import Probe, SearchRules
from gelombang_cli.backlog import BacklogWatch
from gelombang_cli.execution import Order, execute
from gelombang_cli.provenance import commit

LONG_TIMES = 2.0
"""How many times as long the confirming hold is."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """One search; run `number` asks whether `load` is carried."""

    scenario: Scenario
    profile: Profile
    scale: Scale
    seed: int
    hold_seconds: float
    server_processes: int
    folder: Path
    rules: SearchRules

    @property
    def per_second(self) -> float:
        """The largest rate of arrivals at load 1, at full size."""
        return float(rate_of(self.scenario.arrivals, self.hold_seconds).per_second.max())

    def live(self, load: float, number: int, is_long: bool) -> Probe:
        """A run against a server that is started for it; it ends early when people pile up."""
        folder = self.folder / f"run-{number:02d}"
        folder.mkdir()
        order = Order(
            scenario=self.scenario,
            scale=replace(self.scale, load=load),
            seed=self._seed(number),
            for_seconds=self._for_seconds(is_long),
            profile=self.profile,
            target_url=None,
            server_processes=self.server_processes,
            generator_processes=1,
            run_id=f"{self.folder.name}-{number:02d}",
            folder=folder,
        )
        people = planned_people(order.scenario, order.scale, order.for_seconds)
        watch = BacklogWatch(folder, people / order.for_seconds, order.for_seconds)
        record = execute(order, watch.take, {})
        return self._probe(record, load, number, is_long, watch.reason)

    def simulated(self, load: float, number: int, is_long: bool, costs: Costs, name: str) -> Probe:
        """The model's answer, where requests cost so much."""
        from gelombang_capacity.simulation import Simulation, record_of, simulate

        folder = self.folder / f"{name}-{number:02d}"
        folder.mkdir()
        scale = replace(self.scale, load=load)
        run_id = f"{self.folder.name}-{name}-{number:02d}"
        made_at = utc_now().isoformat(timespec="seconds")
        for_seconds = self._for_seconds(is_long)
        order = Simulation(self.scenario, self.profile, scale, self._seed(number), for_seconds, run_id, made_at, commit(), costs)
        record = record_of(simulate(order), folder, {})
        write_record(folder, record)
        return self._probe(record, load, number, is_long, "")

    def _for_seconds(self, is_long: bool) -> float:
        return self.hold_seconds * (LONG_TIMES if is_long else 1.0)

    def _seed(self, number: int) -> int:
        """Each run has people of its own."""
        return self.seed * 1_000 + number

    def _probe(self, record: RunRecord, load: float, number: int, is_long: bool, backlog: str) -> Probe:
        broken = ([backlog] if backlog else []) + broken_words(record, self.scenario)
        return Probe(
            load=load,
            number=number,
            is_long=is_long,
            is_met=not broken,
            doubts=tuple(doubt_words(record, bool(backlog))),
            broken=tuple(broken),
            first_broken=first_broken(record, self.scenario) if broken else "",
            busiest=busiest(record),
            folder=record.run_id,
        )
