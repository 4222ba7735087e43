"""Holding a draw: who was chosen, durable in one transaction together with the seed and the list that it can be repeated from."""

import numpy as np

from gelombang.attempt import Code
from gelombang.programme.lottery import hold_draw
from gelombang.programme.wave import Wave, published_us
from gelombang.seeds import draw as draw_number
from gelombang_server.peoplestore import Cursor, Operation
from gelombang_server.problem import Problem
from gelombang_server.programme.calendar import HeldDraw

_LIST = "SELECT applicant FROM memberships WHERE wave = ? ORDER BY applicant"


def seed_of(site_seed: int, number: int) -> int:
    """The seed of the `number`-th wave's draw when the operator names none: the site's own, so that a run can be repeated."""
    return draw_number(site_seed, number, 0) >> 1


def drawing(wave: Wave, seed: int, drawn_us: int) -> Operation[HeldDraw]:
    """An operation that holds the draw. Raises Problem(draw_held) when somebody has."""

    def hold(cursor: Cursor) -> HeldDraw:
        if cursor.execute("SELECT 1 FROM draws WHERE wave = ?", (wave.name,)).fetchone() is not None:
            raise Problem(Code.DRAW_HELD, f"the draw of {wave.name} was held")
        joined = np.fromiter((row[0] for row in cursor.execute(_LIST, (wave.name,))), dtype=np.int64)
        held = hold_draw(joined, wave.quota, seed)
        rows = [(applicant, wave.name) for applicant in held.selected.tolist()]
        if rows:
            cursor.executemany("INSERT INTO selections (applicant, wave) VALUES (?, ?)", rows)
        kept = HeldDraw(seed, held.joined, held.list_sha256, wave.quota, drawn_us, published_us(wave, drawn_us))
        row = (wave.name, kept.seed, kept.joined, kept.list_sha256, kept.quota, kept.drawn_us, kept.published_us)
        insert = "INSERT INTO draws (wave, seed, joined, list_sha256, quota, drawn_us, published_us) VALUES (?, ?, ?, ?, ?, ?, ?)"
        cursor.execute(insert, row)
        return kept

    return hold
