"""The generator's metrics pushed to an OpenTelemetry collector: a small receiver of OTLP over HTTP stands for it."""

import threading

import pytest

from gelombang.errors import HostError, InputError
from gelombang.series_file import Source
from gelombang.telemetry import Side
from gelombang_cli import otlp
from gelombang_cli.otlp import OtlpPush, metrics_endpoint
from tests.support.otlp_collector import collecting

GENERATOR = Source(Side.GENERATOR, "generator-0")
PAGE = b"""\
# HELP gelombang_generator_arrivals_started_total People who were started.
# TYPE gelombang_generator_arrivals_started_total counter
gelombang_generator_arrivals_started_total 42.0
# HELP gelombang_generator_doubt 1 while this process has this reason not to believe the run.
# TYPE gelombang_generator_doubt gauge
gelombang_generator_doubt{doubt="late-generator"} 1.0
# HELP gelombang_generator_response_seconds Wall time from due to done.
# TYPE gelombang_generator_response_seconds histogram
gelombang_generator_response_seconds_bucket{step="ktp",le="0.1"} 3.0
gelombang_generator_response_seconds_bucket{step="ktp",le="0.5"} 7.0
gelombang_generator_response_seconds_bucket{step="ktp",le="+Inf"} 9.0
gelombang_generator_response_seconds_count{step="ktp"} 9.0
gelombang_generator_response_seconds_sum{step="ktp"} 4.5
# HELP gelombang_generator_people_fates_total People whose fate is known.
# TYPE gelombang_generator_people_fates_total counter
"""


def test_a_run_shorter_than_the_push_interval_is_pushed_whole_when_it_ends() -> None:
    with collecting() as (collector, url):
        with OtlpPush(metrics_endpoint(url), {"gelombang.run_id": "run-1", "team": "enrolment"}) as push:
            push.offer(GENERATOR, PAGE.replace(b"42.0", b"1.0"))
            push.offer(GENERATOR, PAGE)
        assert (push.pushes, push.failures) == (1, 0)
        assert collector.paths == ["/v1/metrics"]
        [resource] = collector.sent[0].resource_metrics
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        assert about == {
            "service.name": "gelombang-generator",
            "service.instance.id": "generator-0",
            "gelombang.run_id": "run-1",
            "team": "enrolment",
        }
        [started] = collector.metrics()["gelombang_generator_arrivals_started_total"].sum.data_points
        assert started.as_double == 42
        assert started.time_unix_nano >= started.start_time_unix_nano > 0


def test_each_kind_arrives_as_what_it_is() -> None:
    with collecting() as (collector, url):
        with OtlpPush(metrics_endpoint(url), {}) as push:
            push.offer(GENERATOR, PAGE)
        metrics = collector.metrics()
    assert set(metrics) == {
        "gelombang_generator_arrivals_started_total",
        "gelombang_generator_doubt",
        "gelombang_generator_response_seconds",
    }, "a family without a sample is left out"
    counter = metrics["gelombang_generator_arrivals_started_total"].sum
    assert counter.is_monotonic
    assert counter.aggregation_temporality == 2, "cumulative"
    [doubt] = metrics["gelombang_generator_doubt"].gauge.data_points
    assert (doubt.attributes[0].key, doubt.attributes[0].value.string_value, doubt.as_double) == ("doubt", "late-generator", 1)
    [response] = metrics["gelombang_generator_response_seconds"].histogram.data_points
    assert metrics["gelombang_generator_response_seconds"].unit == "s"
    assert list(response.explicit_bounds) == [0.1, 0.5]
    assert list(response.bucket_counts) == [3, 4, 2]
    assert (response.count, response.sum) == (9, 4.5)
    assert not response.HasField("min")
    assert not response.HasField("max")


def test_pages_are_pushed_while_the_run_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "PUSH_EVERY_SECONDS", 0.01)
    with collecting() as (collector, url), OtlpPush(metrics_endpoint(url), {}) as push:
        came = threading.Event()
        for n in range(2):
            push.offer(GENERATOR, PAGE.replace(b"42.0", b"%d.0" % n))
            while len(collector.sent) <= n:
                came.wait(0.005)
        assert push.failures == 0


def test_a_collector_that_takes_nothing_is_counted_and_stops_nobody() -> None:
    with collecting() as (collector, url):
        collector.status = 400
        with OtlpPush(metrics_endpoint(url), {}) as push:
            push.offer(GENERATOR, PAGE)
    assert (push.pushes, push.failures) == (1, 1)


def test_without_a_page_nothing_is_pushed() -> None:
    with collecting() as (collector, url):
        with OtlpPush(metrics_endpoint(url), {}) as push:
            pass
        assert (push.pushes, collector.paths) == (0, [])


@pytest.mark.parametrize("url", ["127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="want the URL of a collector"):
        metrics_endpoint(url)


def test_a_path_of_ones_own_is_kept() -> None:
    assert metrics_endpoint("http://127.0.0.1:4318/") == "http://127.0.0.1:4318/v1/metrics"
    assert metrics_endpoint("https://collector.example/otlp/metrics") == "https://collector.example/otlp/metrics"


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(otlp, "import_module", missing)
    with pytest.raises(HostError, match=r"want pip install 'gelombang\[otlp\]'"):
        metrics_endpoint("http://127.0.0.1:4318")
