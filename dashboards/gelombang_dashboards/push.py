"""Puts everything into a Grafana: folder, data source, dashboards, alert rules, and marks of a run.

The same push twice changes nothing: each thing is found again by its uid (a folder by its title, a mark by its run, moment and text),
compared with what is there, and written only when it differs. `plan` finds out what would change and writes nothing; `carry_out` writes.
Everything that can be wrong comes back as one sentence; the token is never part of it. What it leaves out: permissions, contact points.
"""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from gelombang.errors import InputError
from gelombang_dashboards.grafana_port import GrafanaPort, NotJson, Refused
from gelombang_dashboards.push_changes import Action, Change, Json, Mark, Plan, Wanted
from gelombang_dashboards.push_errors import in_words

ANSWER_WITHIN_SECONDS = 10.0
"""How long each request may take."""
ROOT_FOLDER = "General"
"""Grafana's name for no folder at all."""
ALERTS_FROM_VERSION = 9
"""Grafana's own alert rules can be written over its API, and data sources found by uid, from this version on."""
MARKS_LIMIT = 1_000
"""Marks of one run that are looked through."""


def read_dashboard(text: str, name: str) -> Json:
    """A dashboard's JSON. Raises InputError with the file's name."""
    try:
        dashboard: object = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name} can't be read as JSON ({error}); want a dashboard's JSON file") from error
    if not isinstance(dashboard, dict) or not dashboard.get("uid") or not dashboard.get("title"):
        raise InputError(f"{name} has no uid and title; want a dashboard as Grafana exports it")
    # An id is the number in another Grafana's database; with one, this Grafana would look for it and answer 404.
    return {**dashboard, "id": None}


def base_url(url: str) -> str:
    """The address without a slash at its end. Raises InputError."""
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


def plan(grafana: GrafanaPort, base: str, wanted: Wanted, answer_within_seconds: float = ANSWER_WITHIN_SECONDS) -> Plan:
    """What would change. Raises InputError or TargetUnreachableError."""
    if not wanted.folder.strip():
        raise InputError(f"the folder's title is empty; want a title, or {ROOT_FOLDER} for none")
    with in_words(base, answer_within_seconds):
        found = Plan(version=_version(grafana, base))
        _plan_folder(grafana, wanted, found)
        if wanted.data_source is not None:
            _plan_data_source(grafana, wanted.data_source, found)
        for dashboard in wanted.dashboards:
            before = _there(grafana, f"/dashboards/uid/{quote(str(dashboard['uid']))}")
            found.changes.append(Change("dashboard", str(dashboard["title"]), _bare(before), _bare({"dashboard": dashboard}) or {}))
        _plan_alerts(grafana, wanted, found)
        _plan_marks(grafana, wanted.marks, found)
        return found


def carry_out(grafana: GrafanaPort, base: str, found: Plan, wanted: Wanted, answer_within_seconds: float = ANSWER_WITHIN_SECONDS) -> None:
    """Write what `plan` found to be missing or different. Raises InputError or TargetUnreachableError."""
    with in_words(base, answer_within_seconds):
        folder_uid = found.folder_uid
        for change in found.changes:
            if change.action is Action.KEEP:
                continue
            match change.kind:
                case "folder":
                    folder_uid = str(_object(grafana.post("/folders", change.after))["uid"])
                case "data source":
                    _write_data_source(grafana, change, found)
                case "dashboard":
                    dashboard = {**change.after, "id": None}
                    order = {"dashboard": dashboard, "folderUid": folder_uid, "overwrite": True, "message": "pushed by gelombang"}
                    grafana.post("/dashboards/db", order)
                case "alert rule":
                    _write_alert(grafana, change, folder_uid, wanted)
                case "mark":
                    grafana.post("/annotations", change.after)


def _version(grafana: GrafanaPort, base: str) -> int:
    health = grafana.get("/health")
    if not isinstance(health, dict) or "database" not in health:
        raise InputError(f"{base}/api/health does not answer as Grafana does; want the address that Grafana's own page has")
    major = str(health.get("version", "0")).split(".")[0]
    return int(major) if major.isdigit() else 0


