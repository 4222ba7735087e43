"""What the diagnosis reads: so much of a run must be kept for it to be made again."""

from collections.abc import Iterator

from gelombang import telemetry
from gelombang.diagnosis.decisions import decisions
from gelombang.panels.expression import Expression, reads
from gelombang.series import UP
from gelombang.telemetry import Kind, Metric


def metrics_read() -> frozenset[Metric]:
    """Every metric that a diagnosis looks at."""
    values = (telemetry.PEOPLE_STEPS, telemetry.UPLOAD_ATTEMPTS, telemetry.SHED, telemetry.VALIDITY)
    return frozenset([*values, *(read.metric for expression in _expressions() for read in reads(expression))])


def series_names() -> frozenset[str]:
    """The names of their series; of a histogram only the buckets are read."""
    return frozenset({UP, *(f"{metric.name}_bucket" if metric.kind is Kind.HISTOGRAM else metric.name for metric in metrics_read())})


def _expressions() -> Iterator[Expression]:
    for row in decisions(1.0):
        for every in row.alternatives:
            for condition in every:
                yield condition.expression
