"""Looks: which wave somebody is in, and what became of it, answered from memory.

When a result is out everybody looks at once, most of them for the first time, and most again soon after. An answer is one of few texts, one
for each wave and state, made once. What is kept of a person is one byte, the wave that they are in, because the rest follows from the clock
and from the draw: who waits for a result can't leave the wave, and who was drawn never does. Only who was not drawn may join again once a
later wave has opened, in whichever process: from then on they are looked up each time.
"""

import orjson

from gelombang.programme.wave import Shown, Wave
from gelombang_server.config import SiteContext
from gelombang_server.peoplestore import Cursor
from gelombang_server.programme.calendar import Calendar

_LATEST = """
SELECT j.wave, s.applicant IS NOT NULL FROM joins j LEFT JOIN selections s ON s.applicant = j.applicant WHERE j.applicant = ?
"""


class Looks:
    """One process's."""

    def __init__(self, context: SiteContext, calendar: Calendar) -> None:
        self._context = context
        self._calendar = calendar
        self._wave_of = bytearray()
        """By applicant: the number of the wave that they were last seen in, from 1; 0 not known."""
        self._bodies = {
            (number, shown): orjson.dumps({"wave": name, "state": shown.value})
            for number, name in enumerate([None, *(wave.name for wave in calendar.waves)])
            for shown in Shown
        }

    def body_at_once(self, applicant: int, now_us: int) -> bytes | None:
        """The answer, when memory is enough for it."""
        number = self._wave_of[applicant] if applicant < len(self._wave_of) else 0
        if number == 0:
            return None
        waves = self._calendar.waves
        wave = waves[number - 1]
        held = self._calendar.draws.get(wave.name)
        is_out = held is not None and now_us >= held.published_us
        if is_out and not self._calendar.is_whole(wave.name):
            return None
        shown = self._calendar.membership(wave, self._calendar.has_chosen(applicant)).shown(now_us)
        if shown is Shown.NOT_YET_SUCCESSFUL and number < len(waves) and now_us >= waves[number].opens_us:
            return None
        return self._bodies[number, shown]

    async def body(self, applicant: int, now_us: int) -> bytes:
        """The answer. Raises Problem as a read of the database does."""
        at_once = self.body_at_once(applicant, now_us)
        if at_once is not None:
            return at_once
        number, is_selected = await self._context.database.read(lambda cursor: self._latest(cursor, applicant))
        if number == 0:
            return self._bodies[0, Shown.NOT_JOINED]
        self.saw(applicant, number)
        return self._bodies[number, self._calendar.membership(self._calendar.waves[number - 1], is_selected).shown(now_us)]

    def saw(self, applicant: int, number: int) -> None:
        """The applicant is in the `number`-th wave, and has been in no later one."""
        if applicant >= len(self._wave_of):
            self._wave_of.extend(bytes(max(applicant + 1 - len(self._wave_of), len(self._wave_of) // 2)))
        self._wave_of[applicant] = number

    def number_of(self, wave: Wave) -> int:
        return self._calendar.waves.index(wave) + 1

    def _latest(self, cursor: Cursor, applicant: int) -> tuple[int, bool]:
        row = cursor.execute(_LATEST, (applicant,)).fetchone()
        if row is None:
            return 0, False
        wave = self._calendar.wave(row[0])
        assert wave is not None, f"{row[0]} is no wave of this profile"
        return self.number_of(wave), bool(row[1])
