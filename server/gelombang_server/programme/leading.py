"""What a programme does once for the whole site: draws are held when they are due, and those who were drawn are told in stages.

A draw that was due before the site began counts as held in time: whoever begins a run in the middle of the calendar finds what was done
before it. Each message is in the outbox in the transaction that counts it as told, so that nobody is told twice or left out.
"""

from math import ceil

from gelombang_server.config import SiteContext
from gelombang_server.outbox import MessageKind, post_message
from gelombang_server.peoplestore import Cursor
from gelombang_server.programme.calendar import Calendar, HeldDraw
from gelombang_server.programme.drawing import drawing, seed_of

TELL_LIMIT = 500
"""Messages in one transaction."""
_CHOSEN = "SELECT count(*) FROM selections WHERE wave = ?"
_NEXT = """
SELECT a.phone FROM selections s JOIN applicants a ON a.id = s.applicant WHERE s.wave = ? ORDER BY s.applicant LIMIT ? OFFSET ?
"""


class Leading:
    """One per site, in the process that sends its mail."""

    def __init__(self, context: SiteContext, calendar: Calendar) -> None:
        self._context = context
        self._calendar = calendar
        self._told_all: set[str] = set()

    async def tick(self) -> None:
        """Hold the draws that are due, and tell whoever is to be told by now."""
        if not self._calendar.has_zero:
            return
        now_us = self._context.now_us()
        for number, wave in enumerate(self._calendar.waves, 1):
            held = self._calendar.draws.get(wave.name)
            if held is None:
                if now_us >= wave.draws_us:
                    drawn_us = wave.draws_us if wave.draws_us <= 0 else now_us
                    await self._context.database.run(drawing(wave, seed_of(self._context.seed, number), drawn_us))
                    await self._calendar.refresh()
            elif wave.name not in self._told_all and now_us >= held.published_us:
                await self._tell(wave.name, held, now_us)

    async def _tell(self, wave: str, held: HeldDraw, now_us: int) -> None:
        announcing, queue_limit = self._calendar.part.announcing, self._context.profile.messages.queue_limit
        stage_us = round(announcing.stage_seconds * 1e6)
        stages = announcing.stages if stage_us == 0 else min(announcing.stages, 1 + (now_us - held.published_us) // stage_us)

        def tell(cursor: Cursor) -> tuple[int, int]:
            (chosen,) = cursor.execute(_CHOSEN, (wave,)).fetchone()
            (told,) = cursor.execute("SELECT told FROM draws WHERE wave = ?", (wave,)).fetchone()
            due = ceil(chosen * stages / announcing.stages)
            phones = cursor.execute(_NEXT, (wave, min(TELL_LIMIT, due - told), told)).fetchall() if due > told else []
            for (phone,) in phones:
                post_message(cursor, MessageKind.WAVE_RESULT, phone, wave, now_us, queue_limit)
            cursor.execute("UPDATE draws SET told = ? WHERE wave = ?", (told + len(phones), wave))
            return told + len(phones), chosen

        # Looked at first: a write for nothing, ten times a second, would wait for the disk each time.
        told, chosen = await self._context.database.read(lambda cursor: _counts(cursor, wave))
        if told < ceil(chosen * stages / announcing.stages):
            told, chosen = await self._context.database.run(tell)
        if told == chosen:
            self._told_all.add(wave)


def _counts(cursor: Cursor, wave: str) -> tuple[int, int]:
    (told,) = cursor.execute("SELECT told FROM draws WHERE wave = ?", (wave,)).fetchone()
    (chosen,) = cursor.execute(_CHOSEN, (wave,)).fetchone()
    return int(told), int(chosen)
