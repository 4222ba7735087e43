"""Pushing to a small Grafana made from its documented API, by both libraries: the contract that they share."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from gelombang.errors import ExitCode, InputError, TargetUnreachableError
from gelombang_dashboards.alert_rules import alert_rules
from gelombang_dashboards.build import OPENING_HOUR
from gelombang_dashboards.grafana_by_api import ByGrafanaApi
from gelombang_dashboards.grafana_by_client import ByGrafanaClient
from gelombang_dashboards.grafana_port import GrafanaPort
from gelombang_dashboards.push import base_url, carry_out, plan, read_dashboard
from gelombang_dashboards.push_changes import Action, Mark, Plan, Wanted
from gelombang_dashboards.rule_files import grafana_rule
from tests.wire.fake_grafana import TOKEN, FakeGrafana, told

FILE = Path(__file__).parents[2] / "dashboards" / "grafana" / "where-uploads-fail.json"
DASHBOARD = read_dashboard(FILE.read_text(encoding="utf-8"), "where-uploads-fail")
SOURCE: dict[str, object] = {
    "uid": "gelombang-prometheus",
    "name": "gelombang",
    "type": "prometheus",
    "access": "proxy",
    "url": "http://prometheus:9090",
    "jsonData": {"timeInterval": "1s"},
}
RULES = [grafana_rule(alert, OPENING_HOUR) for alert in alert_rules(OPENING_HOUR)]
MARKS = [
    Mark("people arrive", "phase", 1_700_000_000_000, 1_700_000_060_000, "run-1"),
    Mark("the store moves 10 %", "fault", 1_700_000_030_000, 1_700_000_030_000, "run-1"),
]
EVERYTHING = Wanted("gelombang", [DASHBOARD], data_source=SOURCE, alert_rules=RULES, marks=MARKS)
ONE_DASHBOARD = Wanted("gelombang", [DASHBOARD])

Library = type[ByGrafanaClient] | type[ByGrafanaApi]


@pytest.fixture(params=[ByGrafanaClient, ByGrafanaApi], ids=["grafana-client", "grafana-api"])
def library(request: pytest.FixtureRequest) -> Library:
    return request.param


@pytest.fixture(params=["", "/grafana"], ids=["at the root", "under a path"])
async def grafana(request: pytest.FixtureRequest) -> AsyncIterator[FakeGrafana]:
    async for fake in running(FakeGrafana(), request.param):
        yield fake


@pytest.fixture
async def old_grafana() -> AsyncIterator[FakeGrafana]:
    async for fake in running(FakeGrafana("7.5.17"), ""):
        yield fake


async def running(fake: FakeGrafana, prefix: str) -> AsyncIterator[FakeGrafana]:
    runner = web.AppRunner(fake.app(prefix), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.base = f"http://127.0.0.1:{runner.addresses[0][1]}{prefix}"
    yield fake
    fake.silent.set()
    await runner.cleanup()


async def push(
    base: str, library: Library, wanted: Wanted = ONE_DASHBOARD, token: str = TOKEN, within: float = 5.0, dry: bool = False
) -> Plan:
    """The push blocks, so it runs in a thread beside the fake's loop."""

    def work() -> Plan:
        port: GrafanaPort = library(base, token, within)
        with closing(port) as opened:
            found = plan(opened, base, wanted, within)
            if not dry:
                carry_out(opened, base, found, wanted, within)
            return found

    return await asyncio.to_thread(work)


async def test_a_first_push_makes_everything(grafana: FakeGrafana, library: Library) -> None:
    found = await push(grafana.base, library, EVERYTHING)
    assert {change.action for change in found.changes} == {Action.CREATE}
    assert [folder["title"] for folder in grafana.folders] == ["other", "gelombang"]
    assert grafana.dashboards["gelombang-uploads"]["panels"] == json.loads(FILE.read_text())["panels"]
    assert grafana.folder_of["gelombang-uploads"] == "f1"
    assert [source["url"] for source in grafana.data_sources] == ["http://prometheus:9090"]
    assert len(grafana.alert_rules) == len(RULES)
    assert {rule["folderUID"] for rule in grafana.alert_rules.values()} == {"f1"}
    assert [mark["text"] for mark in grafana.annotations] == ["people arrive", "the store moves 10 %"]
    assert grafana.annotations[1]["tags"] == ["gelombang", "fault", "run-1"]


async def test_a_second_push_writes_nothing(grafana: FakeGrafana, library: Library) -> None:
    await push(grafana.base, library, EVERYTHING)
    grafana.writes.clear()
    found = await push(grafana.base, library, EVERYTHING)
    assert {change.action for change in found.changes} == {Action.KEEP}
    assert grafana.writes == []


async def test_what_somebody_changed_is_shown_line_by_line_and_put_right(grafana: FakeGrafana, library: Library) -> None:
    await push(grafana.base, library, EVERYTHING)
    grafana.dashboards["gelombang-uploads"]["title"] = "Mine"
    grafana.data_sources[0]["url"] = "http://elsewhere:9090"
    uid = str(RULES[0]["uid"])
    grafana.alert_rules[uid]["for"] = "9h"
    grafana.writes.clear()
    found = await push(grafana.base, library, EVERYTHING, dry=True)
    assert grafana.writes == [], "a dry run writes nothing"
    differences = "\n".join(change.difference() for change in found.changes if change.action is Action.UPDATE)
    for line in ('- "title": "Mine"', '+ "title": "Where uploads fail"', '- "url": "http://elsewhere:9090"', '- "for": "9h"'):
        assert line in differences
    await push(grafana.base, library, EVERYTHING)
    assert len(grafana.writes) == 3
    assert grafana.dashboards["gelombang-uploads"]["title"] == "Where uploads fail"
    assert grafana.alert_rules[uid]["for"] == RULES[0]["for"]


