"""Pushing to a small Grafana made from its documented API: real sockets, its paths and its JSON spelt out."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from gelombang.errors import ExitCode, InputError, TargetUnreachableError
from gelombang_dashboards.push import PushResult, push_dashboard

FILE = Path(__file__).parents[2] / "dashboards" / "grafana" / "where-uploads-fail.json"
TOKEN = "glsa_not-a-real-one"


class FakeGrafana:
    """Folders and dashboards of one organisation; `broken` answers every API call with that status, `silent` with nothing."""

    def __init__(self) -> None:
        self.folders: list[dict] = [{"id": 1, "uid": "other", "title": "other"}]
        self.dashboards: dict[str, dict] = {}
        self.versions: dict[str, int] = {}
        self.broken: web.Response | None = None
        self.may_write = True
        self.silent = asyncio.Event()
        self.silent.set()
        self.base = ""

    def app(self, prefix: str) -> web.Application:
        app = web.Application(middlewares=[self._gate])
        app.router.add_get(f"{prefix}/api/health", self._health)
        app.router.add_get(f"{prefix}/api/folders", self._list_folders)
        app.router.add_post(f"{prefix}/api/folders", self._make_folder)
        app.router.add_post(f"{prefix}/api/dashboards/db", self._write)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: object) -> web.StreamResponse:
        await self.silent.wait()
        if self.broken is not None:
            return self.broken
        if not request.path.endswith("/api/health"):
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return web.json_response({"message": "Invalid API key"}, status=401)
            if request.method != "GET" and not self.may_write:
                return web.json_response({"message": "Access denied"}, status=403)
        return await handler(request)  # type: ignore[operator]

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"commit": "0", "database": "ok", "version": "12.0.0"})

    async def _list_folders(self, _: web.Request) -> web.Response:
        return web.json_response(self.folders)

    async def _make_folder(self, request: web.Request) -> web.Response:
        body = await request.json()
        if any(folder["title"] == body["title"] for folder in self.folders):
            return web.json_response({"message": "a folder with the same name already exists"}, status=409)
        folder = {"id": len(self.folders) + 1, "uid": f"f{len(self.folders)}", "title": body["title"]}
        self.folders.append(folder)
        return web.json_response(folder)

    async def _write(self, request: web.Request) -> web.Response:
        body = await request.json()
        dashboard = body["dashboard"]
        if dashboard["id"] is not None:
            return web.json_response({"message": "Dashboard not found", "status": "not-found"}, status=404)
        if body["folderUid"] not in {"", *(folder["uid"] for folder in self.folders)}:
            return web.json_response({"message": "folder not found"}, status=400)
        uid = dashboard["uid"]
        if uid in self.dashboards and not body["overwrite"]:
            return web.json_response({"message": "A dashboard with the same uid already exists", "status": "version-mismatch"}, status=412)
        self.dashboards[uid] = {**dashboard, "folder": body["folderUid"]}
        self.versions[uid] = self.versions.get(uid, 0) + 1
        slug = {"id": 7, "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": self.versions[uid], "slug": "x"}
        return web.json_response(slug)


@pytest.fixture(params=["", "/grafana"], ids=["at the root", "under a path"])
async def grafana(request: pytest.FixtureRequest) -> AsyncIterator[FakeGrafana]:
    fake = FakeGrafana()
    runner = web.AppRunner(fake.app(request.param), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.base = f"http://127.0.0.1:{runner.addresses[0][1]}{request.param}"
    yield fake
    fake.silent.set()
    await runner.cleanup()


async def push(url: str, token: str = TOKEN, folder: str = "gelombang", path: Path = FILE, within: float = 5.0) -> PushResult:
    """The push blocks, so it runs in a thread beside the fake's loop."""
    return await asyncio.to_thread(push_dashboard, url, token, folder, path, within)


async def test_a_first_push_makes_the_folder_and_the_dashboard(grafana: FakeGrafana) -> None:
    result = await push(grafana.base + "/")
    assert [folder["title"] for folder in grafana.folders] == ["other", "gelombang"]
    written = grafana.dashboards["gelombang-uploads"]
    assert written["folder"] == "f1"
    assert written["panels"] == json.loads(FILE.read_text())["panels"]
    assert result == PushResult(f"{grafana.base}/d/gelombang-uploads", "gelombang-uploads", "gelombang", folder_created=True, version=1)
    assert str(result) == f"{grafana.base}/d/gelombang-uploads: version 1 in folder gelombang (created)"


