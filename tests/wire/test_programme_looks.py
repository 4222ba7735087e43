"""Waves, the draw and looks over HTTP, with a clock that the test moves."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from gelombang.programme.lottery import hold_draw
from gelombang_server.programme.drawing import seed_of
from support.programme_site import (
    CLOSES,
    CLOSES_AGAIN,
    DRAWS,
    HOUR_US,
    OPENS_AGAIN,
    PUBLISHES,
    ProgrammeSite,
    programme_site,
)

PEOPLE, QUOTA = 12, 5
ALL = range(1, PEOPLE + 1)
SECOND_US = 1_000_000 // 60
"""Of the people's time, in wall time."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ProgrammeSite]:
    async with programme_site(tmp_path, PEOPLE, QUOTA) as site:
        yield site


async def states(site: ProgrammeSite) -> Counter[str]:
    return Counter([await site.state(applicant) for applicant in ALL])


async def test_a_wave_is_shown_as_people_saw_it_and_turns_over_to_the_second(site: ProgrammeSite) -> None:
    for moment_us, shown in [
        (CLOSES - SECOND_US, "waiting_to_close"),
        (CLOSES, "being_processed"),
        (DRAWS - SECOND_US, "being_processed"),
        (DRAWS, "being_evaluated"),
        (PUBLISHES - SECOND_US, "being_evaluated"),
    ]:
        await site.at(moment_us)
        assert await states(site) == {shown: PEOPLE}, moment_us
    # From here on no process asks anybody: the instant alone decides.
    site.moment_us = PUBLISHES
    assert await states(site) == {"selected": QUOTA, "not_yet_successful": PEOPLE - QUOTA}


async def test_the_draw_is_repeated_from_what_it_recorded(site: ProgrammeSite) -> None:
    await site.at(DRAWS)
    status, recorded = await site.operator("GET", "draws/wave-1")
    assert status == 200
    again = hold_draw(np.arange(1, PEOPLE + 1), recorded["quota"], recorded["seed"])
    assert recorded == {"wave": "wave-1", "seed": seed_of(1, 1), "joined": PEOPLE, "list_sha256": again.list_sha256, "quota": QUOTA}
    assert [one for (one,) in site.rows("SELECT applicant FROM selections ORDER BY applicant")] == again.selected.tolist()


async def test_a_look_before_its_process_has_read_the_draw_is_right_as_well(site: ProgrammeSite) -> None:
    await site.at(CLOSES)
    await states(site)
    site.moment_us = DRAWS
    await site.programme._leading.tick()
    site.programme.calendar._is_whole.clear()
    site.moment_us = PUBLISHES
    assert await states(site) == {"selected": QUOTA, "not_yet_successful": PEOPLE - QUOTA}


async def test_who_was_not_drawn_joins_the_next_wave_with_one_request_and_nobody_else_does(site: ProgrammeSite) -> None:
    await site.at(DRAWS)
    await site.at(OPENS_AGAIN - 1)
    assert Counter([(await site.join(one, "wave-2"))[1].get("code") for one in ALL]) == {"wave_not_open": 7, "selected_already": 5}
    await site.at(OPENS_AGAIN)
    answers = {one: await site.join(one, "wave-2") for one in ALL}
    assert Counter([status for status, _ in answers.values()]) == {201: 7, 409: 5}
    assert await states(site) == {"selected": 5, "waiting_to_close": 7}
    await site.at(CLOSES_AGAIN + 18 * HOUR_US)
    assert site.rows("SELECT wave, count(*) FROM selections GROUP BY wave ORDER BY wave") == [("wave-1", 5), ("wave-2", 5)]
    assert site.rows("SELECT wave, count(*) FROM memberships GROUP BY wave ORDER BY wave") == [("wave-1", 12), ("wave-2", 7)]


async def test_another_process_shows_who_joined_again_elsewhere(site: ProgrammeSite) -> None:
    await site.at(DRAWS)
    await site.at(PUBLISHES)
    (loser,) = [one for one in ALL if await site.state(one) == "not_yet_successful"][:1]
    await site.at(OPENS_AGAIN)
    site.rows("UPDATE joins SET wave = 'wave-2' WHERE applicant = ?", loser)
    assert await site.state(loser) == "waiting_to_close"


