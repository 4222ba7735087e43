"""The port by grafana-client, which is kept for Grafana 6 to 13."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaServerError, GrafanaTimeoutError

from gelombang_dashboards.grafana_port import Away, NotJson, Refused, Silent, cause


class ByGrafanaClient:
    """`base` is http://host:port, with the path that Grafana is served under."""

    def __init__(self, base: str, token: str, answer_within_seconds: float) -> None:
        # Built part by part: the library's own reading of a URL loses the slash after a path and the brackets of an IPv6 address.
        parts = urlsplit(base)
        host = parts.hostname or ""
        self._grafana = GrafanaApi(
            token,
            protocol=parts.scheme,
            host=f"[{host}]" if ":" in host else host,
            port=parts.port,
            url_path_prefix=f"{parts.path}/".lstrip("/"),
            timeout=answer_within_seconds,
        )

    def get(self, path: str) -> object:
        with _told():
            answer: object = self._grafana.client.GET(path)
            return answer

    def post(self, path: str, body: object) -> object:
        with _told():
            answer: object = self._grafana.client.POST(path, json=body)
            return answer

    def put(self, path: str, body: object) -> object:
        with _told():
            answer: object = self._grafana.client.PUT(path, json=body)
            return answer

    def close(self) -> None:
        self._grafana.client.s.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except GrafanaTimeoutError as error:
        raise Silent from error
    except (GrafanaServerError, GrafanaClientError) as error:
        raise Refused(int(error.status_code), _message(error)) from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    except (OSError, GrafanaException) as error:
        raise Away(cause(error)) from error


def _message(error: GrafanaException) -> str:
    response: object = error.response
    if isinstance(response, dict) and "message" in response:
        return str(response["message"])
    return str(error.message)
