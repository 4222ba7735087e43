"""The folder of a live run without a live run: what `gelombang capacity score` and `calibrate` look into, made from a simulated one.

It stands for a site that behaves as the model does, with other people than the predictions were made with.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from gelombang.clock import MICROSECONDS
from gelombang.ledger import GENERATOR_ROW, SERVER_ROW
from gelombang.loading import load_profile, load_scenario
from gelombang.record import RunRecord, write_record
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ScaleNumbers, ServerPlan, write_model
from gelombang.scale import Scale
from gelombang.series_file import SeriesWriter, Source
from gelombang.telemetry import Side
from gelombang_capacity.answers import COMMITS
from gelombang_capacity.calibration import ROUND_TRIP_FROM_SECONDS
from gelombang_capacity.costs import LEVELS, Costs, Spread
from gelombang_capacity.demand import Class, Seconds
from gelombang_capacity.endings import OUTCOMES
from gelombang_capacity.simulation import Simulated, Simulation, record_of, simulate

SCALE = Scale(Fraction(1, 100), 60.0, 0.1)


def live_looking_run(folder: Path, started_at: str, profile: str = "hardened", for_seconds: float = 3_600.0) -> None:
    """Write record.json, plan.json and server.json."""
    _written(folder, Simulation(load_scenario("opening-hour"), load_profile(profile), SCALE, 77, for_seconds, folder.name, started_at))


DEMANDS = {Class.PASSWORD: 0.0012, Class.SMALL: 0.0006, Class.UPLOAD: 0.0004, Class.IDLE: 0.05}
"""CPU of `measurable_run`'s server."""
COMMIT_SECONDS = 0.0004


def rising(low: float, high: float) -> Spread:
    """Times from low to high, the long ones rare."""
    return tuple(low + (high - low) * (level / (LEVELS - 1)) ** 3 for level in range(LEVELS))


def measurable_run(
    folder: Path,
    load: float,
    seed: int,
    answers: Mapping[str, Spread],
    small_seconds: float = DEMANDS[Class.SMALL],
    own_seconds: float = 0.0,
) -> None:
    """A run that a calibration can learn from, of a site whose costs are known: with ledgers, CPU second by second and metrics.

    With `own_seconds` an answer waits for that much of its request's CPU only, and the server's ledger says so of requests that read.
    """
    demands = DEMANDS | {Class.SMALL: small_seconds}
    costs = Costs(
        api_seconds=small_seconds,
        api_after_seconds=small_seconds - own_seconds if own_seconds else 0.0,
        ticket_seconds=DEMANDS[Class.UPLOAD],
        hash_seconds=(DEMANDS[Class.PASSWORD] - DEMANDS[Class.SMALL]) * SCALE.speed,
        commit_spread=(COMMIT_SECONDS,) * LEVELS,
        answers=answers,
        round_trip_from_seconds=ROUND_TRIP_FROM_SECONDS,
    )
    scale = replace(SCALE, load=load)
    scenario, started_at = load_scenario("opening-hour"), "2026-01-01T00:00:00+00:00"
    order = Simulation(scenario, load_profile("hardened"), scale, seed, 3_600.0, folder.name, started_at, costs=costs)
    record, found = _written(folder, order, trace_rows=100_000)
    rows = found.world.trace[: found.world.site[0]["traced"]]
    outcomes = np.array(OUTCOMES)[rows["ending"]]
    attempts = np.zeros(len(rows), dtype=GENERATOR_ROW)
    for name in ("person", "step", "number", "due", "done"):
        attempts[name] = rows[name]
    attempts["outcome"] = outcomes
    attempts.tofile(folder / "ledger-generator-0.bin")
    if own_seconds:
        read = attempts[attempts["step"] == [step.step for step in scenario.journey].index("photo-page")]
        seen = np.zeros(len(read), dtype=SERVER_ROW)
        for name in ("person", "step", "number"):
            seen[name] = read[name]
        seen["began"], seen["ended"] = read["due"], read["due"] + round(own_seconds * MICROSECONDS)
        seen.tofile(folder / "ledger-server-0.bin")
    seconds = [{"t_us": second * 1_000_000.0, "server_cpu_cores": 0.0} for second in range(1, 60)]
    rates = Seconds.of(record, seconds, load).rates
    cores = rates @ np.array([demands[each] for each in Class]) + np.random.default_rng(seed).normal(0.0, 0.005, len(rates))
    told = [{"t_us": 1_000_000 * (2 + i), "server_cpu_cores": float(value)} for i, value in enumerate(cores)]
    (folder / "host.jsonl").write_text("".join(json.dumps(each) + "\n" for each in told))
    commits_metrics(folder, {"0.001": 1_000.0, "0.0025": 1_000.0, "+Inf": 1_000.0}, 1_000 * COMMIT_SECONDS)


def commits_metrics(folder: Path, counts: Mapping[str, float], total: float) -> None:
    """A run's series of one server process: nothing, then so many transactions by the edge of their bucket."""
    lines = [f'{COMMITS}_bucket{{le="{edge}"}} ' for edge in counts] + [f"{COMMITS}_sum ", f"{COMMITS}_count "]
    values = [*counts.values(), total, counts["+Inf"]]
    with (folder / "metrics.jsonl").open("wb") as file:
        writer = SeriesWriter(file, [Source(Side.SERVER, "server-0")], 0.0)
        writer.take(0, 0, 1, "".join(f"{line}0\n" for line in lines).encode())
        writer.take(0, MICROSECONDS, 1, "".join(f"{line}{value}\n" for line, value in zip(lines, values, strict=True)).encode())


def _written(folder: Path, order: Simulation, trace_rows: int = 0) -> tuple[RunRecord, Simulated]:
    folder.mkdir(parents=True)
    found = simulate(order, trace_rows)
    record = record_of(found, folder, {}).model_copy(update={"kind": "live"})
    write_record(folder, record)
    numbers = ScaleNumbers.of(order.scale)
    plan = RunPlan(
        run_id=folder.name,
        run=1,
        seed=order.seed,
        plan_digest="",
        scale=numbers,
        scenario=order.scenario,
        profile=order.profile.name,
        target_url="http://127.0.0.1:9",
        harness_url=None,
        harness_token="",
        zero_us=0,
        for_seconds=order.for_seconds,
        generator_processes=1,
    )
    server = ServerPlan(
        run=1,
        seed=order.seed,
        scale=numbers,
        profile=order.profile,
        folder=str(folder),
        zero_us=0,
        processes=1,
        public_port=0,
        harness_port=0,
        harness_token="12345678",
    )
    write_model(folder / PLAN_FILE, plan)
    write_model(folder / SERVER_FILE, server)
    return record, found
