"""A scenario made fit for one person who is watched: nothing of chance or patience stands in the way, and every wait is short.

Only numbers change, never a step: the person sends what they would send in a run. People don't think, their line is fast, pages are waited
for up to a bound, and a refusal is obeyed at once or reported. Unless a run is replayed, everybody reads their mail and has a NIK that the
civil registry knows.
"""

from gelombang.distribution import Fixed
from gelombang.scale import Scale
from gelombang.scenario import Arrivals, Phase, Scenario
from gelombang.steps import MessageStep

ANSWER_SECONDS_LIMIT = 30.0
"""Wall seconds that an answer is waited for."""
MESSAGE_SECONDS_LIMIT = 60.0
"""Wall seconds that a mail or SMS is waited for."""
RETRY_SECONDS = 1.0
TRIES_LIMIT = 3
"""Tries at one step: after refusals, photos that are too large, codes that are too old."""
TRIAL_SECONDS_LIMIT = 600.0
"""Wall seconds for the whole journey."""
SPEED_OF_REFERENCE_SERVER = 20.0
"""The site's clock runs so many times as fast: mail of the median 8 s comes in 0.4 s, the registry answers at once."""

_FAST_BYTES_PER_SECOND = 1e9


def scenario_of_one(scenario: Scenario, scale: Scale, replayed: bool) -> Scenario:
    """The scenario for one person at this scale, at full size like any other. `replayed`: the person stays who they were in a run."""
    speed = scale.speed
    answer, retry = Fixed(value=ANSWER_SECONDS_LIMIT * speed), Fixed(value=RETRY_SECONDS * speed)
    patience = scenario.patience.model_copy(
        update={
            "page_seconds": answer,
            "upload_seconds": answer,
            "upload_progress_ratio": 1.0,
            "persist_ratio": 1.0,
            "persist_later_ratio": 1.0,
            "return_ratio": 1.0,
            "leave_when_refused_ratio": 0.0,
            "smaller_copy_ratio": 0.0,
            "retry_seconds": retry,
            "away_seconds": retry,
            "attempts_limit": TRIES_LIMIT,
        }
    )
    fast, near = Fixed(value=_FAST_BYTES_PER_SECOND), Fixed(value=0.0)
    line = scenario.people.line.model_copy(
        update={
            "uplink_bytes_per_second": fast,
            "uplink_ratio": 1.0,
            "round_trip_seconds": near,
            "fixed_uplink_bytes_per_second": fast,
            "fixed_round_trip_seconds": near,
        }
    )
    people = {"line": line} if replayed else {"line": line, "nik_known_ratio": 1.0}
    steps = []
    for step in scenario.journey:
        update: dict[str, object] = {"think_seconds": None}
        if isinstance(step, MessageStep):
            update["within_seconds"] = min(step.within_seconds, MESSAGE_SECONDS_LIMIT * speed)
            if not replayed:
                update["read_ratio"] = 1.0
        steps.append(step.model_copy(update=update))
    return scenario.model_copy(
        update={
            "patience": patience,
            "people": scenario.people.model_copy(update=people),
            "journey": steps,
            # The person's index is their whole identity; when they would have been due plays no part.
            "arrivals": Arrivals(phases=[Phase(form="hold", for_seconds=1.0, start_per_second=1.0)]),
            "drain_seconds": TRIAL_SECONDS_LIMIT * speed,
        }
    )
