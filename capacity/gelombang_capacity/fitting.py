"""A calibration from its fitted runs: demands, spreads and answers, and how far the machine's runs differ among themselves."""

from collections.abc import Mapping, Sequence

import numpy as np

from gelombang_capacity.answers import Times, commit_spread, cpu_forms, measured_answers, settled, simulated_answers
from gelombang_capacity.calibration import (
    Calibration,
    DemandChange,
    DemandNumbers,
    Measured,
    MeasuredTimes,
    fit_runs,
    profile_digest,
)
from gelombang_capacity.costs import Spread, mean_of
from gelombang_capacity.demand import Change, change_of
from gelombang_capacity.held_out import FITTED_SEED, check, run_spread, twin

TRACE_TIMES = 2
"""Rows of a trace, for each attempt that was measured."""


def fitted_calibration(fitted: Sequence[Measured], tested: Sequence[Measured], made_at: str) -> Calibration:
    """Everything but the judgement. Raises InputError when there are too few seconds."""
    first, fit = fitted[0], fit_runs(fitted)
    folders = [run.folder for run in fitted]
    api, ticket = cpu_forms(folders, first.scenario)
    commits = [commit_spread([run.folder], first.api_processes) for run in fitted]
    loads = [run.requests_per_second for run in fitted]
    commit_change = change_of(loads, [mean_of(each) for each in commits]) if all(commits) else Change(0.0, 0.0)
    times = MeasuredTimes(api=list(api), ticket=list(ticket), commit=list(commit_spread(folders, first.api_processes)), answers={})
    draft = Calibration(
        made_at=made_at,
        commit=first.record.commit,
        profile=first.profile.name,
        profile_digest=profile_digest(first.profile),
        scenario=first.record.scenario,
        speed=first.record.scale.speed,
        fitted=[run.record.run_id for run in fitted],
        held_out=[run.record.run_id for run in tested],
        seconds=fit.seconds,
        requests_per_second_low=fitted[0].requests_per_second,
        requests_per_second_high=fitted[-1].requests_per_second,
        demands=[DemandNumbers(of=each.of, seconds=each.seconds, standard_error=each.standard_error) for each in fit.demands],
        residual_cores=fit.residual_cores,
        requests_per_second_mean=fit.load,
        change=_numbers(fit.change),
        commit_change=_numbers(commit_change),
        times=times,
        run_spread={},
        loads={run.record.run_id: run.requests_per_second for run in (*fitted, *tested)},
        fitted_checks=[],
        checks=[],
        rejected=[],
        coverage_ratio=0.0,
        diagnostic=None,
    )
    draft = _with_answers(draft, _answers(fitted, draft))
    draft = draft.model_copy(update={"run_spread": run_spread(fitted, draft)})
    return draft.model_copy(update={"fitted_checks": [each for run in fitted for each in check(run, draft)]})


def _numbers(change: Change) -> DemandChange:
    return DemandChange(seconds=change.seconds, standard_error=change.standard_error, is_believed=change.is_believed)


def _answers(fitted: Sequence[Measured], draft: Calibration) -> dict[str, Spread]:
    """What answers take beyond the model's lines, over all fitted runs together."""

    def simulate(own: Mapping[str, Spread]) -> Times:
        tried = _with_answers(draft, own)
        return _pooled([simulated_answers(twin(run, tried, FITTED_SEED, TRACE_TIMES * _attempts(run))) for run in fitted])

    trips = draft.costs(1, draft.speed, draft.requests_per_second_mean).round_trip_from_seconds
    measured = [measured_answers(run.folder, run.scenario, run.profile.uploads.tickets is not None, trips) for run in fitted]
    return settled(_pooled(measured), simulate)


def _with_answers(draft: Calibration, own: Mapping[str, Spread]) -> Calibration:
    answers = {step: list(spread) for step, spread in own.items()}
    return draft.model_copy(update={"times": draft.times.model_copy(update={"answers": answers})})


def _attempts(run: Measured) -> int:
    return sum(step.attempts for step in run.record.steps)


def _pooled(runs: Sequence[Times]) -> Times:
    steps = dict.fromkeys(step for run in runs for step in run)
    return {step: np.concatenate([run[step] for run in runs if step in run]) for step in steps}
