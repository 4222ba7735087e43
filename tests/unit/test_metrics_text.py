"""The text of a metrics page: what the metrics library would write, of the same numbers, however often it is asked."""

import math
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gelombang import telemetry
from gelombang.metrics_text import PageWriter
from gelombang_server.metrics import Metrics
from gelombang_server.routes import Route

disable_created_metrics()  # type: ignore[no-untyped-call]


def read(text: bytes) -> dict[str, object]:
    return {family.name: (family.type, family.documentation, family.samples) for family in text_string_to_metric_families(text.decode())}


def moved(metrics: Metrics, by: float) -> None:
    metrics.counter(telemetry.PROBLEMS).labels("photo_too_large").inc(by)
    metrics.upload_stages.took("body", round(by * 1e6))
    metrics.requests.answered(Route.DATA, 200)
    metrics.requests.took(Route.DATA, round(by * 1e6))
    metrics.gauge(telemetry.STORE_USED_BYTES).set(by * 1e9)


def test_a_page_of_the_server_says_what_the_library_would_write_each_time() -> None:
    metrics = Metrics("hardened", "1/50", 0, "run", "smoke", {"team": "enrolment"})
    for by in (0.5, 0.5, 0.0, 3.0):
        moved(metrics, by)
        assert read(metrics.page()) == read(generate_latest(metrics.registry))


def test_names_and_labels_are_escaped_and_sorted_as_the_library_does() -> None:
    registry = CollectorRegistry()
    Counter("shed", 'Says "no", \\ and\nmore', ["z", "a"], registry=registry).labels('quo"te\n', "back\\slash").inc()
    Gauge("plain", "Plain.", registry=registry).set(2.0)
    Histogram("seconds", "Of time.", ["step"], registry=registry, buckets=(0.1, 1.0)).labels("otp").observe(0.5)
    assert PageWriter().page(registry.collect()) == generate_latest(registry)


@dataclass(frozen=True, slots=True)
class Given:
    name: str = "level"
    documentation: str = "A level."
    type: str = "gauge"
    value: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def samples(self) -> list["Given"]:
        return [self]


@pytest.mark.parametrize(
    ("value", "written"), [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (3, "3.0"), (1e22, "1e+22"), (-0.25, "-0.25")]
)
def test_every_number_is_written_so_that_it_is_read_again(value: float, written: str) -> None:
    writer = PageWriter()
    for _ in range(2):
        assert writer.page([Given(value=value)]).decode().splitlines()[-1] == f"level {written}"


def test_a_value_that_changes_is_written_anew_and_back_again() -> None:
    writer = PageWriter()
    said = [writer.page([Given(value=value)]).decode().splitlines()[-1] for value in (1.0, 2.0, 2.0, 1.0)]
    assert said == ["level 1.0", "level 2.0", "level 2.0", "level 1.0"]


def test_series_that_differ_by_one_label_are_kept_apart() -> None:
    writer = PageWriter()
    page = writer.page([Given(labels={"step": step}, value=value) for step, value in (("otp", 1.0), ("data", 2.0))]).decode()
    assert 'level{step="otp"} 1.0\n' in page
    assert 'level{step="data"} 2.0\n' in page
