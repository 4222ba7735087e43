"""What one person saw: the walk of a real browser beside the run, step by step, with its pictures inside the page."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.record import RunRecord
from gelombang.record_probe import BrowserProbe
from gelombang_reports.detail import Detail
from gelombang_reports.figures import Figures, clock_text
from gelombang_reports.texts import Texts


@dataclass(frozen=True, slots=True)
class SeenStep:
    """One step; `picture` is an address that holds the image itself, or empty."""

    step: str
    clock: str
    took: str
    picture: str


@dataclass(frozen=True, slots=True)
class SeenWalk:
    """One browser's walk in one run."""

    profile: int
    title: str
    line: str
    failed: str
    steps: tuple[SeenStep, ...]


def walks(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts, figures: Figures) -> list[SeenWalk]:
    """Of the records that have one, in their order."""
    return [_walk(index, record, details[index], texts, figures) for index, record in enumerate(records) if record.probe is not None]


def _walk(index: int, record: RunRecord, detail: Detail, texts: Texts, figures: Figures) -> SeenWalk:
    probe = record.probe
    assert probe is not None
    steps = tuple(
        SeenStep(
            step=step.step,
            clock=clock_text(record.opens_at, step.at_seconds, with_seconds=True),
            took=figures.seconds(step.took_seconds),
            picture=f"data:image/jpeg;base64,{b64encode(content).decode()}" if (content := detail.pictures.get(step.picture)) else "",
        )
        for step in probe.steps
    )
    speed = figures.size(probe.uplink_bytes_per_second)
    return SeenWalk(
        profile=index,
        title=_title(record, probe, texts),
        line=texts.walk_line.format(uplink=speed, round_trip=figures.seconds(probe.round_trip_seconds)),
        failed=texts.walk_failed.format(failed=probe.failed) if probe.failed else "",
        steps=steps,
    )


def _title(record: RunRecord, probe: BrowserProbe, texts: Texts) -> str:
    """By when it really set off: a busy machine starts a browser late."""
    due = clock_text(record.opens_at, probe.due_seconds)
    began = clock_text(record.opens_at, probe.steps[0].at_seconds) if probe.steps else due
    return (texts.walk_title if began == due else texts.walk_title_late).format(clock=began, due=due)
