"""Pages that asked again until something was ready, as one step with `repeat_until`."""

import json
from itertools import pairwise

from gelombang.har.asked import json_leaves
from gelombang.har.recording import Exchange
from gelombang.har.sifting import Visit

TIMES_LIMIT = 60
TIMES_RATIO = 5
"""A run may wait so many times as long as the recording did, because the site is busy then."""
EVERY_SECONDS_MIN = 0.5


def repeat_of(visit: Visit) -> dict[str, object] | None:
    """The condition that held in the last answer alone; None when nothing was repeated, or nothing tells that answer from the others."""
    if not visit.repeats:
        return None
    answers = [*visit.repeats, visit.answered]
    told = [_texts(answer) for answer in answers]
    for pointer, value in told[-1].items():
        if all(earlier.get(pointer) != value for earlier in told[:-1]):
            gaps = [later.began_seconds - before.ended_seconds for before, later in pairwise(answers)]
            every = round(max(sum(gaps) / len(gaps), EVERY_SECONDS_MIN), 1)
            times = min(max(TIMES_RATIO * len(answers), 10), TIMES_LIMIT)
            return {"json_pointer": pointer, "equals": value, "every_seconds": every, "times_limit": times}
    return None


def _texts(exchange: Exchange) -> dict[str, str]:
    """The words of a JSON answer: what says how far something is. Numbers and long texts change for other reasons."""
    try:
        leaves = json_leaves(json.loads(exchange.answer))
    except ValueError:
        return {}
    return {pointer: leaf for pointer, leaf in leaves.items() if isinstance(leaf, str) and len(leaf) <= 40}
