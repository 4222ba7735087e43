"""The port by grafana-api, for an old Grafana where that library is what people have; its author gave it up in 2022.

It comes with the extra `old-grafana` and is imported only here, when it is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gelombang.errors import InputError
from gelombang_dashboards.grafana_port import Away, NotJson, Refused, Silent, cause

if TYPE_CHECKING:
    from grafana_api.grafana_face import GrafanaFace


class ByGrafanaApi:
    """`base` is http://host:port, with the path that Grafana is served under. Raises InputError without the extra."""

    def __init__(self, base: str, token: str, answer_within_seconds: float) -> None:
        self._grafana = _face(base, token, answer_within_seconds)

    def get(self, path: str) -> object:
        with _told():
            answer: object = self._grafana.api.GET(path)
            return answer

    def post(self, path: str, body: object) -> object:
        with _told():
            answer: object = self._grafana.api.POST(path, json=body)
            return answer

    def put(self, path: str, body: object) -> object:
        with _told():
            answer: object = self._grafana.api.PUT(path, json=body)
            return answer

    def close(self) -> None:
        self._grafana.api.s.close()


def _face(base: str, token: str, answer_within_seconds: float) -> "GrafanaFace":
    try:
        from grafana_api.grafana_face import GrafanaFace
    except ImportError as error:
        raise InputError("grafana-api is not installed; want it by `pip install 'gelombang[old-grafana]'`") from error
    parts = urlsplit(base)
    host = parts.hostname or ""
    return GrafanaFace(
        auth=token,
        protocol=parts.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=parts.port,
        url_path_prefix=f"{parts.path}/".lstrip("/"),
        timeout=answer_within_seconds,
    )


@contextmanager
def _told() -> Iterator[None]:
    from grafana_api.grafana_api import GrafanaException
    from requests import Timeout

    try:
        yield
    except Timeout as error:
        raise Silent from error
    except GrafanaException as error:
        response = error.response
        message = response["message"] if isinstance(response, dict) and "message" in response else error.message
        raise Refused(int(error.status_code), str(message)) from error
    except (ValueError, TypeError) as error:
        # requests' own JSON error is a ValueError; TypeError is this library's, when an error's body is not an object.
        raise NotJson(str(error)) from error
    except OSError as error:
        raise Away(cause(error)) from error
