"""What the generator counted, as Prometheus reads it: each value moves by what happened."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from gelombang import telemetry
from gelombang.attempt import Fate, Outcome, Phase
from gelombang.live_validity import LiveJudge, Second
from gelombang.loading import load_scenario
from gelombang.metrics_text import PageWriter
from gelombang.objective import response_limits
from gelombang.steps import PhotoKind, PhotoStep
from gelombang.telemetry import CATALOGUE, PAGE_BYTES_LIMITS, SERIES_LIMITS, Side
from gelombang_loadtests.generator_metrics import Facts, GeneratorCollector, GeneratorCounts, RunLabels
from gelombang_loadtests.honesty import Counts
from gelombang_loadtests.metrics_page import write_last_page

PHOTOS = {1: PhotoKind.KTP, 3: PhotoKind.SELFIE}
STEPS = ("account", "ktp", "wait", "selfie")
LABELS = RunLabels("opening-hour", "hardened", "1/50", "run-1", "0", {"team": "enrolment"})
SCENARIOS = Path(__file__).parents[2] / "scenarios"


class Page:
    """One process's page."""

    def __init__(self, counts: GeneratorCounts, tells_machine: bool = True) -> None:
        self.judge = LiveJudge(0.2)
        facts = Facts(people_planned=40, people_in_flight_limit=900, speed=60.0, sample=0.02, tells_machine=tells_machine)
        self.collector = GeneratorCollector(LABELS, facts, self.judge)
        self.collector.update(counts, Counts(30, 29, 3, 7, counts.attempts_ended, counts.sent_bytes), {Fate.FINISHED: 4, Fate.OPEN: 9})
        self.registry = CollectorRegistry()
        self.registry.register(self.collector)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"gelombang_generator_{name}", labels)


@dataclass(frozen=True, eq=False)
class AsTheyStood(Collector):
    """Families that were collected: the machine's own have moved when they are asked for again."""

    families: list[Metric]

    def collect(self) -> list[Metric]:
        return self.families


def read(text: bytes) -> dict[str, object]:
    return {family.name: (family.type, family.documentation, family.samples) for family in text_string_to_metric_families(text.decode())}


def counts() -> GeneratorCounts:
    return GeneratorCounts(STEPS, photos=PHOTOS)


def test_uploads_are_counted_apart_by_photo_outcome_and_phase() -> None:
    found = counts()
    found.ended(1, Outcome.TIMED_OUT, Phase.SEND, 1_000, 10)
    found.ended(1, Outcome.TIMED_OUT, Phase.SEND, 1_000, 10)
    found.ended(3, Outcome.OK, Phase.RECEIVE, 1_000, 10)
    found.ended(0, Outcome.OK, Phase.RECEIVE, 1_000, 10)
    page = Page(found)
    assert page.value("upload_attempts_total", photo="ktp", outcome="timed_out", phase="send") == 2
    assert page.value("upload_attempts_total", photo="selfie", outcome="ok", phase="receive") == 1
    assert sum(sample.value for family in page.collector.collect() for sample in family.samples if "_upload_attempts" in sample.name) == 3


def test_an_upload_counts_the_time_of_each_phase_that_it_had() -> None:
    found = counts()
    found.photo_ended(1, (0, 2_000_000, 30_000, 0))
    page = Page(found)
    assert page.value("upload_phase_seconds_sum", photo="ktp", phase="send") == 2.0
    assert page.value("upload_phase_seconds_bucket", photo="ktp", phase="wait", le="0.05") == 1
    assert page.value("upload_phase_seconds_count", photo="ktp", phase="connect") == 0


def test_an_acknowledged_photo_is_counted() -> None:
    found = counts()
    found.photo_acknowledged(3)
    page = Page(found)
    assert page.value("photos_acknowledged_total", photo="selfie") == 1
    assert page.value("photos_acknowledged_total", photo="ktp") == 0


def test_a_late_look_is_counted_as_lag() -> None:
    found = counts()
    found.loop_lag.add(7_000)
    page = Page(found)
    assert page.value("loop_lag_seconds_bucket", le="0.01") == 1
    assert page.value("loop_lag_seconds_bucket", le="0.005") == 0


def test_validity_has_one_word_and_its_reasons() -> None:
    page = Page(counts())
    words = {word: page.value("validity", validity=word) for word in ("valid", "suspect", "invalid")}
    assert words == {"valid": 1, "suspect": 0, "invalid": 0}
    page.judge.take(Second(1.0, 60_000.0, 0, 0.1, 0.1))
    words = {word: page.value("validity", validity=word) for word in ("valid", "suspect", "invalid")}
    assert words == {"valid": 0, "suspect": 0, "invalid": 1}
    assert page.value("doubt", doubt="late-generator") == 1
    assert page.value("doubt", doubt="busy-machine") == 0