def _plan_folder(grafana: GrafanaPort, wanted: Wanted, found: Plan) -> None:
    if wanted.folder == ROOT_FOLDER:
        return
    for folder in _listed(grafana.get("/folders")):
        if folder["title"] == wanted.folder:
            found.folder_uid = str(folder["uid"])
            found.changes.append(Change("folder", wanted.folder, {"title": wanted.folder}, {"title": wanted.folder}))
            return
    found.changes.append(Change("folder", wanted.folder, None, {"title": wanted.folder}))


def _plan_data_source(grafana: GrafanaPort, data_source: Json, found: Plan) -> None:
    by_uid = found.version >= ALERTS_FROM_VERSION
    there = _there(grafana, f"/datasources/uid/{data_source['uid']}" if by_uid else f"/datasources/name/{quote(str(data_source['name']))}")
    before = {key: there.get(key) for key in data_source} if there is not None else None
    found.data_source_id = there.get("id") if there is not None else None
    found.changes.append(Change("data source", str(data_source["name"]), before, data_source))


def _plan_alerts(grafana: GrafanaPort, wanted: Wanted, found: Plan) -> None:
    if wanted.alert_rules and found.version < ALERTS_FROM_VERSION:
        found.left_out.append(f"alert rules: this Grafana is version {found.version}, which keeps none by its API; want 9 or later")
        return
    if wanted.alert_rules and wanted.folder == ROOT_FOLDER:
        found.left_out.append(f"alert rules: Grafana keeps none in the folder {ROOT_FOLDER}; want a folder of their own")
        return
    for rule in wanted.alert_rules:
        there = _there(grafana, f"/v1/provisioning/alert-rules/{rule['uid']}")
        before = {key: there.get(key) for key in rule} if there is not None else None
        found.changes.append(Change("alert rule", str(rule["title"]), before, dict(rule)))


def _plan_marks(grafana: GrafanaPort, marks: Sequence[Mark], found: Plan) -> None:
    by_run: dict[str, list[Json]] = {}
    for mark in marks:
        if mark.run_id not in by_run:
            tags = f"tags=gelombang&tags={quote(mark.run_id)}"
            by_run[mark.run_id] = _listed(grafana.get(f"/annotations?{tags}&limit={MARKS_LIMIT}"))
        body = mark.body()
        there = any((old.get("time"), old.get("text")) == (body["time"], body["text"]) for old in by_run[mark.run_id])
        found.changes.append(Change("mark", f"{mark.tag}: {mark.text}", body if there else None, body))


def _write_data_source(grafana: GrafanaPort, change: Change, found: Plan) -> None:
    if change.action is Action.CREATE:
        grafana.post("/datasources", change.after)
    elif found.version >= ALERTS_FROM_VERSION:
        grafana.put(f"/datasources/uid/{change.after['uid']}", change.after)
    else:
        grafana.put(f"/datasources/{found.data_source_id}", change.after)


def _write_alert(grafana: GrafanaPort, change: Change, folder_uid: str, wanted: Wanted) -> None:
    rule = {**change.after, "folderUID": folder_uid, "ruleGroup": wanted.alert_group, "orgID": 1}
    if change.action is Action.CREATE:
        grafana.post("/v1/provisioning/alert-rules", rule)
    else:
        grafana.put(f"/v1/provisioning/alert-rules/{change.after['uid']}", rule)


def _there(grafana: GrafanaPort, path: str) -> Json | None:
    try:
        return _object(grafana.get(path))
    except Refused as refused:
        if refused.status == 404:
            return None
        raise


def _bare(answer: Mapping[str, object] | None) -> Json | None:
    """A dashboard without what each Grafana numbers for itself."""
    if answer is None:
        return None
    dashboard = answer["dashboard"]
    if not isinstance(dashboard, dict):
        raise NotJson("a dashboard that is not an object")
    return {key: value for key, value in dashboard.items() if key not in ("id", "version")}


def _object(answer: object) -> Json:
    if not isinstance(answer, dict):
        raise NotJson("not an object")
    return answer


def _listed(answer: object) -> list[Json]:
    if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
        raise NotJson("not a list of objects")
    return answer
