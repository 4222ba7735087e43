"""From one host to many, simulated: how many people finish a second, and which resource is the first that is full.

Each resource carries so many finished people a second, which is its capacity over what one of them asks of it (the operational bound of
Denning and Buzen, "The operational analysis of queueing network models", ACM Computing Surveys 10, 1978); the least of these is the site's.
Whether people with patience, retries and lines get that far is what the simulator is for: it walks an even stream of them at nine tenths of
the bound, and at 1.3 times it.

A host's cores are one pool, shared out among its work in proportion to what each kind asks, and simulated as one fast server for each kind:
right for rates, rough for single answers. Where the database's one writer is slower than the cores that
small requests have, it stands in their place. What is left out: what hosts cost each other (locks, caches, a balancer), for which the
model has no number.
"""

from fractions import Fraction

from pydantic import BaseModel, ConfigDict
from scaling.prices import PerFinished, Prices, per_finished

from gelombang.loading import load_profile, load_scenario
from gelombang.profile import Profile
from gelombang.scale import Scale
from gelombang.scenario import Arrivals, Phase, Scenario
from gelombang_capacity.costs import Costs
from gelombang_capacity.plan_options import with_registry, with_store
from gelombang_capacity.simulation import Simulated, Simulation, simulate

HOSTS = (1, 2, 4, 8, 16, 32)
CORES_PER_HOST = 8
CHANGES = ("people.nik_known_ratio=0.744", "journey.email.read_ratio=0.7423")
"""The even stream of `breakpoint`, who think less than those of the opening hour; as many of them read their mail and have a known NIK."""
FOR_SECONDS, STEADY_FROM_SECONDS = 1_800.0, 900.0
PEOPLE = 60_000
"""In one simulated run. A sample makes one server of all cores slower by its factor: with so many in half an hour a password takes the one
server about as long as it takes a core, at any number of hosts, and waiting is as lumpy as it would be."""
SEED = 11
BELOW, ABOVE = 0.9, 1.3
LARGE_RATIO = 16.0
NO_LIMIT_RATIO = 4_096.0
MESSAGES_PER_SECOND = 1e6
PROCESSOR, WRITER, STORE, REGISTRY = "processor", "database writer", "store", "registry"


class Point(BaseModel):
    """So many hosts with one kind of shared parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: int
    shared: str
    bounds: dict[str, float]
    """Finished people a second that each resource carries."""
    finished_below: float
    """A second, of the simulated stream at `BELOW` of the least bound."""
    finished_above: float

    @property
    def binds(self) -> str:
        return min(self.bounds, key=lambda name: self.bounds[name])

    @property
    def bound(self) -> float:
        return self.bounds[self.binds]


class Shared(BaseModel):
    """What all hosts share: times what there was in 2020, and whether the database has one writer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    store_ratio: float
    registry_ratio: float
    has_one_writer: bool


SHARED = (
    Shared(name="store and registry of 2020", store_ratio=1, registry_ratio=1, has_one_writer=True),
    Shared(name="16 times that", store_ratio=LARGE_RATIO, registry_ratio=LARGE_RATIO, has_one_writer=True),
    Shared(name="any store and registry", store_ratio=NO_LIMIT_RATIO, registry_ratio=NO_LIMIT_RATIO, has_one_writer=True),
    Shared(name="and a database in parts", store_ratio=NO_LIMIT_RATIO, registry_ratio=NO_LIMIT_RATIO, has_one_writer=False),
)


def points(price: Prices) -> tuple[PerFinished, list[Point]]:
    """What a finished person asks for, and all points."""
    asks = asked()
    return asks, [_point(number, shared, asks, price) for shared in SHARED for number in HOSTS]


def asked() -> PerFinished:
    """By a stream that waits for nothing."""
    idle = Costs(api_seconds=1e-6, ticket_seconds=1e-6, hash_seconds=1e-6)
    return per_finished(_stream(20.0, with_shared(load_profile("hardened"), SHARED[-1]), idle), STEADY_FROM_SECONDS)


def bounds(hosts: int, shared: Shared, asks: PerFinished, price: Prices) -> dict[str, float]:
    """Finished people a second that each resource carries."""
    site = with_shared(load_profile("hardened"), shared)
    store = site.modelled_store
    found = {
        PROCESSOR: CORES_PER_HOST * hosts / asks.cpu_seconds(price).total,
        STORE: store.bandwidth_bytes_per_second / (asks.kept_bytes + asks.photos_kept * store.commit_bytes),
        REGISTRY: site.registry.lookups_per_second / asks.lookups,
    }
    if shared.has_one_writer:
        found[WRITER] = 1 / (asks.writes * price.write_seconds)
    return found


def with_shared(profile: Profile, shared: Shared) -> Profile:
    """The profile with these shared parts, one upload process and one password thread, which stand for all."""
    wider = with_registry(with_store(profile, shared.store_ratio), profile.registry.lookups_per_second * shared.registry_ratio)
    messages = wider.messages.model_copy(update={"mail_per_second": MESSAGES_PER_SECOND, "sms_per_second": MESSAGES_PER_SECOND})
    return wider.model_copy(update={"messages": messages, "password": wider.password.model_copy(update={"threads_limit": 1})})


def stations(bounds: dict[str, float], asks: PerFinished, sample: float) -> Costs:
    """One fast server for each kind of work, at the sample. A host's cores go to each kind as it needs them, so all are full at the same
    rate of finished people."""
    cores, writer = bounds[PROCESSOR], bounds.get(WRITER, bounds[PROCESSOR])
    return Costs(
        api_seconds=1 / (min(cores, writer) * asks.small) / sample,
        ticket_seconds=1 / (cores * asks.photo_tries) / sample,
        hash_seconds=1 / (cores * asks.passwords) / sample,
        api_processes=1,
    )


def _point(hosts: int, shared: Shared, asks: PerFinished, price: Prices) -> Point:
    found = bounds(hosts, shared, asks, price)
    site, least = with_shared(load_profile("hardened"), shared), min(found.values())
    finished = []
    for ratio in (BELOW, ABOVE):
        arrivals = ratio * least * asks.arrivals
        sample = min(Fraction(1), Fraction(PEOPLE, round(arrivals * FOR_SECONDS)))
        finished.append(_finished_per_second(_stream(arrivals, site, stations(found, asks, float(sample)), sample)))
    return Point(hosts=hosts, shared=shared.name, bounds=found, finished_below=finished[0], finished_above=finished[1])


def _stream(per_second: float, site: Profile, costs: Costs, sample: Fraction | None = None) -> Simulated:
    """People who come evenly."""
    scale = Scale(min(Fraction(1), Fraction(PEOPLE, round(per_second * FOR_SECONDS))) if sample is None else sample)
    scenario = _even(load_scenario("breakpoint", CHANGES), per_second)
    return simulate(Simulation(scenario, site, scale, SEED, FOR_SECONDS, "hosts", "2020-04-11T12:00:00+00:00", costs=costs))


def _even(scenario: Scenario, per_second: float) -> Scenario:
    hold = Phase(form="hold", for_seconds=FOR_SECONDS, start_per_second=per_second)
    return scenario.model_copy(update={"arrivals": Arrivals(phases=[hold])})


def _finished_per_second(simulated: Simulated) -> float:
    grid = simulated.grid
    windows = slice(round(STEADY_FROM_SECONDS / grid.seconds), round(FOR_SECONDS / grid.seconds))
    return simulated.order.scale.stands_for(float(simulated.passed("join")[windows].sum())) / (FOR_SECONDS - STEADY_FROM_SECONDS)
