"""A test whose answers are saved one by one, over HTTP, with a clock that the test moves; and what it promises in every database."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gelombang.attempt import Code
from gelombang.programme.benefits import Terms
from gelombang_server.applicants import find_applicant
from gelombang_server.peoplestore import Cursor, PeopleStore
from gelombang_server.problem import Problem
from gelombang_server.programme.books import read_books
from gelombang_server.saved_answers import find_answers, hand_in_answers, keep_answer
from support.programme_site import ProgrammeSite, programme_site
from tests.support.people_stores import people_store

SECOND_US = 1_000_000 // 60
"""Of the people's time, in wall time."""
TIME_US = 25_000_000
"""25 minutes, sixty times as fast."""
TERMS = Terms(1_000_000, 600_000, 4, 50_000, 3, first_training_us=100, month_us=1_000)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ProgrammeSite]:
    """Three people to whom the test is all that is left."""
    async with programme_site(tmp_path, 3, 1, wave=None, photos=True) as site:
        yield site


async def refused(site: ProgrammeSite, method: str, path: str, json: object = None) -> tuple[int, str]:
    status, document = await site.ask(1, method, path, json)
    return status, document["code"]


async def test_answers_are_saved_one_by_one_replaced_until_handed_in_and_handed_in_once(site: ProgrammeSite) -> None:
    assert await refused(site, "PUT", "test/answers/1", {"answer": 2}) == (409, "step_not_open")
    assert (await site.ask(1, "GET", "test"))[1]["state"] == "not_begun"
    assert (await site.ask(1, "POST", "test"))[0] == 201
    for answer in (2, 2, 4):
        assert await site.ask(1, "PUT", "test/answers/1", {"answer": answer}) == (200, {"question": 1, "answer": answer})
    await site.ask(1, "PUT", "test/answers/3", {"answer": 1})
    _, looked = await site.ask(1, "GET", "test")
    assert (looked["state"], looked["saved"], looked["next"], looked["complete"]) == ("in_progress", 2, 2, False)
    assert site.rows("SELECT question, answer FROM test_answers WHERE applicant = 1") == [(1, 4), (3, 1)]
    assert await site.ask(1, "POST", "test/handed-in") == (200, {"state": "scored", "saved": 2})
    assert await refused(site, "POST", "test/handed-in") == (409, "already_done")
    assert await refused(site, "PUT", "test/answers/2", {"answer": 1}) == (409, "already_done")
    assert site.rows("SELECT answers FROM tests WHERE applicant = 1") == [(bytes([4, 0, 1] + [0] * 15),)]


@pytest.mark.parametrize("question", ["0", "19", "-1", "1.0", "one", "٣", "0" * 200])
async def test_a_question_that_is_none_of_the_test_is_refused_and_nothing_saved(site: ProgrammeSite, question: str) -> None:
    await site.ask(1, "POST", "test")
    assert await refused(site, "PUT", f"test/answers/{question}", {"answer": 1}) == (422, "field_invalid")
    assert await refused(site, "PUT", "test/answers/1", {"answer": 5}) == (422, "field_invalid")
    assert site.rows("SELECT 1 FROM test_answers") == []


async def test_the_sites_clock_ends_the_test_and_what_was_saved_counts(site: ProgrammeSite) -> None:
    await site.ask(1, "POST", "test")
    await site.ask(1, "PUT", "test/answers/1", {"answer": 3})
    site.moment_us = TIME_US
    assert (await site.ask(1, "PUT", "test/answers/2", {"answer": 3}))[0] == 200
    assert (await site.join(1, "wave-1"))[1]["code"] == "step_not_open"
    site.moment_us += SECOND_US
    assert await refused(site, "PUT", "test/answers/3", {"answer": 3}) == (410, "test_time_over")
    assert await refused(site, "POST", "test/handed-in") == (410, "test_time_over")
    assert await refused(site, "PUT", "test", {"answers": [1] * 18}) == (410, "test_time_over")
    _, looked = await site.ask(1, "GET", "test")
    assert (looked["state"], looked["saved"], looked["left_seconds"]) == ("done", 2, 0)
    _, status = await site.site.ask("GET", "/api/v1/me", session=site.session(1))
    assert status["steps"]["test"] is True
    assert status["photos"] == {"ktp": "validated", "selfie": "validated"}
    assert (await site.join(1, "wave-1"))[0] == 201
    _, books = await site.operator("GET", "books")
    assert (books["breaches"], books["members"], books["tests"]) == (0, 1, {"begun": 1, "handed_in": 0, "answers": 2})


