"""Clearing up after a run against a service of the operator's own: what is left to do, and the plan that does it.

`gelombang cleanup` walks the teardown steps for each identity in `created.csv` that is not in `cleaned.csv` yet, at a bounded rate. The
person is the one of the run: same fields, same rows of feeds. Who fails is tried a few times and then left for the next clean-up.
"""

from pathlib import Path

from gelombang.created import CREATED_FILE, read_cleaned, read_created
from gelombang.distribution import Fixed
from gelombang.errors import InputError
from gelombang.runplan import PLAN_FILE, RunPlan, read_model
from gelombang.trial.order import TRIAL_FILE, TrialOrder

PREFLIGHT_FOLDER = "preflight"
"""In a run's folder: the one person who was sent before the others."""
PER_SECOND_LIMIT = 100.0
TRIES = 4
RETRY_SECONDS = 1.0
"""Wall time between two tries of one step."""
ANSWER_SECONDS_LIMIT = 30.0
"""Wall time in which a teardown step must be answered."""
DRAIN_SECONDS = 120.0
"""Wall time that the last identity gets."""


def folders_to_clean(run_folder: Path) -> list[Path]:
    """A run's folder, and that of its preflight where it sent somebody. Those without `created.csv` made nobody."""
    return [folder for folder in (run_folder, run_folder / PREFLIGHT_FOLDER) if (folder / CREATED_FILE).exists()] or [run_folder]


def read_cleaning_plan(folder: Path) -> RunPlan:
    """The plan of a run, its journey replaced by the teardown steps. Raises InputError for a run that leaves nothing to clear up."""
    if (folder / PLAN_FILE).exists() or not (folder / TRIAL_FILE).exists():
        plan = read_model(folder / PLAN_FILE, RunPlan)
    else:
        plan = read_model(folder / TRIAL_FILE, TrialOrder).plan
    if plan.harness_url is not None:
        raise InputError(f"{folder} is a run against the reference server, whose accounts ended with it; want a run with --target")
    if not plan.scenario.teardown:
        raise InputError(f"the scenario {plan.scenario.name} of {folder} has no [[teardown]] steps; want those that remove an identity")
    scenario = plan.scenario
    # The scale divides waits by the speed; these are meant for the wall clock.
    speed = plan.scale.speed
    answer, retry = Fixed(value=ANSWER_SECONDS_LIMIT * speed), Fixed(value=RETRY_SECONDS * speed)
    patience = scenario.patience.model_copy(
        update={
            "page_seconds": answer,
            "upload_seconds": answer,
            "retry_seconds": retry,
            "persist_ratio": 1.0,
            "persist_tries": TRIES - 1,
            "persist_later_ratio": 0.0,
            "return_ratio": 0.0,
            "leave_when_refused_ratio": 0.0,
            "attempts_limit": max(TRIES, scenario.patience.attempts_limit),
        }
    )
    update = {"patience": patience, "persona": None, "journey": list(scenario.teardown), "objective": [], "stop": []}
    return plan.model_copy(
        update={"scenario": scenario.model_copy(update=update), "plan_digest": "", "generator_processes": 1, "canary_people": 0}
    )


def people_to_clean(folder: Path) -> list[int]:
    """Those who may exist and are not known to be gone, in the order of arrival."""
    cleaned = read_cleaned(folder)
    return [row.person for row in read_created(folder) if row.person not in cleaned]


def fresh_folder(folder: Path) -> Path:
    """`cleanup-1`, `cleanup-2` …: where this clean-up's own ledgers go."""
    number = 1
    while (folder / f"cleanup-{number}").exists():
        number += 1
    made = folder / f"cleanup-{number}"
    made.mkdir()
    return made