async def test_a_second_push_overwrites_the_one_dashboard_in_the_folder_that_is_there(grafana: FakeGrafana) -> None:
    await push(grafana.base)
    result = await push(grafana.base)
    assert (result.version, result.folder_created) == (2, False)
    assert len(grafana.folders) == 2
    assert len(grafana.dashboards) == 1


async def test_the_folder_general_is_grafanas_root(grafana: FakeGrafana) -> None:
    await push(grafana.base, folder="General")
    assert grafana.dashboards["gelombang-uploads"]["folder"] == ""
    assert len(grafana.folders) == 1


async def test_a_dashboard_exported_with_the_id_of_another_grafana_is_taken(grafana: FakeGrafana, tmp_path: Path) -> None:
    path = tmp_path / "exported.json"
    path.write_text('{"id": 42, "uid": "mine", "title": "Mine", "panels": []}')
    assert (await push(grafana.base, path=path)).uid == "mine"


async def test_a_wrong_token_is_said_without_showing_it(grafana: FakeGrafana) -> None:
    with pytest.raises(InputError, match=r"does not accept the token \(401\)") as raised:
        await push(grafana.base, token="glsa_wrong")
    assert "glsa_wrong" not in str(raised.value)
    assert raised.value.exit_code is ExitCode.WRONG_INPUT


async def test_a_token_that_may_only_read_is_said(grafana: FakeGrafana) -> None:
    grafana.may_write = False
    with pytest.raises(InputError, match=r"\(403\); want a service account with the role Editor"):
        await push(grafana.base)


async def test_an_address_with_something_else_behind_it_is_said(grafana: FakeGrafana) -> None:
    with pytest.raises(InputError, match=r"has no Grafana API \(404\)"):
        await push(f"{grafana.base}/elsewhere")
    for answer, said in [
        (web.Response(text="<html>hello</html>", content_type="text/html"), "does not answer as Grafana does"),
        (web.json_response(["not", "Grafana"]), "does not answer as Grafana does"),
        (web.Response(body=b"{", content_type="application/json"), "not with JSON"),
    ]:
        grafana.broken = answer
        with pytest.raises(InputError, match=said):
            await push(grafana.base)


async def test_a_grafana_that_is_broken_is_said(grafana: FakeGrafana) -> None:
    grafana.broken = web.json_response({"message": "database is locked"}, status=503)
    with pytest.raises(TargetUnreachableError, match="answered 503: database is locked") as raised:
        await push(grafana.base)
    assert raised.value.exit_code is ExitCode.UNREACHABLE


async def test_a_grafana_that_never_answers_is_said_after_the_named_time(grafana: FakeGrafana) -> None:
    grafana.silent.clear()
    with pytest.raises(TargetUnreachableError, match=r"did not answer within 0\.2 s"):
        await push(grafana.base, within=0.2)


async def test_a_refused_connection_is_said(unused_tcp_port: int) -> None:
    with pytest.raises(TargetUnreachableError, match=r"can't be reached \(.*[Rr]efused.*\)") as raised:
        await push(f"http://127.0.0.1:{unused_tcp_port}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:3000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://127.0.0.1/?orgId=1"]
)
def test_a_url_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InputError, match="want http://host:port"):
        push_dashboard(url, TOKEN, "gelombang", FILE)


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(InputError, match="without") as raised:
        push_dashboard("http://admin:hunter2@127.0.0.1:3000", TOKEN, "gelombang", FILE)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"title": "no uid"}', '{"uid": "no-title"}'])
def test_a_file_that_is_no_dashboard_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dashboard.json"
    path.write_text(text)
    with pytest.raises(InputError, match="want a dashboard"):
        push_dashboard("http://127.0.0.1:1", TOKEN, "gelombang", path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json does not exist"):
        push_dashboard("http://127.0.0.1:1", TOKEN, "gelombang", tmp_path / "nowhere.json")


def test_an_empty_folder_title_is_refused() -> None:
    with pytest.raises(InputError, match="title is empty"):
        push_dashboard("http://127.0.0.1:1", TOKEN, " ", FILE)
