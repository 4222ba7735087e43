"""The numbers of a simulated run that predictions speak of, without making its record: `gelombang_capacity.predictions.counted`."""

from gelombang.attempt import Outcome
from gelombang_capacity.endings import ENDS, Ending
from gelombang_capacity.simulation import Simulated

_NOT_FAILED = (Outcome.OK, Outcome.TOO_LARGE, Outcome.CUT)


def counts_of(simulated: Simulated) -> dict[str, float]:
    """The same names and meanings as for a record."""
    stands = simulated.order.scale.stands_for
    journey = simulated.order.scenario.journey
    found = {f"people past {step.step}": stands(int(simulated.passed(step.step).sum())) for step in journey if step.milestone}
    if any(step.form == "photo" for step in journey):
        counts = simulated.world.endings.sum(axis=1)
        attempts = int(counts.sum())
        left_out = sum(int(counts[each]) for each in Ending if ENDS[each].outcome in (Outcome.TOO_LARGE, Outcome.CUT))
        failed = sum(int(counts[each]) for each in Ending if ENDS[each].outcome not in _NOT_FAILED)
        if attempts - left_out:
            found["share of uploads failed"] = failed / (attempts - left_out)
        found["upload attempts"] = stands(attempts)
    return found
