"""The folder of a live run without a live run: what `gelombang capacity score` looks into, made from a simulated one.

It stands for a site that behaves as the model does, with other people than the predictions were made with.
"""

from fractions import Fraction
from pathlib import Path

from gelombang.loading import load_profile, load_scenario
from gelombang.record import write_record
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ScaleNumbers, ServerPlan, write_model
from gelombang.scale import Scale
from gelombang_capacity.simulation import Simulation, record_of, simulate

SCALE = Scale(Fraction(1, 100), 60.0, 0.1)


def live_looking_run(folder: Path, started_at: str, profile: str = "hardened", for_seconds: float = 3_600.0) -> None:
    """Write record.json, plan.json and server.json."""
    folder.mkdir(parents=True)
    scenario, site = load_scenario("opening-hour"), load_profile(profile)
    order = Simulation(scenario, site, SCALE, 77, for_seconds, folder.name, started_at)
    record = record_of(simulate(order), folder, {})
    write_record(folder, record.model_copy(update={"kind": "live"}))
    numbers = ScaleNumbers.of(SCALE)
    plan = RunPlan(
        run_id=folder.name,
        run=1,
        seed=77,
        plan_digest="",
        scale=numbers,
        scenario=scenario,
        profile=site.name,
        target_url="http://127.0.0.1:9",
        harness_url=None,
        harness_token="",
        zero_us=0,
        for_seconds=for_seconds,
        generator_processes=1,
    )
    server = ServerPlan(
        run=1,
        seed=77,
        scale=numbers,
        profile=site,
        folder=str(folder),
        zero_us=0,
        processes=1,
        public_port=0,
        harness_port=0,
        harness_token="12345678",
    )
    write_model(folder / PLAN_FILE, plan)
    write_model(folder / SERVER_FILE, server)
