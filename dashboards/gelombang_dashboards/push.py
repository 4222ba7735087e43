"""Puts a dashboard into a Grafana over its HTTP API, by grafana-client.

The same push twice leaves one dashboard: it is found again by the uid in its file, its folder by the title. Everything that can be
wrong comes back as one sentence; the token is never part of it. What it leaves out: data sources, alert rules and permissions, which
the provisioning files or the operator set.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaServerError, GrafanaTimeoutError

from gelombang.errors import InputError, TargetUnreachableError

ANSWER_WITHIN_SECONDS = 10.0
"""How long each of the requests (at most four) may take."""
ROOT_FOLDER = "General"
"""Grafana's name for no folder at all."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """Where the dashboard is now. `version` rises by one with each push that Grafana took."""

    url: str
    uid: str
    folder: str
    folder_created: bool
    version: int

    def __str__(self) -> str:
        created = " (created)" if self.folder_created else ""
        return f"{self.url}: version {self.version} in folder {self.folder}{created}"


def push_dashboard(
    url: str, token: str, folder: str, dashboard_path: Path, answer_within_seconds: float = ANSWER_WITHIN_SECONDS
) -> PushResult:
    """Create or overwrite the dashboard in the folder of that title, which is made if missing.

    Raises InputError when the URL is no Grafana, the token is not accepted or may not write, or the file is not a dashboard;
    TargetUnreachableError when nothing answers there, not in time, or only that it is broken.
    """
    dashboard = _read(dashboard_path)
    if not folder.strip():
        raise InputError(f"the folder's title is empty; want a title, or {ROOT_FOLDER} for none")
    base = _base_url(url)
    grafana = _client(base, token, answer_within_seconds)
    with closing(grafana.client.s), _in_words(base, answer_within_seconds):
        health: object = grafana.client.GET("/health")
        if not isinstance(health, dict) or "database" not in health:
            raise InputError(f"{base}/api/health does not answer as Grafana does; want the address that Grafana's own page has")
        folder_uid, created = _folder(grafana, folder)
        order = {"dashboard": dashboard, "folderUid": folder_uid, "overwrite": True, "message": "pushed by gelombang"}
        answer: dict[str, object] = grafana.dashboard.update_dashboard(order)
        return PushResult(
            url=f"{base}/d/{answer['uid']}",
            uid=str(answer["uid"]),
            folder=folder,
            folder_created=created,
            version=int(str(answer["version"])),
        )


def _read(path: Path) -> dict[str, object]:
    try:
        dashboard: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; want a dashboard's JSON file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as JSON ({error}); want a dashboard's JSON file") from error
    if not isinstance(dashboard, dict) or not dashboard.get("uid") or not dashboard.get("title"):
        raise InputError(f"{path} has no uid and title; want a dashboard as Grafana exports it")
    # An id is the number in another Grafana's database; with one, this Grafana would look for it and answer 404.
    return {**dashboard, "id": None}


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"Grafana's URL is {url!r} ({error}); want http://host:port or https://host") from error
    if parts.username is not None or parts.password is not None:
        raise InputError("Grafana's URL holds a user or password; want it without, and a service account token")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise InputError(f"Grafana's URL is {url!r}; want http://host:port or https://host, with the path that Grafana is served under")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _client(base: str, token: str, answer_within_seconds: float) -> GrafanaApi:
    """Built part by part: the library's own reading of a URL loses the slash after a path and the brackets of an IPv6 address."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    return GrafanaApi(
        token,
        protocol=parts.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=parts.port,
        url_path_prefix=f"{parts.path}/".lstrip("/"),
        timeout=answer_within_seconds,
    )


def _folder(grafana: GrafanaApi, title: str) -> tuple[str, bool]:
    """The folder's uid, and whether it was made now."""
    if title == ROOT_FOLDER:
        return "", False
    for folder in grafana.folder.get_all_folders():
        if folder["title"] == title:
            return str(folder["uid"]), False
    return str(grafana.folder.create_folder(title)["uid"]), True


@contextmanager
def _in_words(base: str, answer_within_seconds: float) -> Iterator[None]:
    """Turns what the library raises into operator errors."""
    try:
        yield
    except GrafanaTimeoutError as error:
        raise TargetUnreachableError(f"{base} did not answer within {answer_within_seconds:g} s; want a Grafana there") from error
    except GrafanaServerError as error:
        raise TargetUnreachableError(f"{base} answered {error.status_code}: {_message(error)}; want a Grafana that is well") from error
    except GrafanaClientError as error:
        raise InputError(_refusal(base, error)) from error
    except ValueError as error:
        raise InputError(f"{base} answers, but not with JSON; want the address that Grafana's own page has") from error
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{base} answers with JSON that is not Grafana's ({error}); want the address that Grafana's own page has"
        ) from error
    except (OSError, GrafanaException) as error:
        # The library's connection errors are OSErrors of niquests; their text repeats the request, the cause is what helps.
        raise TargetUnreachableError(f"{base} can't be reached ({_cause(error)}); want a Grafana that listens there") from error


def _refusal(base: str, error: GrafanaClientError) -> str:
    match error.status_code:
        case 401:
            return f"{base} does not accept the token (401); want a service account token that is neither wrong nor expired"
        case 403:
            return f"{base} does not let this token write dashboards (403); want a service account with the role Editor"
        case 404:
            return f"{base} has no Grafana API (404); want the address that Grafana's own page has, with its path if it has one"
        case 412:
            return f"{base} holds another dashboard of the same name or a provisioned one (412: {_message(error)}); want that one away"
        case status:
            return f"{base} refused the dashboard ({status}: {_message(error)})"


def _message(error: GrafanaException) -> str:
    response: object = error.response
    if isinstance(response, dict) and "message" in response:
        return str(response["message"])
    return str(error.message)


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    text = str(error)
    return text if text else type(error).__name__
