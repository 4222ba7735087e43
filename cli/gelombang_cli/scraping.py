"""Keeps the metrics of a run: every process is scraped each second, and what changed goes into `metrics.jsonl`.

A thread of the command does it, whether or not a Prometheus scrapes too, so that a run's folder is whole without one. A process that does
not answer in time is noted as missed and asked again the next second: metrics never stop a run. The generator's last page is taken from a
file that it writes when it ends, because its listener ends with it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import RecordError
from gelombang.runplan import LAST_PAGE
from gelombang.series_file import SERIES_FILE, SeriesWriter, Source
from gelombang.telemetry import PAGE_BYTES_LIMITS, Side

SCRAPE_EVERY_SECONDS = 1.0
ANSWER_WITHIN_SECONDS = 0.9

Offer = Callable[[Source, bytes], None]


@dataclass(frozen=True, slots=True)
class Scraped:
    """A process and the address of its metrics."""

    source: Source
    url: str


def scraped_processes(servers: Sequence[str], generators: Sequence[str]) -> list[Scraped]:
    """Servers by slot and generators by number, from the URLs of their pages."""
    sides = ((Side.SERVER, servers), (Side.GENERATOR, generators))
    return [Scraped(Source(side, f"{side}-{number}"), url) for side, urls in sides for number, url in enumerate(urls)]


class Scraper:
    """Scrapes while the block lasts. Use as a context manager, with the servers still up at its end."""

    def __init__(self, folder: Path, zero_us: int, processes: Sequence[Scraped], offer: Offer | None = None) -> None:
        """`offer` gets each page of a generator as it comes."""
        self._offer = offer
        self._folder = folder
        self._zero_us = zero_us
        self._processes = processes
        self._connections = [HTTPConnection(urlsplit(each.url).netloc, timeout=ANSWER_WITHIN_SECONDS) for each in processes]
        self._stop = threading.Event()
        self._failure: OSError | RecordError | None = None
        self._thread = threading.Thread(target=self._watch, name="scraper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for connection in self._connections:
            connection.close()
        if isinstance(self._failure, RecordError):
            raise self._failure

    @property
    def fault(self) -> str:
        """Why there are no series any more, in one sentence; empty while there are."""
        if not isinstance(self._failure, OSError):
            return ""
        return f"{self._folder / SERIES_FILE} can't be written ({self._failure.strerror}); want free disk"

    def _watch(self) -> None:
        try:
            with (self._folder / SERIES_FILE).open("wb") as file:
                zero_at = utc_now().timestamp() - (monotonic_us() - self._zero_us) / MICROSECONDS
                writer = SeriesWriter(file, [each.source for each in self._processes], round(zero_at, 3))
                self._scrape(writer)
        except (OSError, RecordError) as error:
            self._failure = error

    def _scrape(self, writer: SeriesWriter) -> None:
        due_us = monotonic_us()
        while True:
            for number in range(len(self._processes)):
                self._ask(writer, number)
            due_us = max(due_us + int(SCRAPE_EVERY_SECONDS * MICROSECONDS), monotonic_us())
            if self._stop.wait(max(0.0, (due_us - monotonic_us()) / MICROSECONDS)):
                break
        for number, each in enumerate(self._processes):
            self._ask_last(writer, number, each)

    def _ask(self, writer: SeriesWriter, number: int) -> None:
        began_us = monotonic_us()
        page = self._page(number)
        if page is None:
            writer.miss(number, began_us - self._zero_us)
        else:
            writer.take(number, began_us - self._zero_us, monotonic_us() - began_us, page)
            self._tell(number, page)

    def _ask_last(self, writer: SeriesWriter, number: int, each: Scraped) -> None:
        if each.source.side is Side.SERVER:
            self._ask(writer, number)
            return
        last = self._folder / LAST_PAGE.format(process=each.source.instance.rpartition("-")[2])
        if last.exists():
            page = last.read_bytes()
            writer.take(number, monotonic_us() - self._zero_us, 0, page)
            self._tell(number, page)

    def _tell(self, number: int, page: bytes) -> None:
        source = self._processes[number].source
        if self._offer is not None and source.side is Side.GENERATOR:
            self._offer(source, page)

    def _page(self, number: int) -> bytes | None:
        """What the process answers; None when it does not, or not in time, or more than any process may say."""
        connection, limit = self._connections[number], PAGE_BYTES_LIMITS[self._processes[number].source.side]
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            page = answer.read(limit + 1)
            if answer.status == 200 and len(page) <= limit:
                return page
        except (OSError, HTTPException):
            pass
        connection.close()
        return None
