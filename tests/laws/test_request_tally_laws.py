"""The tally of requests tells what the metrics' library would tell."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gelombang import telemetry
from gelombang.clock import MICROSECONDS
from gelombang_server.metrics import Metrics
from gelombang_server.routes import Route
from gelombang_server.tally import RequestTally

TIMES = st.sampled_from([round(bound * MICROSECONDS) for bound in telemetry.REQUEST_SECONDS.buckets]) | st.integers(0, 200_000_000)


@given(st.lists(st.tuples(st.sampled_from(Route), st.sampled_from([200, 201, 422, 503]), TIMES), max_size=40))
def test_the_page_is_the_one_of_a_counter_and_a_histogram(requests: list[tuple[Route, int, int]]) -> None:
    Metrics("hardened", "1/1", 0)  # as every process does: no moments of creation
    tally, slow = RequestTally(), CollectorRegistry()
    counter = Counter(telemetry.REQUESTS.name, telemetry.REQUESTS.help, telemetry.REQUESTS.labels, registry=slow)
    seconds = telemetry.REQUEST_SECONDS
    histogram = Histogram(seconds.name, seconds.help, seconds.labels, registry=slow, buckets=seconds.buckets)
    for route, status, took_us in requests:
        tally.answered(route, status)
        tally.took(route, took_us)
        counter.labels(route.label, str(status)).inc()
        histogram.labels(route.label).observe(took_us / MICROSECONDS)
    fast = CollectorRegistry(auto_describe=False)
    fast.register(tally)

    def lines(registry: CollectorRegistry) -> list[tuple[str, float]]:
        text = generate_latest(registry).decode().splitlines()
        return [(head, round(float(value), 6)) for head, _, value in (line.rpartition(" ") for line in text if line[0] != "#")]

    assert lines(fast) == lines(slow)
