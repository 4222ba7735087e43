"""What a process knows of the programme: the waves on its clock, the draws that were held, and whom they chose.

Every process reads it again each `REFRESH_SECONDS`, and the moment of a publication is known before it comes, so that all of them turn over
at the same instant. Until then a held draw is read piece by piece: two hundred thousand people in one read would keep everybody waiting.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gelombang.profile_programme import Programme as ProgrammePart
from gelombang.programme.wave import Membership, Wave
from gelombang_server.config import SiteContext
from gelombang_server.peoplestore import Cursor

REFRESH_SECONDS = 0.1
"""Wall time."""
READ_LIMIT = 5_000
"""People of a draw in one read."""


@dataclass(frozen=True, slots=True)
class HeldDraw:
    """A draw as every process knows it."""

    seed: int
    joined: int
    list_sha256: str
    quota: int
    drawn_us: int
    published_us: int


class Calendar:
    """One process's; numbers of the profile are scaled."""

    def __init__(self, context: SiteContext) -> None:
        assert context.profile.programme is not None
        self._context = context
        self.part: ProgrammePart = context.profile.programme
        self.terms = self.part.benefits.terms()
        self._zero_at = context.plan.opens_at or self.part.waves[0].opens_at
        self.has_zero = context.plan.opens_at is None
        """Whether it is known when the run's first moment is; nothing is drawn or told before."""
        self._zero_us = 0
        self.waves = self._waves_from(0)
        self.draws: dict[str, HeldDraw] = {}
        self._chosen = bytearray()
        """By applicant: the number of the wave that chose them, from 1; 0 none."""
        self._read_up_to: dict[str, int] = {}
        """By wave: the last applicant of its draw that was read."""
        self._is_whole: set[str] = set()

    def wave(self, name: str) -> Wave | None:
        return next((wave for wave in self.waves if wave.name == name), None)

    def is_whole(self, wave: str) -> bool:
        """Whether everybody whom its draw chose is in memory."""
        return wave in self._is_whole

    def has_chosen(self, applicant: int) -> bool:
        """Whether a draw that is whole in memory chose this applicant."""
        return applicant < len(self._chosen) and self._chosen[applicant] > 0

    def moment(self, at_us: int) -> datetime:
        """What the programme's calendar shows at this moment of the site's clock."""
        since = timedelta(microseconds=(at_us - self._zero_us) * self._context.scale.speed)
        return datetime.fromisoformat(self._zero_at) + since

    def membership(self, wave: Wave, is_selected: bool) -> Membership:
        """Somebody's, whose latest wave it is."""
        held = self.draws.get(wave.name)
        return Membership(wave, None if held is None else held.published_us, is_selected)

    async def refresh(self) -> None:
        """Read what other processes and the operator did."""
        if not self.has_zero:
            await self._read_zero()
        found = await self._context.database.read(_read_draws)
        self.draws = found
        for number, wave in enumerate(self.waves, 1):
            if wave.name in found and wave.name not in self._is_whole:
                await self._read_chosen(number, wave.name)

    async def _read_zero(self) -> None:
        zero_us = await self._context.database.read(read_zero)
        if zero_us is not None:
            self._zero_us = zero_us
            self.waves = self._waves_from(zero_us)
            self.has_zero = True

    async def _read_chosen(self, number: int, wave: str) -> None:
        after = self._read_up_to.get(wave, 0)
        query = "SELECT applicant FROM selections WHERE wave = ? AND applicant > ? ORDER BY applicant LIMIT ?"
        rows = await self._context.database.read(lambda cursor: cursor.execute(query, (wave, after, READ_LIMIT)).fetchall())
        if rows:
            last = rows[-1][0]
            self._chosen.extend(bytes(max(0, last + 1 - len(self._chosen))))
            for (applicant,) in rows:
                self._chosen[applicant] = number
            self._read_up_to[wave] = last
        if len(rows) < READ_LIMIT:
            self._is_whole.add(wave)

    def _waves_from(self, zero_us: int) -> list[Wave]:
        return self.part.calendar(self._zero_at, zero_us, self._context.scale.speed)


def read_zero(cursor: Cursor) -> int | None:
    """The run's first moment on the site's clock, once it was told."""
    row = cursor.execute("SELECT zero_us FROM programme_zero").fetchone()
    return None if row is None else int(row[0])


def keep_zero(cursor: Cursor, zero_us: int) -> int:
    """The first one that is told counts."""
    cursor.execute("INSERT INTO programme_zero (id, zero_us) VALUES (1, ?) ON CONFLICT (id) DO NOTHING", (zero_us,))
    kept = read_zero(cursor)
    assert kept is not None
    return kept


def _read_draws(cursor: Cursor) -> dict[str, HeldDraw]:
    query = "SELECT wave, seed, joined, list_sha256, quota, drawn_us, published_us FROM draws"
    return {row[0]: HeldDraw(*row[1:]) for row in cursor.execute(query).fetchall()}
