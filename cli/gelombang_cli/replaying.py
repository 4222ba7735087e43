"""A person of an earlier run: the attempt that is to be replayed, and what its ledgers say happened then."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId, parse_trace_id
from gelombang.clock import MICROSECONDS
from gelombang.errors import InputError
from gelombang.ledger import GENERATOR_ROW, SERVER_ROW, read_all
from gelombang.runplan import PLAN_FILE, RunPlan, read_model
from gelombang.validation import did_you_mean
from gelombang_cli.runfolder import existing_run_folder

FOREIGN = "foreign"

_TRACE_ID = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_PLACE = re.compile(r"(?P<person>\d{1,12}):(?P<step>[a-z][a-z0-9-]*|\d{1,2}):(?P<number>\d{1,7})")


@dataclass(frozen=True, slots=True)
class Then:
    """One attempt as the run's ledgers have it."""

    step: str
    number: int
    outcome: str
    phase: str
    status: int
    code: str
    seconds: float | None
    """Done − due, wall time; None for an attempt that never ended."""
    exchanges: int
    bytes_sent: int
    server: str
    """Where and how it ended on the server's side, where there is one."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run's plan, the attempt that is asked for, and all attempts of its person up to it, in their order."""

    plan: RunPlan
    person: int
    step: str
    number: int
    attempts: tuple[Then, ...]

    @property
    def is_foreign(self) -> bool:
        return self.plan.profile == FOREIGN

    def then(self, step: str, number: int, passed: bool) -> Then | None:
        """What happened in the run at this try; the one that passes now stands beside the one that is asked for."""
        if step == self.step and passed:
            number = self.number
        return next((then for then in self.attempts if then.step == step and then.number == number), None)


def read_attempt(run: str, attempt: str) -> Replayed:
    """The attempt of a run's folder. Raises InputError when it is not there, RecordError when the folder can't be read."""
    folder = existing_run_folder(run)
    plan = read_model(folder / PLAN_FILE, RunPlan)
    names = [step.step for step in plan.scenario.journey]
    asked = _asked(attempt, plan, names)
    rows = read_all(folder, "ledger-generator-*.bin", GENERATOR_ROW)
    rows = rows[rows["person"] == asked.person]
    if not len(rows):
        raise InputError(f"--attempt is {attempt}: nobody of this run has the index {asked.person}; want a person who started")
    rows = rows[np.argsort(rows["sent"], kind="stable")]
    found = np.flatnonzero((rows["step"] == asked.step) & (rows["number"] == asked.number))
    if not len(found):
        known = ", ".join(f"{asked.person}:{names[row['step']]}:{row['number']}" for row in rows[-8:])
        raise InputError(f"--attempt is {attempt}, which that person never made; want one such as {known}")
    served = read_all(folder, "ledger-server-*.bin", SERVER_ROW)
    served = served[served["person"] == asked.person]
    attempts = tuple(_then(row, names, served) for row in rows[: int(found[0]) + 1])
    return Replayed(plan, asked.person, names[asked.step], asked.number, attempts)


def _asked(attempt: str, plan: RunPlan, names: list[str]) -> AttemptId:
    if _TRACE_ID.fullmatch(attempt):
        asked = parse_trace_id(attempt)
        if asked.run != plan.run:
            raise InputError(f"--attempt is {attempt}, of another run; want one of run {plan.run_id}")
        if asked.step >= len(names):
            raise InputError(f"--attempt is {attempt}, of step {asked.step}; want one of the journey's {len(names)} steps")
        return asked
    place = _PLACE.fullmatch(attempt)
    if place is None:
        raise InputError(f"--attempt is {attempt!r}; want a trace id of 32 hex digits, or person:step:number such as 17:ktp:2")
    step = place["step"]
    if step.isdigit() and int(step) < len(names):
        step = names[int(step)]
    if step not in names:
        raise InputError(f"--attempt is {attempt}: {step} is no step of this run; want {did_you_mean(step, names)}")
    return AttemptId(plan.run, int(place["person"]), 0, names.index(step), int(place["number"]))


def _then(row: NDArray[np.void], names: list[str], served: NDArray[np.void]) -> Then:
    code = Code(int(row["code"]))
    done = int(row["done"])
    same = served[(served["step"] == row["step"]) & (served["number"] == row["number"])]
    server = ", ".join(f"{ServerOutcome(int(s['outcome'])).name.lower()} at {Stage(int(s['stage'])).name.lower()}" for s in same)
    return Then(
        step=names[int(row["step"])],
        number=int(row["number"]),
        outcome=Outcome(int(row["outcome"])).name.lower(),
        phase=Phase(int(row["phase"])).name.lower(),
        status=int(row["status"]),
        code="" if code is Code.NONE else code.name.lower(),
        seconds=(done - int(row["due"])) / MICROSECONDS if done else None,
        exchanges=int(row["exchanges"]),
        bytes_sent=int(row["bytes_sent"]),
        server=server,
    )
