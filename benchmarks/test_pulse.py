"""What a worker of a run over many machines does once a second for its master, timed by pytest-benchmark: `pytest benchmarks -k pulse`.

The counts are the worst that there can be: every outcome in every phase at every step of the opening hour.
"""

from pytest_benchmark.fixture import BenchmarkFixture

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.journey import compile_journey
from gelombang.live_validity import LiveJudge
from gelombang.loading import load_scenario
from gelombang.steps import PhotoStep
from gelombang_loadtests.cluster_series import packed_page, unpacked_page
from gelombang_loadtests.generator_metrics import Facts, GeneratorCollector, GeneratorCounts, RunLabels
from gelombang_loadtests.honesty import Counts
from gelombang_loadtests.standing import Standing, standing_of, summed

NOW = Counts(2_000, 2_000, 30, 900, 20_000, 1_000_000)
FATES = {Fate.FINISHED: 400, Fate.GAVE_UP: 100}
WORKERS = 8


def counts() -> GeneratorCounts:
    journey = compile_journey(load_scenario("opening-hour"))
    photos = {step: each.photo for step, each in enumerate(journey.steps) if isinstance(each, PhotoStep)}
    found = GeneratorCounts(journey.names, photos=photos)
    for number, (step, outcome, phase) in enumerate((s, o, p) for s in range(len(journey.steps)) for o in Outcome for p in Phase):
        found.ended(step, outcome, phase, number * 1_000, 100)
        found.first_sent(number * 7)
    return found


def standing() -> Standing:
    return standing_of(counts(), NOW, FATES, 5_000_000)


def test_page_of_a_pulse(benchmark: BenchmarkFixture) -> None:
    found = counts()
    collector = GeneratorCollector(RunLabels("s", "p", "1", "r", "0"), Facts(2_000, 900, 1.0, 1.0, True), LiveJudge(1.0))
    collector.update(found, NOW, FATES)
    page = benchmark(packed_page, collector)
    assert len(unpacked_page(0, page)) > len(page)
    benchmark.extra_info["bytes"] = len(page)


def test_standing_of_a_pulse(benchmark: BenchmarkFixture) -> None:
    assert benchmark(standing_of, counts(), NOW, FATES, 5_000_000).started == NOW.started


def test_sum_of_the_pulses_of_eight_workers(benchmark: BenchmarkFixture) -> None:
    assert benchmark(summed, [standing()] * WORKERS).started == WORKERS * NOW.started
