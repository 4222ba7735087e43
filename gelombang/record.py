"""The record of a run: the waist of the hourglass. Everything after a run (page, gate, plan) reads only this.

`record.json` holds what a reader wants to know, in the people's time and at the sample's own counts, with the scale beside it;
`segments/` holds mergeable histograms and counts per window, and the ledgers hold each attempt. Older schema versions stay readable.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gelombang.attempt import Fate
from gelombang.errors import RecordError
from gelombang.joined_log import JoinedLog
from gelombang.network_facts import NetworkHost
from gelombang.record_complaints import PublicComplaints
from gelombang.record_pages import PageEnds
from gelombang.record_probe import BrowserProbe
from gelombang.record_programme import ProgrammeBooks
from gelombang.record_uploads import JoinCell, RecordPart, Uploads
from gelombang.runplan import ScaleNumbers, read_model, write_model
from gelombang.service_metrics import StageReading

RECORD_FILE = "record.json"
SCHEMA_VERSION = 1


class Validity(StrEnum):
    """Whether a run can be believed."""

    VALID = "VALID"
    SUSPECT = "SUSPECT"
    """There are doubts: they are printed, and gates and plans refuse the run."""
    INVALID = "INVALID"
    """No verdict can be drawn."""


class Doubt(RecordPart):
    """One reason not to believe the run, with the evidence: what was measured and what the limit is."""

    name: str
    severity: Validity
    evidence: str
    what_to_do: str


class Quantiles(RecordPart):
    """Of a duration; `samples` 0 means that the others are meaningless and None."""

    samples: int
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    p99_seconds: float | None = None
    max_seconds: float | None = None


class StepTotals(RecordPart):
    """One step of the journey, over the whole run."""

    step: str
    title: str
    form: str
    milestone: bool
    people_reached: int
    """People who made at least one attempt."""
    people_passed: int
    attempts: int
    outcomes: dict[str, int]
    """Attempts by generator outcome, lower case; they sum to `attempts`."""
    response: Quantiles
    """done - due, in the people's time."""
    service: Quantiles
    """done - sent, in the people's time."""


class JourneyTotals(RecordPart):
    """What people waited, retries and time away included, in the people's time (`gelombang.journey_waits`)."""

    finished_waited: Quantiles
    """Of those who finished: the sum over their steps, thinking left out."""
    finished_whole: Quantiles
    """Of those who finished: from due to done, thinking included."""
    step_waited: dict[str, Quantiles]
    """By step, of those who passed it: from when they were first due there."""


class Windows(RecordPart):
    """Counts per window of the people's time; every list has one entry per window."""

    window_seconds: float
    offered: list[int]
    """People due."""
    started: list[int]
    passed: dict[str, list[int]]
    """People past each step."""
    upload_where: dict[str, list[int]]
    """Upload attempts ended, by `stage/code` (`acknowledged` for those that were)."""
    upload_attempts: list[int]
    upload_failed: list[int]
    ok: dict[str, list[int]]
    """Attempts that ended ok, or conflict (it was done already), by step."""
    ended: dict[str, list[int]]
    """Attempts that were decided, by step: all but those cut, not read, or of a killed generator."""
    too_large: dict[str, list[int]] = Field(default_factory=dict)
    """Of `ended`: photos over the site's limit."""
    response_p99_seconds: dict[str, list[float | None]]
    people_waiting: list[int]
    """Inside at the end of the window and not in an attempt."""
    received_bytes: list[int]
    kept_bytes: list[int]


class Judgement(RecordPart):
    """An objective and what became of it."""

    name: str
    passed: bool | None
    """None: not judged, for the reason in `found`."""
    wanted: str
    found: str


class GeneratorDeath(RecordPart):
    """A generator process that died before the end of the run, and what became of its people."""

    process: int
    how: str
    at_seconds: float
    """People's time at which it was noticed."""
    cut: int
    """People who had started in it and had no fate."""
    unsent: int
    """People of its own who never left: due before the others went on in its place, or with nobody left to do so."""
    taken_over: int
    """People due later, given to the living."""
    living: int
    """Processes that went on; 0 when nobody was left."""


