"""What answers take beside their CPU, from the ledgers of measured runs: spreads for the simulator's draws.

Three things are measured apart. How requests differ in CPU: the server's own times of requests that only read, because they wait for
nothing but their event loop. How long the database's transactions take: its own histogram. What an answer takes in all: the generator's
times from due to done, of people whose round trip is not waited for. From the last the simulator's lines, CPU, hashing and commits are
taken out (`settled`): the model is run with the fitted runs' own loads, and each step's quantiles are moved by what it says too much or
too little, so that what is left belongs to no line and may be carried to another load, where the lines are other.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS
from gelombang.evidence import GENERATOR_LEDGERS, SERVER_LEDGERS
from gelombang.ledger import GENERATOR_ROW, SERVER_ROW, read_all
from gelombang.person import make_person
from gelombang.runplan import PLAN_FILE, RunPlan, read_model
from gelombang.scale import scaled
from gelombang.scenario import Scenario
from gelombang.series_file import SERIES_FILE, read_series
from gelombang.steps import PhotoStep, RequestStep, Step
from gelombang_capacity.costs import LEVELS, Spread, scaled_to, spread_of
from gelombang_capacity.endings import OUTCOMES
from gelombang_capacity.simulation import Simulated

COMMITS = "gelombang_server_database_commit_seconds"
SETTLING_ROUNDS = 6
FORM_POINTS = 10_001
SAMPLES_LEAST = 64
"""Answers of a step with fewer tell no spread."""
_ANSWERED = (Outcome.OK, Outcome.CONFLICT, Outcome.INVALID, Outcome.EXPIRED)
_BEFORE_BODY = (Outcome.REFUSED, Outcome.TOO_LARGE)

Times = dict[str, NDArray[np.float64]]
"""By step, seconds."""


def _answer_outcomes(step: Step, has_tickets: bool) -> tuple[Outcome, ...]:
    """The outcomes whose response is one plain answer: of a photo, those that a ticket's wish is told before the body."""
    if isinstance(step, PhotoStep):
        return _BEFORE_BODY if has_tickets else ()
    return _ANSWERED if isinstance(step, RequestStep) else ()


def measured_answers(folder: Path, scenario: Scenario, has_tickets: bool, round_trip_from_seconds: float) -> Times:
    """From due to done, of one run's people whose round trip the generator does not wait for."""
    plan = read_model(folder / PLAN_FILE, RunPlan)
    crowd = scaled(scenario, plan.scale.scale())
    rows = read_all(folder, GENERATOR_LEDGERS, GENERATOR_ROW)
    people = np.unique(rows["person"])
    near = [make_person(plan.seed, int(each), crowd, 1).round_trip_seconds < round_trip_from_seconds for each in people]
    rows = rows[np.array(near, dtype=np.bool_)[np.searchsorted(people, rows["person"])]]
    found: Times = {}
    for number, step in enumerate(scenario.journey):
        chosen = rows[(rows["step"] == number) & np.isin(rows["outcome"], _answer_outcomes(step, has_tickets))]
        if len(chosen):
            found[step.step] = (chosen["done"] - chosen["due"]) / MICROSECONDS
    return found


def cpu_forms(folders: Sequence[Path], scenario: Scenario) -> tuple[Spread, Spread]:
    """How the CPU of small requests and of wishes for a ticket spreads, in seconds of whatever mean: empty where nothing tells it."""
    rows = np.concatenate([read_all(folder, SERVER_LEDGERS, SERVER_ROW) for folder in folders])
    took = (rows["ended"] - rows["began"]) / MICROSECONDS
    steps = scenario.journey
    reads = [i for i, step in enumerate(steps) if isinstance(step, RequestStep) and step.method == "GET" and step.path.startswith("/")]
    photos = [i for i, step in enumerate(steps) if isinstance(step, PhotoStep)]
    is_done = rows["ended"] > 0
    small = took[is_done & np.isin(rows["step"], reads)]
    tickets = took[is_done & np.isin(rows["step"], photos) & (rows["bytes_received"] == 0)]
    return tuple(spread_of(each) if len(each) >= SAMPLES_LEAST else () for each in (small, tickets))  # type: ignore[return-value]


def commit_spread(folders: Sequence[Path], api_processes: int) -> Spread:
    """Of the API processes' database transactions; empty when no run kept its metrics.

    Evenly inside each bucket of the server's histogram, then about the histogram's own mean, which is exact.
    """
    counts: dict[float, float] = {}
    total = number = 0.0
    wanted = {f"server-{slot}" for slot in range(api_processes)}
    for folder in folders:
        if not (folder / SERIES_FILE).exists():
            continue
        for series in read_series(folder / SERIES_FILE).series:
            if series.source.instance not in wanted or not series.name.startswith(COMMITS):
                continue
            risen = series.values[-1] - series.values[0]
            if series.name == f"{COMMITS}_sum":
                total += risen
            elif series.name == f"{COMMITS}_count":
                number += risen
            else:
                edge = float(series.name.split('le="')[1].split('"')[0])
                counts[edge] = counts.get(edge, 0.0) + risen
    edges = [edge for edge in sorted(counts) if np.isfinite(edge)]
    if number < SAMPLES_LEAST or not edges:
        return ()
    shares = np.array([0.0, *(counts[edge] / number for edge in edges)])
    last = int(np.searchsorted(shares, shares[-1]))  # The first bucket that holds all: beyond it there is nothing to draw.
    form = np.interp(np.linspace(0.0, shares[-1], FORM_POINTS), shares[: last + 1], [0.0, *edges[:last]])
    return scaled_to(spread_of(form), total / number)


def simulated_answers(simulated: Simulated) -> Times:
    """The same times as `measured_answers`, of a simulated run with a trace."""
    world = simulated.world
    rows = world.trace[: world.site[0]["traced"]]
    rows = rows[world.people["round_trip"][rows["person"]] == 0]
    outcomes = np.array(OUTCOMES)[rows["ending"]]
    has_tickets = simulated.order.profile.uploads.tickets is not None
    found: Times = {}
    for number, step in enumerate(simulated.order.scenario.journey):
        chosen = rows[(rows["step"] == number) & np.isin(outcomes, _answer_outcomes(step, has_tickets))]
        if len(chosen):
            found[step.step] = (chosen["done"] - chosen["due"]) / MICROSECONDS
    return found


def settled(measured: Mapping[str, NDArray[np.float64]], simulate: Callable[[Mapping[str, Spread]], Times]) -> dict[str, Spread]:
    """The answers' own spreads with which the simulated runs show the measured ones; `simulate` pools the runs that were measured."""
    wanted = {step: np.array(spread_of(times)) for step, times in measured.items() if len(times) >= SAMPLES_LEAST}
    own = {step: np.zeros(LEVELS) for step in wanted}
    for _ in range(SETTLING_ROUNDS):
        came = simulate({step: tuple(map(float, spread)) for step, spread in own.items()})
        for step, spread in own.items():
            if step in came:
                moved = spread + wanted[step] - np.array(spread_of(came[step]))
                own[step] = np.maximum.accumulate(np.maximum(moved, 0.0))
    return {step: tuple(map(float, spread)) for step, spread in own.items()}