async def test_a_dry_run_on_an_empty_grafana_says_what_it_would_make(grafana: FakeGrafana, library: Library) -> None:
    found = await push(grafana.base, library, dry=True)
    assert [str(change) for change in found.changes] == ["create    folder gelombang", "create    dashboard Where uploads fail"]
    assert len(grafana.folders) == 1


async def test_an_old_grafana_gets_what_it_can_take_and_the_rest_is_said(old_grafana: FakeGrafana, library: Library) -> None:
    found = await push(old_grafana.base, library, EVERYTHING)
    assert old_grafana.alert_rules == {}
    assert found.left_out == ["alert rules: this Grafana is version 7, which keeps none by its API; want 9 or later"]
    old_grafana.data_sources[0]["url"] = "http://elsewhere:9090"
    await push(old_grafana.base, library, EVERYTHING)
    assert old_grafana.data_sources[0]["url"] == "http://prometheus:9090"
    assert "PUT /datasources/1" in old_grafana.writes


async def test_the_folder_general_is_grafanas_root_and_keeps_no_alert_rules(grafana: FakeGrafana, library: Library) -> None:
    found = await push(grafana.base, library, Wanted("General", [DASHBOARD], alert_rules=RULES))
    assert grafana.folder_of["gelombang-uploads"] == ""
    assert len(grafana.folders) == 1
    assert found.left_out == ["alert rules: Grafana keeps none in the folder General; want a folder of their own"]


async def test_a_dashboard_exported_with_the_id_of_another_grafana_is_taken(grafana: FakeGrafana, library: Library) -> None:
    exported = read_dashboard('{"id": 42, "uid": "mine", "title": "Mine", "panels": []}', "exported.json")
    await push(grafana.base, library, Wanted("gelombang", [exported]))
    assert grafana.dashboards["mine"]["title"] == "Mine"


async def test_a_wrong_token_is_said_without_showing_it(grafana: FakeGrafana, library: Library) -> None:
    with pytest.raises(InputError, match=r"does not accept the token \(401\)") as raised:
        await push(grafana.base, library, token="glsa_wrong")
    assert "glsa_wrong" not in str(raised.value)
    assert raised.value.exit_code is ExitCode.WRONG_INPUT


async def test_a_token_that_may_only_read_is_said(grafana: FakeGrafana, library: Library) -> None:
    grafana.may_write = False
    with pytest.raises(InputError, match=r"\(403: .*\); want one with the role Editor"):
        await push(grafana.base, library)


async def test_a_data_source_of_the_same_name_and_another_uid_is_said(grafana: FakeGrafana, library: Library) -> None:
    grafana.data_sources.append({**SOURCE, "uid": "mine", "id": 1})
    with pytest.raises(InputError, match=r"same name or uid \(409: data source with the same name"):
        await push(grafana.base, library, EVERYTHING)


async def test_a_provisioned_dashboard_is_said(grafana: FakeGrafana, library: Library) -> None:
    grafana.provisioned.add("gelombang-uploads")
    with pytest.raises(InputError, match=r"\(412: Cannot save provisioned dashboard\)"):
        await push(grafana.base, library)


async def test_an_address_with_something_else_behind_it_is_said(grafana: FakeGrafana, library: Library) -> None:
    with pytest.raises(InputError, match=r"has no Grafana API \(404\)"):
        await push(f"{grafana.base}/elsewhere", library)
    for answer, said in [
        (web.json_response(["not", "Grafana"]), "does not answer as Grafana does"),
        (web.Response(body=b"{", content_type="application/json"), "not with JSON"),
    ]:
        grafana.broken = answer
        with pytest.raises(InputError, match=said):
            await push(grafana.base, library)


async def test_a_page_that_is_no_json_is_said(grafana: FakeGrafana, library: Library) -> None:
    grafana.broken = web.Response(text="<html>hello</html>", content_type="text/html")
    with pytest.raises(InputError, match=r"does not answer as Grafana does|not with JSON"):
        await push(grafana.base, library)


async def test_a_grafana_that_is_broken_is_said(grafana: FakeGrafana, library: Library) -> None:
    grafana.broken = told(503, "database is locked")
    with pytest.raises(TargetUnreachableError, match="answered 503: database is locked") as raised:
        await push(grafana.base, library)
    assert raised.value.exit_code is ExitCode.UNREACHABLE


async def test_a_grafana_that_never_answers_is_said_after_the_named_time(grafana: FakeGrafana, library: Library) -> None:
    grafana.silent.clear()
    with pytest.raises(TargetUnreachableError, match=r"did not answer within 0\.2 s"):
        await push(grafana.base, library, within=0.2)


async def test_a_refused_connection_is_said(unused_tcp_port: int, library: Library) -> None:
    with pytest.raises(TargetUnreachableError, match=r"can't be reached \(.*[Rr]efused.*\)") as raised:
        await push(f"http://127.0.0.1:{unused_tcp_port}", library)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:3000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://127.0.0.1/?orgId=1"]
)
def test_a_url_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InputError, match="want http://host:port"):
        base_url(url)


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(InputError, match="without") as raised:
        base_url("http://admin:hunter2@127.0.0.1:3000")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"title": "no uid"}', '{"uid": "no-title"}'])
def test_a_file_that_is_no_dashboard_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="want a dashboard"):
        read_dashboard(text, "mine.json")


async def test_an_empty_folder_title_is_refused(grafana: FakeGrafana, library: Library) -> None:
    with pytest.raises(InputError, match="title is empty"):
        await push(grafana.base, library, Wanted(" ", [DASHBOARD]))