@pytest.mark.parametrize(
    ("moment_us", "wave", "code"),
    [(0, "wave-1", "member_already"), (0, "wave-2", "member_already"), (CLOSES, "wave-1", "member_already"), (0, "wave-9", "wave_unknown")],
)
async def test_a_second_membership_is_refused_by_name_and_changes_nothing(
    site: ProgrammeSite, moment_us: int, wave: str, code: str
) -> None:
    await site.at(moment_us)
    before = site.rows("SELECT * FROM joins"), site.rows("SELECT * FROM memberships")
    assert (await site.join(1, wave))[1]["code"] == code
    assert (site.rows("SELECT * FROM joins"), site.rows("SELECT * FROM memberships")) == before


async def test_a_closed_wave_is_refused_by_name_and_so_is_one_whose_draw_was_held(tmp_path: Path) -> None:
    async with programme_site(tmp_path, 3, 1) as site:
        site.rows("DELETE FROM joins WHERE applicant < 3")
        site.rows("DELETE FROM memberships WHERE applicant < 3")
        assert (await site.join(1, "wave-1"))[0] == 201
        await site.at(CLOSES)
        assert (await site.join(2, "wave-1"))[1]["code"] == "wave_closed"
        await site.at(DRAWS)
        site.moment_us = 0  # a request that was on its way since before the end
        assert (await site.join(2, "wave-1"))[1]["code"] == "wave_closed"
        assert site.rows("SELECT applicant FROM memberships ORDER BY applicant") == [(1,), (3,)]
        assert await site.state(2) == "not_joined"


async def test_the_operator_draws_by_hand_once_and_not_before_the_wave_is_closed(site: ProgrammeSite) -> None:
    assert (await site.operator("POST", "draws/wave-1", {"seed": 7}))[1]["code"] == "draw_not_due"
    site.moment_us = CLOSES
    assert (await site.operator("POST", "draws/wave-1", {"seed": -1}))[1]["code"] == "field_invalid"
    status, held = await site.operator("POST", "draws/wave-1", {"seed": 7})
    assert (status, held["seed"], held["joined"]) == (200, 7, PEOPLE)
    assert (await site.operator("POST", "draws/wave-1", {"seed": 8}))[1]["code"] == "draw_held"
    assert (await site.operator("POST", "draws/wave-9", {"seed": 8}))[1]["code"] == "wave_unknown"
    assert (await site.operator("POST", "draws/wave-1", {"seed": 8}, token="a guess"))[0] == 401


async def test_who_was_drawn_is_told_in_stages_and_each_once(tmp_path: Path) -> None:
    async with programme_site(tmp_path, PEOPLE, QUOTA, stages=3) as site:
        told = "SELECT count(*), count(DISTINCT address) FROM outbox WHERE kind = 'wave-result'"
        await site.at(DRAWS)
        await site.at(PUBLISHES - 1)
        assert site.rows(told) == [(0, 0)]
        for moment_us, count in [(PUBLISHES, 2), (PUBLISHES + HOUR_US - 1, 2), (PUBLISHES + HOUR_US, 4), (PUBLISHES + 9 * HOUR_US, 5)]:
            for _ in range(3):
                await site.at(moment_us)
            assert site.rows(told) == [(count, count)]
        phones = "SELECT a.phone FROM selections s JOIN applicants a ON a.id = s.applicant ORDER BY 1"
        assert site.rows("SELECT address FROM outbox WHERE kind = 'wave-result' ORDER BY 1") == site.rows(phones)


async def test_a_run_that_begins_after_the_draw_finds_it_held_in_time(tmp_path: Path) -> None:
    async with programme_site(tmp_path, PEOPLE, QUOTA) as site:
        site.programme.calendar._zero_at = "2020-04-17T09:50:00+07:00"
        site.programme.calendar.waves = site.programme.calendar._waves_from(0)
        await site.at(1)
        assert await states(site) == {"being_evaluated": PEOPLE}
        site.moment_us = HOUR_US // 6
        assert await states(site) == {"selected": QUOTA, "not_yet_successful": PEOPLE - QUOTA}