def test_what_was_ordered_stands_beside_what_happened() -> None:
    page = Page(counts())
    assert page.value("people_planned") == 40
    assert page.value("people_in_flight_limit") == 900
    assert page.value("speed_ratio") == 60
    assert page.value("sample_ratio") == 0.02
    assert page.value("people_in_flight") == 3


def test_the_info_metric_bears_the_operators_labels() -> None:
    labels = {"scenario": "opening-hour", "profile": "hardened", "scale": "1/50", "run_id": "run-1", "process": "0", "team": "enrolment"}
    assert Page(counts()).value("info", **labels) == 1


def test_only_the_first_process_speaks_for_its_machine() -> None:
    first, second = Page(counts()), Page(counts(), tells_machine=False)
    assert first.value("machine_cores") == telemetry_cores()
    assert first.value("machine_cpu_seconds_total", mode="idle") > 0
    assert first.value("machine_memory_available_bytes") > 0
    assert second.value("machine_cores") is None
    assert second.value("machine_cpu_seconds_total", mode="idle") is None
    assert second.value("open_descriptors") > 0


def telemetry_cores() -> int:
    return sum(line.startswith("cpu") for line in Path("/proc/stat").read_text().splitlines()) - 1


def test_the_page_has_every_family_of_the_catalogue_and_no_other() -> None:
    named = {family.name for family in Page(counts()).collector.collect()}
    assert named == {metric.name.removesuffix("_total") for metric in CATALOGUE if metric.side is Side.GENERATOR}


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_limit_of_response_is_an_edge_of_the_buckets_at_the_size_and_speed_of_the_run(path: Path) -> None:
    limits = response_limits(load_scenario(path).objective)
    assert set(limits) <= set(telemetry.SECONDS_BUCKETS), "at full speed they are there already"
    found = GeneratorCounts(STEPS, limits_seconds=[limit / 60 for limit in limits])
    found.ended(0, Outcome.OK, Phase.RECEIVE, 1_000, 0)
    edges = {edge for edge, _ in found.response[0].cumulative()}
    assert {str(round(limit / 60, 6)) for limit in limits} <= edges


def test_a_generator_process_stays_within_its_budget_of_series_and_bytes_whatever_happens() -> None:
    """A journey of 24 steps, every outcome in three phases (an outcome has the phases it can have), both photos, two objectives."""
    steps = [f"a-step-with-a-long-name-{n}" for n in range(24)]
    found = GeneratorCounts(steps, photos={22: PhotoKind.KTP, 23: PhotoKind.SELFIE}, limits_seconds=(0.0333, 0.1667))
    for step in range(24):
        for outcome in set(Outcome) - {Outcome.OPEN}:
            for phase in (Phase.CONNECT, Phase.SEND, Phase.WAIT):
                found.ended(step, outcome, phase, 1_234_567, 1)
    page = Page(found)
    text = generate_latest(page.registry)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    assert 1_000 < series <= SERIES_LIMITS[Side.GENERATOR]
    assert len(text) <= PAGE_BYTES_LIMITS[Side.GENERATOR]


def test_the_page_that_a_run_leaves_says_what_the_library_would_write_each_time(tmp_path: Path) -> None:
    found = counts()
    page, writer = Page(found), PageWriter()
    for number in range(3):
        found.ended(0, Outcome.FAILED, Phase.WAIT, 1_000 * number, 7)
        found.first_sent(number)
        if number:
            found.ended(1, Outcome.OK, Phase.RECEIVE, 90_000_000, 9)
        families = list(page.collector.collect())
        registry = CollectorRegistry(auto_describe=False)
        registry.register(AsTheyStood(families))
        assert read(writer.page(families)) == read(generate_latest(registry))
    write_last_page(tmp_path / "page.txt", page.collector)
    assert b'gelombang_generator_attempts_total{outcome="failed",phase="wait",step="' in (tmp_path / "page.txt").read_bytes()


def test_every_photo_step_of_a_shipped_journey_is_counted_as_an_upload() -> None:
    journey = load_scenario(SCENARIOS / "smoke.toml").journey
    assert sorted(step.photo for step in journey if isinstance(step, PhotoStep)) == ["ktp", "selfie"]
