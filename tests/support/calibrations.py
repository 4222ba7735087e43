"""A calibration by hand."""

from gelombang.loading import load_profile
from gelombang_capacity.calibration import Calibration, DemandChange, DemandNumbers, HeldOut, MeasuredTimes, profile_digest
from gelombang_capacity.costs import LEVELS
from gelombang_capacity.demand import Class


def held_out(quantity: str, predicted: float, spread: float, measured: float) -> HeldOut:
    return HeldOut(
        run_id="run",
        quantity=quantity,
        predicted=predicted,
        low=predicted - 1.6 * spread,
        high=predicted + 1.6 * spread,
        joint_low=predicted - 3 * spread,
        joint_high=predicted + 3 * spread,
        measured=measured,
    )


CALIBRATION = Calibration(
    made_at="2026-01-01T00:00:00+00:00",
    commit=None,
    profile="hardened",
    profile_digest=profile_digest(load_profile("hardened")),
    scenario="breakpoint",
    speed=60.0,
    fitted=["a", "b"],
    held_out=["c"],
    seconds=60,
    requests_per_second_low=100.0,
    requests_per_second_high=400.0,
    demands=[
        DemandNumbers(of=Class.PASSWORD, seconds=0.0011, standard_error=0.0001),
        DemandNumbers(of=Class.SMALL, seconds=0.0008, standard_error=0.00004),
        DemandNumbers(of=Class.UPLOAD, seconds=0.003, standard_error=0.0002),
        DemandNumbers(of=Class.IDLE, seconds=0.02, standard_error=0.01),
    ],
    residual_cores=0.03,
    requests_per_second_mean=200.0,
    change=DemandChange(seconds=-0.0002, standard_error=0.0003, is_believed=False),
    times=MeasuredTimes(
        api=[0.0001 + 0.000002 * level for level in range(LEVELS)],
        ticket=[],
        commit=[0.0004] * LEVELS,
        answers={"account": [0.001] * LEVELS},
    ),
    run_spread={"cores": 0.02},
    loads={"a": 100.0, "b": 400.0, "c": 500.0},
    fitted_checks=[],
    checks=[held_out("server cores", 0.5, 0.1, 0.52)],
    rejected=[],
    coverage_ratio=1.0,
    diagnostic=None,
)