class Host(RecordPart):
    """The machine, the generator's honesty, and what both ends cost."""

    cores: int
    memory_bytes: int
    kernel: str
    python: str
    generator_processes: int
    server_processes: int
    generator_cpu_ratio: float | None
    """CPU of all generator processes, in cores, mean over the run."""
    generator_cpu_max_ratio: float | None
    server_cpu_ratio: float | None
    machine_cpu_ratio: float | None
    machine_cpu_max_ratio: float | None
    lateness: Quantiles
    """sent - due of first steps, in WALL time."""
    loop_late_max_seconds: float | None
    listen_overflows: int | None
    listen_drops: int | None
    generator_busy_seconds: float | None = None
    """The longest wall time without a break in which one generator process used more than 80 % of a core."""
    machine_busy_ratio: float | None = None
    """Share of the run's seconds in which the machine's CPU was used to more than 95 %."""
    gc_pause_max_seconds: float | None = None
    """The longest pause of a generator process's collector."""
    crowded_ratio: float | None = None
    """Share of the run's seconds in which more than 4 tasks a core wanted to run on a generator's machine."""
    sockets_ratio: float | None = None
    """Open sockets of a generator process over how many it may open, the most."""
    ports_ratio: float | None = None
    """Ports in use by the generator or waiting to be free again over how many there are, the most."""
    retransmitted_ratio: float | None = None
    """Segments that the generator's machine sent again, of those it sent."""
    kernel_drops_ratio: float | None = None
    """Packets that its kernel threw away, over segments that it sent."""
    hook: Quantiles | None = None
    """What the hooks of the scenario took for an attempt, in WALL time: the generator's own time inside the attempt's."""
    generator_exceptions: int = 0
    """Tracebacks in the generators' logs."""
    generators_died: int = 0
    """Generator processes that were killed before they closed their ledger."""
    servers_died: int = 0
    deaths: list[GeneratorDeath] = Field(default_factory=list)
    """Of generator processes, in their order."""
    clock_error_seconds: float | None = None
    """By how much the clocks of generator processes on other machines may be off from the master's; None on one machine."""
    client: str = "lean"
    """Who carried the requests: our own client, or Locust's (`library`)."""
    network: list[NetworkHost] = Field(default_factory=list)
    """The hosts that people were sent to, by which protocol and way."""


class RunRecord(RecordPart):
    """One run of one scenario against one site."""

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    run_id: str
    kind: str = "live"
    """`live` or `simulated`."""
    scenario: str
    title: str
    profile: str
    profile_title: str
    story: str
    """What the scenario expects of this profile, in words."""
    started_at: str
    """UTC, ISO 8601."""
    opens_at: str
    """Local wall time of second 0 of the scenario."""
    for_seconds: float
    """People's time in which arrivals were due."""
    ended_seconds: float
    """People's time at which the generator closed."""
    cut_short: bool
    stopped_by: str | None = None
    """Who ended it before its time: a stop rule, the canary, the kill switch, the operator. None: it came to its end."""
    stop_reason: str = ""
    stopped_seconds: float | None = None
    """People's time at which that was decided."""
    commit: str | None
    seed: int
    scale: ScaleNumbers
    plan_digest: str
    validity: Validity
    doubts: list[Doubt]
    coverage: str
    """`both ends`; against a foreign target `client only`, or `client` with `service ledger`, `joined log` and `server metrics`."""
    people_planned: int
    people_stand_for: int
    fates: dict[str, int]
    """People by fate, lower case; they sum to `people_planned`."""
    steps: list[StepTotals]
    journey: JourneyTotals | None = None
    """None in records from before it was measured."""
    uploads: Uploads | None
    join: list[JoinCell]
    unexplained: int
    windows: Windows
    objectives: list[Judgement]
    host: Host
    log: JoinedLog | None = None
    """What an access log saw, once it was joined."""
    server_metrics: list[StageReading] = Field(default_factory=list)
    """What the service's own metrics say of each stage, once they were joined."""
    programme: ProgrammeBooks | None = None
    """None: the site has no programme, or its books could not be read."""
    pages: list[PageEnds] = Field(default_factory=list)
    """What applicants' pages reported, and what the server saw of it; most frequent first."""
    probe: BrowserProbe | None = None
    """What one person saw: a real browser beside the run."""
    complaints: PublicComplaints | None = None
    """None: the scenario does not say who complains, or the run was simulated."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the run's other files, by name."""

    def check(self, where: str) -> None:
        """Conservation: raises RecordError when people or attempts do not add up."""
        total = sum(self.fates.values())
        if total != self.people_planned:
            raise RecordError(f"{where}: fates add up to {total}; want {self.people_planned}, the people planned")
        if self.fates.get(Fate.OPEN.name.lower()):
            raise RecordError(f"{where}: {self.fates['open']} people have no fate; want none")
        for step in self.steps:
            found = sum(step.outcomes.values())
            if found != step.attempts:
                raise RecordError(f"{where}: outcomes of step {step.step} add up to {found}; want {step.attempts}, its attempts")
        if self.uploads is not None:
            self._check_uploads(self.uploads, where)

    def _check_uploads(self, uploads: Uploads, where: str) -> None:
        parts = uploads.acknowledged + uploads.failed + uploads.too_large + uploads.cut
        placed = sum(place.attempts for place in uploads.where)
        for found, of in ((parts, "acknowledged, failed, too large and cut"), (placed, "the places where they ended")):
            if found != uploads.attempts:
                raise RecordError(f"{where}: uploads add up to {found} over {of}; want {uploads.attempts}, the upload attempts")


def write_record(folder: Path, record: RunRecord) -> None:
    """Check conservation and write `record.json`."""
    record.check(str(folder / RECORD_FILE))
    write_model(folder / RECORD_FILE, record)


def read_record(folder: Path) -> RunRecord:
    """Read a run's record and check conservation. Raises RecordError."""
    record = read_model(folder / RECORD_FILE, RunRecord)
    record.check(str(folder / RECORD_FILE))
    return record
