"""The log of a server process: a line for each request, nothing about a person, bounded, and never in the way."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from serversite import RUN, plan, profile, serving

from gelombang.attempt import Code
from gelombang.attempt_id import AttemptId
from gelombang.profile import Log
from gelombang_server.app import site_routes
from gelombang_server.logbook import Logbook, Row
from gelombang_server.routes import Route

NIK, KK, PHONE, OTP, PASSWORD = "9971234101900001", "9971234101900002", "+6299912345678", "48151623", "rahasia-sekali"
NAME, EMAIL, ADDRESS = "Siti Nurbaya", "siti.nurbaya@mail.example", "Jalan Melati 17"
PLANTED = {"nik": NIK, "kk": KK, "birth_date": "1990-01-01", "address": ADDRESS, "phone": PHONE, "code": OTP, "password": PASSWORD}
PLANTED |= {"name": NAME, "email": EMAIL}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log-server-0.jsonl").read_text().splitlines()]


def logged(name: str = "hardened", **log: int) -> Any:
    return profile(name, uploads={"own_process": False}).model_copy(update={"log": Log(**log)})


async def test_a_request_has_a_line_with_its_trace_its_attempt_and_what_became_of_it(tmp_path: Path) -> None:
    trace = AttemptId(RUN, 5, 0, 3, 2)
    async with serving(plan(tmp_path, logged())) as site:
        await site.ask("GET", "/api/v1/me", headers={"traceparent": trace.traceparent(1)})
        await site.ask("GET", "/healthz")
        await site.ask("GET", "/healthz", headers={"traceparent": "00-" + "A" * 32 + "-0000000000000001-01"})
    asked, health, other, *_, closed = lines(tmp_path)  # the process asks itself once before it ends
    assert (asked["level"], asked["event"], asked["trace"]) == ("warning", "request", trace.trace_id())
    assert (asked["attempt"], asked["route"], asked["status"], asked["code"]) == ([5, 0, 3, 2], "status", 401, "session_missing")
    assert (health["level"], health["attempt"], health["route"], health["code"]) == ("info", None, "health", None)
    assert len({line["trace"] for line in (asked, health, other)}) == 3
    assert all(len(bytes.fromhex(line["trace"])) == 16 for line in (health, other))
    assert (closed["event"], closed["dropped"]) == ("closed", 0)


async def test_nothing_about_a_person_is_in_the_log_of_any_route(tmp_path: Path) -> None:
    for name in ("hardened", "april-2020"):
        folder = tmp_path / name
        folder.mkdir()
        site_profile = logged(name)
        async with serving(plan(folder, site_profile)) as site:
            session = await site.sign_up("siti")
            for row in site_routes(site_profile):
                path = re.sub(r"\{(\w+)[^{}]*(\{[^{}]*\}[^{}]*)*\}", lambda part: "ktp" if part[1] == "kind" else NIK, row.path)
                headers = {"X-Person": EMAIL, "Cookie": f"phone={PHONE}", "Authorization": f"Bearer {session}", "Idempotency-Key": NIK}
                async with site.client.request(
                    row.method, f"{site.url}{path}?email={EMAIL}&ticket={NIK}", json=PLANTED, headers=headers
                ) as answer:
                    await answer.read()
        said = (folder / "log-server-0.jsonl").read_text()
        assert {line["route"] for line in lines(folder)[:-1]} == {row.route.label for row in site_routes(site_profile)}
        digests = [hashlib.sha256(value.encode()).hexdigest() for value in PLANTED.values()]
        for planted in [*PLANTED.values(), *digests, EMAIL.partition("@")[0], "Siti", session]:
            assert planted not in said, planted


async def test_without_a_log_in_the_profile_there_is_none(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        await site.ask("GET", "/healthz")
    assert not list(tmp_path.glob("log-*"))


def row(number: int) -> Row:
    return Row(number, None, None, Route.HEALTH, 200, Code.NONE, 10)


def test_a_full_file_drops_lines_and_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "log-server-0.jsonl"
    book = Logbook(path, Log(file_bytes_limit=1_000))
    for number in range(100):
        book.note(row(number))
    book.close()
    assert path.stat().st_size <= 1_000
    kept = len(path.read_text().splitlines())
    assert book.dropped >= 100 - kept > 0


def test_a_queue_without_room_drops_the_line_at_once(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "log-server-0.jsonl", Log(lines_queue_limit=1))
    many = 20_000
    for number in range(many):
        book.note(row(number))
    book.close()
    *written, closed = lines(tmp_path)
    assert closed["dropped"] == book.dropped == many - len(written) > 0
