"""The generator's metrics over HTTP, for a Prometheus on this machine."""

from pathlib import Path

from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, generate_latest, make_wsgi_app
from prometheus_client.registry import Collector

from gelombang.errors import HostError

METRICS_HOST = "127.0.0.1"
METRICS_PORT_VARIABLE = "GELOMBANG_METRICS_PORT"
"""Environment variable with the port of the first process's page, the next process takes the next; 0 or unset: any free one."""


def write_last_page(path: Path, collector: Collector) -> None:
    """Leave the numbers as they stand in a file: the page ends with its process."""
    registry = CollectorRegistry()
    registry.register(collector)
    path.write_bytes(generate_latest(registry))


class MetricsPage:
    """Serves `/metrics` on loopback until `close`. Raises HostError when the port is taken."""

    def __init__(self, collector: Collector, port: int) -> None:
        self._registry = CollectorRegistry()
        self._shown = collector
        self._registry.register(collector)
        self._server = WSGIServer((METRICS_HOST, port), make_wsgi_app(self._registry), log=None, error_log=None)
        try:
            self._server.start()
        except OSError as error:
            raise HostError(f"port {port} for the generator's metrics can't be used ({error.strerror}); want another, or 0") from error

    @property
    def url(self) -> str:
        return f"http://{METRICS_HOST}:{self._server.server_port}/metrics"

    def show(self, collector: Collector) -> None:
        """The next run's numbers take the place of the last one's."""
        self._registry.unregister(self._shown)
        self._registry.register(collector)
        self._shown = collector

    def close(self) -> None:
        self._server.stop(timeout=1)
