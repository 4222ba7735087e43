"""The exit code of runs, from their records."""

from collections.abc import Sequence

from gelombang.errors import ExitCode
from gelombang.record import RunRecord, Validity


def verdict(records: Sequence[RunRecord]) -> ExitCode:
    """Stopped before not to be trusted, that before failed, failed before as expected."""
    if any(record.stopped_by for record in records):
        return ExitCode.STOPPED
    if any(record.validity is Validity.INVALID for record in records):
        return ExitCode.UNTRUSTED
    if any(record.cut_short for record in records):
        return ExitCode.STOPPED
    failed = any(judgement.passed is False for record in records for judgement in record.objectives)
    return ExitCode.FAILED if failed else ExitCode.AS_EXPECTED