async def test_a_second_test_and_a_wave_without_one_are_refused(site: ProgrammeSite) -> None:
    assert (await site.join(1, "wave-1"))[1]["code"] == "step_not_open"
    await site.ask(1, "POST", "test")
    site.moment_us = TIME_US + SECOND_US
    assert await refused(site, "POST", "test") == (409, "already_done")


async def test_handing_in_again_with_its_key_has_the_same_answer(site: ProgrammeSite) -> None:
    await site.ask(1, "POST", "test")
    await site.ask(1, "PUT", "test/answers/1", {"answer": 3})
    headers = {"Authorization": f"Bearer {site.session(1)}", "Idempotency-Key": '"once"'}
    for _ in range(2):
        async with site.site.client.post(f"{site.site.url}/api/v1/me/test/handed-in", headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"state": "scored", "saved": 1})
    assert site.site.sample("people_steps_total", step="test") == 1


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PeopleStore]:
    """With one person, whose test began at 10 and lasts 100."""

    def begin(cursor: Cursor) -> None:
        insert = "INSERT INTO applicants (id, email, name, password_hash, created_us) VALUES (1, 'a@mail.example', 'x', 'x', 1)"
        cursor.execute(insert)
        cursor.execute("INSERT INTO photos_elsewhere (applicant, states) VALUES (1, 'ktp validated,selfie received')")
        cursor.execute("INSERT INTO tests (applicant, began_us) VALUES (1, 10)")

    async with people_store(request, tmp_path) as opened:
        await opened.run(begin)
        yield opened


async def test_every_database_keeps_the_latest_answer_until_the_end(store: PeopleStore) -> None:
    for question, answer in ((1, 2), (2, 1), (1, 2), (1, 3)):
        await store.run(lambda cursor, question=question, answer=answer: keep_answer(cursor, 1, question, answer, 110, 100))
    assert await store.read(lambda cursor: find_answers(cursor, 1)) == {1: 3, 2: 1}
    with pytest.raises(Problem) as late:
        await store.run(lambda cursor: keep_answer(cursor, 1, 3, 1, 111, 100))
    assert late.value.code is Code.TEST_TIME_OVER
    assert await store.run(lambda cursor: hand_in_answers(cursor, 1, 3, 110, 100)) == 2
    with pytest.raises(Problem) as again:
        await store.run(lambda cursor: hand_in_answers(cursor, 1, 3, 110, 100))
    assert again.value.code is Code.ALREADY_DONE
    row = await store.read(lambda cursor: cursor.execute("SELECT handed_in_us, answers FROM tests").fetchone())
    assert tuple(row) == (110, bytes([3, 1, 0]))
    applicant = await store.read(lambda cursor: find_applicant(cursor, 1))
    assert applicant.photo_states == {"ktp": "validated", "selfie": "received"}


async def test_the_books_of_every_database_name_an_answer_out_of_time_and_a_place_without_a_test(store: PeopleStore) -> None:
    def wrong(cursor: Cursor) -> None:
        cursor.execute("INSERT INTO test_answers (applicant, question, answer, saved_us) VALUES (1, 1, 1, 111)")
        row = "INSERT INTO applicants (id, email, name, password_hash, created_us) VALUES (2, 'b@mail.example', 'x', 'x', 1)"
        cursor.execute(row)
        cursor.execute("INSERT INTO memberships (wave, applicant, joined_us) VALUES ('wave-1', 2, 5)")

    await store.run(wrong)
    books = await store.run(lambda cursor: read_books(cursor, TERMS, {}, 100))
    assert books.breaches == 2
    assert all(re.match("1 (answers|places) ", one) for one in books.named)
