"""Asks the Prometheus of `[server_metrics]` what it knows of a run that is over, stage by stage."""

from datetime import datetime
from importlib.metadata import version
from urllib.parse import urlencode

from gelombang.errors import InputError, TargetUnreachableError
from gelombang.record import RunRecord
from gelombang.runplan import RunPlan
from gelombang.service_metrics import ServerMetrics, StageReading, reading, step_seconds
from gelombang.target import user_agent
from gelombang_loadtests.asking import Questions, opener_of


def read_stages(record: RunRecord, plan: RunPlan) -> list[StageReading]:
    """A reading for each stage that the scenario names. Raises InputError without the section or for a query that is refused,
    TargetUnreachableError when nobody answers."""
    section = plan.scenario.server_metrics
    if section is None:
        raise InputError("--metrics is given, and the run's scenario has no [server_metrics]; want it with a url and a query for a stage")
    network = plan.scenario.network
    opener = opener_of(user_agent(version("gelombang"), plan.scenario.target), network.ca_file if network else None)
    questions = Questions(section, "server_metrics", section.url, section.headers, opener)
    return [_asked(questions, section, stage, promql, record, plan.scale.speed) for stage, promql in section.stage.items()]


def _asked(questions: Questions, section: ServerMetrics, stage: str, promql: str, record: RunRecord, speed: float) -> StageReading:
    began = datetime.fromisoformat(record.started_at).timestamp()
    wall_seconds = record.ended_seconds / speed
    query = {"query": promql, "start": began, "end": began + wall_seconds, "step": step_seconds(wall_seconds)}
    body, status = questions.answer(f"/api/v1/query_range?{urlencode(query)}", section.timeout_seconds)
    if body is None:
        raise TargetUnreachableError(
            f"server_metrics.url {section.url} does not answer within {section.timeout_seconds:g} s; want a Prometheus"
        )
    try:
        return reading(stage, promql, body, began, speed)
    except ValueError as error:
        raise InputError(
            f"server_metrics.stage.{stage}: {section.url} said {error} (status {status}); want PromQL that it answers"
        ) from None
