"""What comes in through the door: wrong requests, bounds, clients that leave. Nothing that a client sends is a 500."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serversite import PASSWORD, Site, plan, profile, serving

from gelombang.attempt_id import AttemptId
from gelombang.ledger import SERVER_ROW, read_rows

JSON = {"Content-Type": "application/json"}
BODIES = (
    ("POST", "/api/v1/accounts", {"name": "Siti", "email": "siti@mail.example", "password": PASSWORD}),
    ("POST", "/api/v1/sessions", {"email": "siti@mail.example", "password": PASSWORD}),
    ("PUT", "/api/v1/me/data", {"nik": "9901015204900001", "kk": "9901010101100001", "birth_date": "1990-04-12", "address": "Jalan 1"}),
    ("POST", "/api/v1/me/otp", {"phone": "+6200012345678"}),
    ("PUT", "/api/v1/me/otp", {"code": "123456"}),
    ("PUT", "/api/v1/me/test", {"answers": [1] * 18}),
    ("POST", "/api/v1/me/waves/wave-1", {"accept_terms": True}),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        yield site


async def sent(site: Site, method: str, path: str, body: bytes, **headers: str) -> tuple[int, str]:
    status, document = await site.ask(method, path, data=body, headers=JSON | headers)
    return status, document.get("code", "")


async def test_an_unknown_route_and_a_wrong_method_are_told_apart(site: Site) -> None:
    assert await sent(site, "GET", "/api/v2/accounts", b"") == (404, "unknown_route")
    async with site.client.request("DELETE", site.url + "/api/v1/accounts") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert (await answer.json(content_type="application/problem+json"))["code"] == "wrong_method"


async def test_a_problem_document_says_it_all(site: Site) -> None:
    _, document = await site.ask("GET", "/nowhere")
    assert document == {
        "type": "/problems/unknown_route",
        "title": "unknown route",
        "status": 404,
        "detail": "not found",
        "code": "unknown_route",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "malformed_request")),
        (b"{", (400, "malformed_request")),
        (b"[]", (400, "malformed_request")),
        (b"null", (400, "malformed_request")),
        (b"\xff\xfe", (400, "malformed_request")),
        (b'{"name": "\\ud800"}', (400, "malformed_request")),
        (b"[" * 5_000, (400, "malformed_request")),
        (b"{}", (422, "field_missing")),
        (b'{"name": "Siti", "email": "siti@mail.example"}', (422, "field_missing")),
        (b'{"name": 1, "email": "siti@mail.example", "password": "rahasia"}', (422, "field_invalid")),
        (b'{"name": "Siti", "email": "siti", "password": "rahasia"}', (422, "field_invalid")),
        (b'{"name": "Siti", "email": "siti@mail.example", "password": "lima5"}', (422, "field_invalid")),
        (b'{"name": " ", "email": "siti@mail.example", "password": "rahasia"}', (422, "field_invalid")),
    ],
)
async def test_a_wrong_body_is_named(site: Site, body: bytes, expected: tuple[int, str]) -> None:
    assert await sent(site, "POST", "/api/v1/accounts", body) == expected


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"name": "Siti", "email": "siti", "password": "rahasia"}', "email: want an address such as siti@mail.example"),
        (b'{"name": "Siti", "email": "siti@mail.example", "password": "lima5"}', "password: string should have at least 6 characters"),
        (b'{"name": " ", "email": "siti@mail.example", "password": "rahasia"}', "name: want a name of 1 to 100 characters"),
    ],
)
async def test_a_wrong_field_is_explained_in_words_and_not_by_a_pattern(site: Site, body: bytes, detail: str) -> None:
    status, document = await site.ask("POST", "/api/v1/accounts", data=body, headers=JSON)
    assert (status, document["detail"]) == (422, detail)


async def test_a_body_must_be_json_by_its_type_and_small_by_its_length(site: Site) -> None:
    assert await sent(site, "POST", "/api/v1/accounts", b"{}", **{"Content-Type": "text/plain"}) == (415, "wrong_type")
    assert await sent(site, "POST", "/api/v1/accounts", b" " * 16_385) == (413, "body_too_large")

    async def without_length() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 8_192

    status, document = await site.ask("POST", "/api/v1/accounts", data=without_length(), headers=dict(JSON))
    assert (status, document["code"]) == (413, "body_too_large")


async def test_a_body_that_can_not_be_unpacked_is_malformed(site: Site) -> None:
    status, code = await sent(site, "POST", "/api/v1/accounts", b"this is no gzip", **{"Content-Encoding": "gzip"})
    assert (status, code) == (400, "malformed_request")


@pytest.mark.parametrize(
    "target", [b"/\xff", b"/%ff%fe", b"/api/v1/email-links/%ff%00", b"/api/v1/email-links/\xff", b"/api/v1/me/waves/%ed%a0%80"]
)
async def test_bytes_that_are_no_text_are_no_reason_to_fail(site: Site, target: bytes) -> None:
    session = await site.sign_up()
    for method in (b"GET", b"POST"):
        host, port = site.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = b"Host: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
        headers = head + b"X-Bytes: \xff\xfe\r\ntraceparent: 00-\xff-01\r\nAuthorization: Bearer " + session.encode()
        writer.write(method + b" " + target + b" HTTP/1.1\r\n" + headers + b"\r\n\r\n{}")
        answer = await reader.read()
        assert answer.split(b" ")[1] in (b"400", b"404", b"405"), answer
        writer.close()
        await writer.wait_closed()


async def test_a_password_is_never_told_back(site: Site) -> None:
    body = {"name": "Siti", "email": "siti@mail.example", "password": "s3cr3"}
    async with site.client.post(site.url + "/api/v1/accounts", json=body) as answer:
        assert answer.status == 422
        assert b"s3cr3" not in await answer.read()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=6,
)
fields = st.sampled_from(["name", "email", "password", "nik", "kk", "birth_date", "address", "phone", "code", "answers", "accept_terms"])


requests = st.tuples(st.sampled_from(BODIES), st.dictionaries(fields, values, max_size=3), st.none() | st.binary(max_size=40))


@given(st.lists(requests, min_size=1, max_size=20))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_makes_the_server_fail(
    tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[tuple[str, str, dict[str, Any]], dict[str, Any], bytes | None]]
) -> None:
    async def try_them() -> None:
        async with serving(plan(tmp_path_factory.mktemp("site"), profile("hardened"))) as site:
            session = await site.sign_up("budi")
            site.execute("UPDATE applicants SET email_verified_us = 1")
            for (method, path, body), changes, raw in requests:
                data = json.dumps(body | changes).encode() if raw is None else raw
                status, document = await site.ask(method, path, data=data, headers=dict(JSON), session=session)
                assert status < 500, document

    asyncio.run(try_them())


async def test_requests_over_the_limit_are_shed_with_a_time_to_come_back(tmp_path: Path) -> None:
    slow = {"memory_bytes": 600_000_000, "time_cost": 1}
    site_of_one = profile("hardened", api={"requests_limit": 1}, password=slow)
    async with serving(plan(tmp_path, site_of_one)) as site:
        body = {"name": "Siti", "email": "siti@mail.example", "password": PASSWORD}
        answers = await asyncio.gather(*(site.ask("POST", "/api/v1/accounts", body) for _ in range(4)))
        shed = [document for status, document in answers if status == 503]
        assert [status for status, _ in answers].count(201) == 1
        assert {document["code"] for document in shed} == {"too_many_requests_in_progress"}
        assert shed[0]["retry_after_seconds"] == pytest.approx(5 / 60)
        assert (await site.ask("GET", "/healthz"))[0] == 200


async def test_each_queue_has_its_bound(tmp_path: Path) -> None:
    bounds = {"password": {"queue_limit": 1, "threads_limit": 1}, "messages": {"queue_limit": 100, "mail_per_second": 0.001}}
    async with serving(plan(tmp_path, profile("hardened", registry={"queue_limit": 50, "lookups_per_second": 0.001}, **bounds))) as site:
        people = [{"name": "Siti", "email": f"siti{n}@mail.example", "password": PASSWORD} for n in range(10)]
        answers = await asyncio.gather(*(site.ask("POST", "/api/v1/accounts", body) for body in people))
        codes = {document.get("code") for status, document in answers}
        assert codes == {None, "hash_queue_full"}
        # The first mail left for the partner at once and travels; the outbox has two places, so at most two more fit.
        while (answer := await site.ask("POST", "/api/v1/accounts", people[0] | {"email": f"{len(codes)}@mail.example"}))[0] == 201:
            codes.add(str(len(codes)))
            assert len(codes) < 6
        assert answer[1]["code"] == "message_queue_full"
        assert site.execute("SELECT count(*) FROM outbox")[0][0] <= 2
        session = (await site.ask("POST", "/api/v1/sessions", {"email": _first(site), "password": PASSWORD}))[1]["session"]
        site.execute("UPDATE applicants SET email_verified_us = 1")
        site.execute("INSERT INTO registry_queue (applicant, nik, queued_us) SELECT id, '1', 1 << 62 FROM applicants LIMIT 1")
        status, full = await site.ask("PUT", "/api/v1/me/data", BODIES[2][2], session)
        assert (status, full["code"]) == (503, "registry_queue_full")


def _first(site: Site) -> str:
    return str(site.execute("SELECT email FROM applicants ORDER BY id")[0][0])


async def test_a_client_that_left_before_the_answer_is_not_counted_as_heard(tmp_path: Path) -> None:
    """april-2020 goes on: the account is made. A client that left in the middle of its body did not ask for anything."""
    slow = {"memory_bytes": 1_200_000_000, "time_cost": 2}
    async with serving(plan(tmp_path, profile("hardened", uploads={"cancels_when_client_left": False}, password=slow))) as site:
        host, port = site.url.removeprefix("http://").split(":")
        body = json.dumps({"name": "Siti", "email": "siti@mail.example", "password": PASSWORD}).encode()
        for step, part in enumerate((body, body[:10]), 1):
            trace = AttemptId(run=77, person=5, tab=0, step=step, number=1).traceparent(1)
            _, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}traceparent: {trace}\r\n\r\n".encode() + part)
            while site.context.book.in_flight == 0:
                await asyncio.sleep(0.001)
            writer.close()
            await writer.wait_closed()
            while site.context.book.in_flight:
                await asyncio.sleep(0.001)
        assert site.execute("SELECT count(*) FROM applicants") == [(1,)]
    whole, half = read_rows(tmp_path / "ledger-server-0.bin", SERVER_ROW)
    assert (whole["outcome"], whole["stage"], whole["status"]) == (6, 9, 201)
    assert (half["outcome"], half["stage"], half["code"], half["status"]) == (5, 4, 60, 499)


async def test_a_body_that_stops_coming_ends_the_request(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened", uploads={"body_stall_seconds": 1.2}))) as site:
        host, port = site.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()
        await writer.wait_closed()


async def test_a_full_ledger_stops_the_process_and_is_no_crash(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"), ledger_rows_limit=1)) as site:
        for number, expected in ((1, 200), (2, 503)):
            trace = AttemptId(run=77, person=5, tab=0, step=1, number=number).traceparent(1)
            assert (await site.ask("GET", "/healthz", headers={"traceparent": trace}))[0] == expected
        assert site.context.stopping.is_set()
        assert "full at 1 rows" in str(site.context.failure)
