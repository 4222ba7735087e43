"""The command keeps the metrics of every process of a run, and a process that says nothing costs no more than its own seconds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.errors import RecordError
from gelombang.series_file import RunSeries, read_series
from gelombang.telemetry import PAGE_BYTES_LIMITS, SERIES_LIMITS, Side
from gelombang_cli.scraping import Scraper, scraped_processes


class Exporter:
    """Counts how often it is scraped."""

    def __init__(self, page: str = "scrapes_total {n}\n", status: int = 200) -> None:
        self.scrapes = 0
        self.page = page
        self.status = status


@contextmanager
def exporting(exporter: Exporter) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            exporter.scrapes += 1
            body = exporter.page.replace("{n}", str(exporter.scrapes)).encode()
            self.send_response(exporter.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def until(condition: object, within_seconds: float = 10.0) -> None:
    until_us = monotonic_us() + int(within_seconds * 1e6)
    while not condition():
        assert monotonic_us() < until_us
        sleep_seconds(0.01)


def values(run: RunSeries, instance: str) -> list[float]:
    (series,) = (series for series in run.series if series.source.instance == instance)
    return series.values


def test_every_process_is_scraped_each_second_and_servers_once_more_at_the_end(tmp_path: Path) -> None:
    server, generator = Exporter(), Exporter()
    with exporting(server) as one, exporting(generator) as two:
        zero_us = monotonic_us()
        with Scraper(tmp_path, zero_us, scraped_processes([one], [two])):
            until(lambda: generator.scrapes == 3)
            (tmp_path / "generator-0.prom").write_text("scrapes_total 99\n")
    run = read_series(tmp_path / "metrics.jsonl")
    assert values(run, "server-0") == [1.0, 2.0, 3.0, 4.0]
    assert values(run, "generator-0") == [1.0, 2.0, 3.0, 99.0]
    times_us = run.scrapes_us[run.sources[0]]
    assert all(at_us >= 990_000 * number for number, at_us in enumerate(times_us[:3]))


def test_a_generator_that_left_no_last_page_is_not_asked_again(tmp_path: Path) -> None:
    generator = Exporter()
    with exporting(generator) as url, Scraper(tmp_path, monotonic_us(), scraped_processes([], [url])):
        until(lambda: generator.scrapes == 1)
    assert values(read_series(tmp_path / "metrics.jsonl"), "generator-0") == [1.0]


@pytest.mark.parametrize(
    "broken",
    [Exporter(status=500), Exporter(page="x 1\n" * (PAGE_BYTES_LIMITS[Side.SERVER] // 4 + 1)), None],
    ids=["says 500", "says too much", "is not there"],
)
def test_a_process_that_does_not_answer_is_noted_and_the_others_are_kept(tmp_path: Path, broken: Exporter | None) -> None:
    good = Exporter()
    with exporting(broken or Exporter()) as bad_url, exporting(good) as good_url:
        bad = bad_url if broken else "http://127.0.0.1:9/metrics"
        with Scraper(tmp_path, monotonic_us(), scraped_processes([bad, good_url], [])):
            until(lambda: good.scrapes == 2)
    run = read_series(tmp_path / "metrics.jsonl")
    assert [len(run.missed_us[source]) for source in run.sources] == [3, 0]
    assert values(run, "server-1") == [1.0, 2.0, 3.0]


def test_a_process_with_too_many_series_is_an_error_in_words_when_the_run_has_ended(tmp_path: Path) -> None:
    many = Exporter(page="".join(f"x{n} 1\n" for n in range(SERIES_LIMITS[Side.SERVER] + 1)))
    with (
        exporting(many) as url,
        pytest.raises(RecordError, match="more than 2500 series"),
        Scraper(tmp_path, 0, scraped_processes([url], [])),
    ):
        until(lambda: many.scrapes == 1)
