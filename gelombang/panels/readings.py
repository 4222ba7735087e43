"""The record's side of panels: lines per window out of a finished run's record.

A record counts per window of the people's time; a dashboard draws rates and durations of wall time. One window of `window_seconds` lasts
`window_seconds / speed` of wall time, and a duration of the people's time is `speed` times as long as on the wall.
"""

from collections.abc import Mapping, Sequence

from gelombang.panels.parts import Line, Reading
from gelombang.record import RunRecord
from gelombang.telemetry_labels import REGISTRATION_STEPS
from gelombang.upload_places import ACKNOWLEDGED


def window_wall_seconds(record: RunRecord) -> float:
    """How long one window lasted on the wall."""
    return record.windows.window_seconds / record.scale.speed


def rates(record: RunRecord, counts: Sequence[int]) -> tuple[float, ...]:
    """Counts per window as rates per second of wall time."""
    seconds = window_wall_seconds(record)
    return tuple(count / seconds for count in counts)


def ratios(part: Sequence[float], whole: Sequence[float]) -> tuple[float | None, ...]:
    """Window by window; None where there is nothing to divide by."""
    return tuple(a / b if b > 0 else None for a, b in zip(part, whole, strict=True))


def by_name(record: RunRecord, counts: Mapping[str, Sequence[int]], names: Sequence[str]) -> list[Line]:
    """Rates of those of `names` that were counted, in their order."""
    return [Line(name, rates(record, counts[name])) for name in names if name in counts]


def people_past_steps(record: RunRecord) -> list[Line]:
    """People passing each milestone per second."""
    return by_name(record, record.windows.passed, REGISTRATION_STEPS)


def people_finishing(record: RunRecord) -> list[Line]:
    """People who arrive, and people past the last step, per minute."""
    passed = record.windows.passed
    last = record.steps[-1].step if "join" not in passed else "join"
    lines = [("arriving", record.windows.started), ("finishing", passed.get(last, []))]
    return [Line(name, tuple(60 * rate for rate in rates(record, counts))) for name, counts in lines if counts]


def people_offered(record: RunRecord) -> list[Line]:
    """People due and people started per second."""
    return [Line("offered", rates(record, record.windows.offered)), Line("started", rates(record, record.windows.started))]


def uploads_failed(record: RunRecord) -> list[Line]:
    """Share of the attempts that the site took in which did not end kept and heard, by the server's own word."""
    windows = record.windows
    nothing = [0] * len(windows.upload_attempts)
    where = {key: counts for key, counts in windows.upload_where.items() if _is_of_server(key)}
    aside = [key for key in where if key.endswith(("/photo_too_large", "/uploads_busy"))]
    total = [sum(column) for column in zip(nothing, *where.values(), strict=True)]
    taken = [all_ - sum(where[key][i] for key in aside) for i, all_ in enumerate(total)]
    told = where.get(ACKNOWLEDGED, nothing)
    return [Line("failed", ratios([a - b for a, b in zip(taken, told, strict=True)], taken))]


def _is_of_server(key: str) -> bool:
    """Whether a place is a stage of the server; a phase of the generator is one that the server never saw."""
    return key.split("/")[0] not in ("none", "connect", "send", "wait", "receive", "inbox")


def amplification(record: RunRecord) -> list[Line]:
    """Upload attempts ended for each one acknowledged."""
    told = record.windows.upload_where.get(ACKNOWLEDGED, [0] * len(record.windows.upload_attempts))
    return [Line("attempts per photo acknowledged", ratios(record.windows.upload_attempts, told))]


def photo_bytes(record: RunRecord) -> list[Line]:
    """Bytes received and bytes kept per second."""
    windows = record.windows
    return [Line("received", rates(record, windows.received_bytes)), Line("kept", rates(record, windows.kept_bytes))]


def received_per_kept(record: RunRecord) -> list[Line]:
    """What is wasted."""
    return [Line("received per kept", ratios(record.windows.received_bytes, record.windows.kept_bytes))]


def people_between_steps(record: RunRecord) -> list[Line]:
    """The crowd that is not in an exchange, at the end of each window."""
    return [Line("between steps", tuple(float(count) for count in record.windows.people_waiting))]


def response_p99(*steps: str) -> Reading:
    """p99 of what people felt at these steps, in wall time."""

    def read(record: RunRecord) -> list[Line]:
        found = record.windows.response_p99_seconds
        return [
            Line(step, tuple(None if value is None else value / record.scale.speed for value in found[step]))
            for step in steps
            if step in found
        ]

    return read
