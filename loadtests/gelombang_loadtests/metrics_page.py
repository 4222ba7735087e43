"""The generator's metrics over HTTP, for a Prometheus on this machine.

The page is written by `PageWriter`, for half of what the library's writer takes each second; it is in Prometheus's text format whatever
format is asked for, and never compressed: it does not leave the machine.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from gevent.pywsgi import WSGIServer
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gelombang.errors import HostError
from gelombang.metrics_text import PageWriter

METRICS_HOST = "127.0.0.1"
METRICS_PORT_VARIABLE = "GELOMBANG_METRICS_PORT"
"""Environment variable with the port of the first process's page, the next process takes the next; 0 or unset: any free one."""


def write_last_page(path: Path, collector: Collector) -> None:
    """Leave the numbers as they stand in a file: the page ends with its process."""
    path.write_bytes(PageWriter().page(collector.collect()))


class MetricsPage:
    """Serves `/metrics` on loopback until `close`. Raises HostError when the port is taken."""

    def __init__(self, collector: Collector, port: int) -> None:
        self._writer = PageWriter()
        self._shown = collector
        self._server = WSGIServer((METRICS_HOST, port), self._answer, log=None, error_log=None)
        try:
            self._server.start()
        except OSError as error:
            raise HostError(f"port {port} for the generator's metrics can't be used ({error.strerror}); want another, or 0") from error

    @property
    def url(self) -> str:
        return f"http://{METRICS_HOST}:{self._server.server_port}/metrics"

    def show(self, collector: Collector) -> None:
        """The next run's numbers take the place of the last one's."""
        self._writer = PageWriter()
        self._shown = collector

    def close(self) -> None:
        self._server.stop(timeout=1)

    def _answer(self, environ: Mapping[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]) -> list[bytes]:
        page = self._writer.page(self._shown.collect())
        start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST), ("Content-Length", str(len(page)))])
        return [page]
