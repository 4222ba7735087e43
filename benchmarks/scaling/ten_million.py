"""Ten million people in the first hour: what the repository's own planner says that the site must have.

The planner wants a calibration, which is made of live runs; here the prices of the measured rounds take its place, for their requests are
the same. It says what everything at the site must carry at its busiest, and the smallest store and registry with which people are through.
"""

from fractions import Fraction
from pathlib import Path

from scaling.hosts import SHARED, with_shared
from scaling.prices import SMALL_REQUESTS, Prices
from scaling.processes import LARGE_PHOTO_BYTES, Tell
from scaling.rounds import Measured, middle
from server_bench.flow import PHOTO_BYTES

from gelombang.clock import utc_now
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale
from gelombang_capacity.calibration import Calibration, DemandChange, DemandNumbers, MeasuredTimes, profile_digest
from gelombang_capacity.demand import Class
from gelombang_capacity.plan_result import PlanResult, plan_result
from gelombang_capacity.planning import Question, make_plan
from gelombang_capacity.sizing import bearable_utilisation
from gelombang_cli.provenance import commit

SCENARIO = Path(__file__).with_name("ten-million.toml")
FOR_SECONDS = 21_600.0
"""The hour in which they come, and five in which they get through [A]."""
STORE_RATIO = 32.0
"""The planner tries half of this to sixteen times this."""
SAMPLE = Fraction(1, 1_000)
THROUGH_RATIO = 0.95
REGISTRY_WAIT_SECONDS = 3_600.0
SEED = 1


def plan(measured: Measured, price: Prices, worlds: int, tell: Tell) -> PlanResult:
    """The planned site for ten million people in an hour."""
    shared = SHARED[0].model_copy(update={"store_ratio": STORE_RATIO})
    profile = with_shared(load_profile("hardened"), shared)
    calibration = priced(measured, price)
    question = Question(
        scenario=load_scenario(str(SCENARIO)),
        profiles=(profile,),
        for_seconds=FOR_SECONDS,
        through_ratio=THROUGH_RATIO,
        registry_wait_seconds=REGISTRY_WAIT_SECONDS,
        scale=Scale(SAMPLE),
        worlds=worlds,
        seed=SEED,
        utilisation=bearable_utilisation(calibration),
    )
    return plan_result(make_plan(question, calibration, tell), question, utc_now().isoformat(timespec="seconds"), commit(), measured.commit)


def priced(measured: Measured, price: Prices) -> Calibration:
    """The rounds' prices in the form that the planner reads. Nothing was held out: it is no calibration that was tested."""
    per_second = SMALL_REQUESTS * middle(measured.at(1, 1, PHOTO_BYTES), lambda each: each.per_second)
    demands = [
        (Class.PASSWORD, price.small_seconds + price.password_seconds, 0.0),
        (Class.SMALL, price.small_seconds, price.small_spread_seconds),
        (Class.UPLOAD, price.photo_seconds, price.photo_spread_seconds),
        (Class.IDLE, 0.0, 0.0),
    ]
    return Calibration(
        made_at=measured.made_at,
        commit=measured.commit,
        profile="hardened",
        profile_digest=profile_digest(load_profile("hardened")),
        scenario="whole registrations without a pause",
        speed=1.0,
        fitted=[f"round {number + 1}" for number in range(len(measured.at(1, 1, LARGE_PHOTO_BYTES)))],
        held_out=[],
        seconds=round(sum(each.seconds for each in measured.at(1, 1, PHOTO_BYTES))),
        requests_per_second_low=per_second,
        requests_per_second_high=per_second,
        demands=[DemandNumbers(of=of, seconds=seconds, standard_error=error) for of, seconds, error in demands],
        residual_cores=0.0,
        requests_per_second_mean=per_second,
        change=DemandChange(seconds=0.0, standard_error=0.0, is_believed=False),
        times=MeasuredTimes(api=[], ticket=[], commit=[], answers={}),
        run_spread={},
        loads={},
        fitted_checks=[],
        checks=[],
        rejected=[],
        coverage_ratio=0.0,
        diagnostic=None,
    )
