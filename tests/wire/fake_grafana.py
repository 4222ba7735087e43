"""A small and strict Grafana made from its documented HTTP API: what is not documented is answered 404, what is incomplete 400."""

import asyncio
from typing import Any

from aiohttp import web

TOKEN = "glsa_not-a-real-one"


class FakeGrafana:
    """One organisation; `broken` answers every API call with that answer, `silent` with nothing, `version` decides which API it has."""

    def __init__(self, version: str = "12.1.0") -> None:
        self.version = version
        self.folders: list[dict] = [{"id": 1, "uid": "other", "title": "other"}]
        self.dashboards: dict[str, dict] = {}
        self.folder_of: dict[str, str] = {}
        self.provisioned: set[str] = set()
        self.data_sources: list[dict] = []
        self.alert_rules: dict[str, dict] = {}
        self.annotations: list[dict] = []
        self.writes: list[str] = []
        self.broken: web.Response | None = None
        self.may_write = True
        self.silent = asyncio.Event()
        self.silent.set()
        self.base = ""

    def app(self, prefix: str) -> web.Application:
        app = web.Application(middlewares=[self._gate])
        routes = [
            ("GET", "/health", self._health),
            ("GET", "/folders", self._list_folders),
            ("POST", "/folders", self._make_folder),
            ("GET", "/dashboards/uid/{uid}", self._read_dashboard),
            ("POST", "/dashboards/db", self._write_dashboard),
            ("GET", "/annotations", self._find_annotations),
            ("POST", "/annotations", self._annotate),
            ("POST", "/datasources", self._make_data_source),
            ("GET", "/datasources/name/{name}", self._data_source_by_name),
            ("PUT", "/datasources/{id:[0-9]+}", self._change_data_source),
        ]
        if int(self.version.split(".")[0]) >= 9:
            routes += [
                ("GET", "/datasources/uid/{uid}", self._data_source_by_uid),
                ("PUT", "/datasources/uid/{uid}", self._change_data_source),
                ("GET", "/v1/provisioning/alert-rules/{uid}", self._read_alert),
                ("POST", "/v1/provisioning/alert-rules", self._write_alert),
                ("PUT", "/v1/provisioning/alert-rules/{uid}", self._write_alert),
            ]
        for method, path, handler in routes:
            app.router.add_route(method, f"{prefix}/api{path}", handler)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        await self.silent.wait()
        if self.broken is not None:
            return self.broken
        if not request.path.endswith("/api/health"):
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return told(401, "Invalid API key")
            if request.method != "GET":
                if not self.may_write:
                    return told(403, "You'll need additional permissions")
                self.writes.append(f"{request.method} {request.path.partition('/api')[2]}")
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPNotFound:
            return told(404, "Not found")
        return answer

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"commit": "0", "database": "ok", "version": self.version})

    async def _list_folders(self, _: web.Request) -> web.Response:
        return web.json_response(self.folders)

    async def _make_folder(self, request: web.Request) -> web.Response:
        body = await request.json()
        if any(folder["title"] == body["title"] for folder in self.folders):
            return told(409, "a folder with the same name already exists")
        folder = {"id": len(self.folders) + 1, "uid": f"f{len(self.folders)}", "title": body["title"]}
        self.folders.append(folder)
        return web.json_response(folder)

    async def _read_dashboard(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.dashboards:
            return told(404, "Dashboard not found")
        return web.json_response({"meta": {"folderUid": self.folder_of[uid]}, "dashboard": self.dashboards[uid]})

    async def _write_dashboard(self, request: web.Request) -> web.Response:
        body = await request.json()
        dashboard = body["dashboard"]
        if dashboard["id"] is not None:
            return told(404, "Dashboard not found")
        if body["folderUid"] not in {"", *(folder["uid"] for folder in self.folders)}:
            return told(400, "folder not found")
        uid = dashboard["uid"]
        if uid in self.provisioned:
            return told(412, "Cannot save provisioned dashboard")
        if uid in self.dashboards and not body["overwrite"]:
            return told(412, "A dashboard with the same uid already exists")
        version = self.dashboards.get(uid, {}).get("version", 0) + 1
        self.dashboards[uid] = {**dashboard, "id": 7, "version": version}
        self.folder_of[uid] = body["folderUid"]
        return web.json_response({"id": 7, "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": version, "slug": "x"})

    async def _make_data_source(self, request: web.Request) -> web.Response:
        body = await request.json()
        if missing := {"name", "type", "access", "url"} - body.keys():
            return told(400, f"missing {sorted(missing)}")
        if any(one["name"] == body["name"] for one in self.data_sources):
            return told(409, "data source with the same name already exists")
        self.data_sources.append({**body, "id": len(self.data_sources) + 1, "readOnly": False})
        return web.json_response({"datasource": body, "id": len(self.data_sources), "message": "Datasource added"})

    async def _data_source_by_uid(self, request: web.Request) -> web.Response:
        return self._data_source("uid", request.match_info["uid"])

    async def _data_source_by_name(self, request: web.Request) -> web.Response:
        return self._data_source("name", request.match_info["name"])

    def _data_source(self, key: str, value: str) -> web.Response:
        found = [one for one in self.data_sources if one[key] == value]
        return web.json_response(found[0]) if found else told(404, "Data source not found")

    async def _change_data_source(self, request: web.Request) -> web.Response:
        body = await request.json()
        for place, one in enumerate(self.data_sources):
            if str(one["id"]) == request.match_info.get("id") or one["uid"] == request.match_info.get("uid"):
                self.data_sources[place] = {**one, **body}
                return web.json_response({"message": "Datasource updated"})
        return told(404, "Data source not found")

    async def _read_alert(self, request: web.Request) -> web.Response:
        found = self.alert_rules.get(request.match_info["uid"])
        return web.json_response(found) if found else told(404, "alert rule not found")

    async def _write_alert(self, request: web.Request) -> web.Response:
        body = await request.json()
        wanted = {"title", "ruleGroup", "folderUID", "orgID", "condition", "data", "noDataState", "execErrState", "for"}
        if missing := wanted - body.keys():
            return told(400, f"invalid alert rule: missing {sorted(missing)}")
        if body["folderUID"] not in {folder["uid"] for folder in self.folders}:
            return told(400, "folder does not exist")
        if request.method == "POST" and body["uid"] in self.alert_rules:
            return told(409, "rule with the same uid exists")
        self.alert_rules[body["uid"]] = {**body, "id": 1, "updated": "2026-01-01T00:00:00Z", "provenance": "api"}
        return web.json_response(self.alert_rules[body["uid"]], status=201 if request.method == "POST" else 200)

    async def _find_annotations(self, request: web.Request) -> web.Response:
        tags = set(request.query.getall("tags", []))
        found = [one for one in self.annotations if tags <= set(one["tags"])]
        return web.json_response(found[: int(request.query.get("limit", "100"))])

    async def _annotate(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not body.get("text"):
            return told(400, "Failed to save annotation: text field should not be empty")
        self.annotations.append({**body, "id": len(self.annotations) + 1})
        return web.json_response({"message": "Annotation added", "id": len(self.annotations)})


def told(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
