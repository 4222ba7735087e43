"""What a run of your own Locust code says when it has ended: lines for the terminal, and an exit code."""

from pathlib import Path

from gelombang.errors import ExitCode
from gelombang.record import RECORD_FILE, RunRecord, Validity
from gelombang.stops import THIS_MACHINE


def exit_code_of(record: RunRecord) -> int | None:
    """5 when this machine could not go on, 3 for a run that can't be trusted, 1 for an objective that failed; None leaves it to Locust when
    no objective was judged."""
    if record.stopped_by == THIS_MACHINE:
        return int(ExitCode.STOPPED)
    if record.validity is not Validity.VALID:
        return int(ExitCode.UNTRUSTED)
    if any(judged.passed is False for judged in record.objectives):
        return int(ExitCode.FAILED)
    return int(ExitCode.AS_EXPECTED) if record.objectives else None


def told(record: RunRecord, folder: Path) -> str:
    """Verdict, fates, why it was stopped, doubts and objectives in a few lines."""
    fates = ", ".join(f"{count} {fate}" for fate, count in record.fates.items() if count)
    lines = [f"gelombang: {record.validity}: {record.people_planned} people planned, {fates}"]
    if record.stopped_by and record.stop_reason:
        lines.append(f"  stopped by {record.stopped_by}: {record.stop_reason}")
    lines += [f"  {doubt.severity}: {doubt.evidence}" for doubt in record.doubts]
    for each in record.objectives:
        became = "not judged" if each.passed is None else "held" if each.passed else "FAILED"
        lines.append(f"  {became}: {each.name} (wanted {each.wanted}, found {each.found})")
    lines.append(f"  the record is {folder / RECORD_FILE}; `gelombang report {folder}` makes a page of it")
    return "\n".join(lines)
