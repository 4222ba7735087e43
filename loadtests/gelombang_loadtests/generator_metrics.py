"""What the generator counts while it runs: one list increment per event, read by the metrics page and by the progress line.

Prometheus client objects take a lock and a label lookup per event; these counts are turned into its families only when a page is asked
for. Names and meanings are those of `gelombang.telemetry`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gelombang import telemetry
from gelombang.attempt import Fate, Outcome, Phase
from gelombang.clock import MICROSECONDS, process_cpu_seconds
from gelombang.histogram import Histogram, bucket_middles_us, bucket_of
from gelombang.kernel import read_machine, read_process
from gelombang.live_validity import LiveJudge
from gelombang.record import Validity
from gelombang.steps import PhotoKind
from gelombang.telemetry_labels import LIVE_DOUBTS
from gelombang_loadtests.honesty import Counts

_OUTCOMES = max(Outcome) + 1
_PHASES = max(Phase) + 1
_MIDDLES_US = bucket_middles_us()
_EXCHANGE = (Phase.CONNECT, Phase.SEND, Phase.WAIT, Phase.RECEIVE)
_UNDECIDED = frozenset((Outcome.CUT, Outcome.NOT_READ))


class BucketCounts:
    """A Prometheus histogram of durations."""

    __slots__ = ("_edges_us", "counts", "sum_us")

    def __init__(self, edges_seconds: Sequence[float]) -> None:
        self._edges_us = [round(edge * MICROSECONDS) for edge in edges_seconds]
        self.counts = [0] * (len(self._edges_us) + 1)
        self.sum_us = 0

    def add(self, duration_us: int) -> None:
        self.counts[bisect_left(self._edges_us, duration_us)] += 1
        self.sum_us += duration_us

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper edge in seconds, durations up to it), ending with +Inf."""
        seen = 0
        found: list[tuple[str, float]] = []
        for edge, count in zip([*(str(edge / MICROSECONDS) for edge in self._edges_us), "+Inf"], self.counts, strict=True):
            seen += count
            found.append((edge, float(seen)))
        return found


class GeneratorCounts:
    """Everything counted, for a journey of named steps."""

    def __init__(
        self,
        steps: Sequence[str],
        watch_response: bool = False,
        canary_people: int = 0,
        photos: Mapping[int, PhotoKind] = MappingProxyType({}),
        limits_seconds: Iterable[float] = (),
    ) -> None:
        """`photos` says which steps send one; `limits_seconds` (wall) are the objectives' limits of response, which become edges."""
        self.steps = tuple(steps)
        self.photos = dict(photos)
        self.canary_people = canary_people
        self.canary = [0] * _OUTCOMES
        """Outcomes of attempts of the first so many people of the run."""
        self.canary_fates: dict[Fate, int] = {}
        """What became of those of them whose way has ended."""
        self._recent: list[dict[int, int]] | None = [{} for _ in self.steps] if watch_response else None
        self.attempts_ended = 0
        self.sent_bytes = 0
        self.passed = [0] * len(self.steps)
        self.by_step = [[0] * (_OUTCOMES * _PHASES) for _ in self.steps]
        edges = telemetry.buckets_with(telemetry.RESPONSE_SECONDS.buckets, limits_seconds)
        self.response = [BucketCounts(edges) for _ in self.steps]
        self.upload_phases = {
            (kind, phase): BucketCounts(telemetry.UPLOAD_PHASE_SECONDS.buckets) for kind in self.photos.values() for phase in _EXCHANGE
        }
        self.acknowledged = dict.fromkeys(self.photos.values(), 0)
        self.loop_lag = BucketCounts(telemetry.GENERATOR_LOOP_LAG_SECONDS.buckets)
        self.lateness_buckets = BucketCounts(telemetry.LATENESS_SECONDS.buckets)
        self.lateness = Histogram()

    def name_step(self, step: int, name: str) -> None:
        """For journeys whose steps show themselves as they go."""
        self.steps = (*self.steps[:step], name, *self.steps[step + 1 :])

    def first_sent(self, late_us: int) -> None:
        """A person's first step began this long after it was due."""
        self.lateness.add(max(late_us, 0))
        self.lateness_buckets.add(late_us)

    def ended(self, step: int, outcome: Outcome, phase: Phase, response_us: int, bytes_sent: int) -> None:
        """An attempt ended."""
        self.attempts_ended += 1
        self.sent_bytes += bytes_sent
        self.by_step[step][outcome * _PHASES + phase] += 1
        self.response[step].add(response_us if response_us > 0 else 0)
        if self._recent is not None and outcome not in _UNDECIDED:
            bucket = bucket_of(max(response_us, 0))
            self._recent[step][bucket] = self._recent[step].get(bucket, 0) + 1

    def photo_ended(self, step: int, phases_us: Sequence[int]) -> None:
        """An attempt to send a photo ended; its connect, send, wait and receive times, 0 for a phase that it did not have."""
        kind = self.photos[step]
        for phase, lasted_us in zip(_EXCHANGE, phases_us, strict=True):
            if lasted_us:
                self.upload_phases[kind, phase].add(lasted_us)

    def photo_acknowledged(self, step: int) -> None:
        """The site told a person that it has the photo."""
        self.acknowledged[self.photos[step]] += 1

    def taken_response(self) -> dict[str, dict[str, int]]:
        """Decided attempts since the last call, by step and response in µs (within 0.8 %); empty unless they are watched."""
        if self._recent is None:
            return {}
        taken = {
            name: {str(round(_MIDDLES_US[bucket])): count for bucket, count in recent.items()}
            for name, recent in zip(self.steps, self._recent, strict=True)
            if recent
        }
        self._recent = [{} for _ in self.steps]
        return taken

    def cells(self, step: int) -> Iterable[tuple[int, int, int]]:
        """(outcome, phase, count) of ended attempts at a step; only what happened."""
        return [(cell // _PHASES, cell % _PHASES, count) for cell, count in enumerate(self.by_step[step]) if count]

    def outcomes(self, step: int) -> dict[Outcome, int]:
        """Ended attempts at a step by outcome; only those that happened."""
        totals: dict[Outcome, int] = {}
        for cell, count in enumerate(self.by_step[step]):
            if count:
                outcome = Outcome(cell // _PHASES)
                totals[outcome] = totals.get(outcome, 0) + count
        return totals


@dataclass(frozen=True, slots=True)
class RunLabels:
    """What this process runs, for the info metric."""

    scenario: str
    profile: str
    scale: str
    run_id: str
    process: str
    operators: Mapping[str, str] = field(default_factory=dict)
    """What the operator calls this run."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What stays the same during a run, or is judged once a second."""

    people_planned: int
    people_in_flight_limit: int
    speed: float
    sample: float
    tells_machine: bool
    """Process 0 speaks for its machine."""


class GeneratorCollector(Collector):
    """The generator's metric families, as they stand when the page is asked for."""

    def __init__(self, labels: RunLabels, facts: Facts, judge: LiveJudge) -> None:
        self._labels = labels
        self._facts = facts
        self._judge = judge
        self._counts: GeneratorCounts | None = None
        self._now = Counts(0, 0, 0, 0, 0, 0)
        self._fates: dict[Fate, int] = {}

    def update(self, counts: GeneratorCounts, now: Counts, fates: dict[Fate, int]) -> None:
        """What the next page shows."""
        self._counts, self._now, self._fates = counts, now, fates

    def collect(self) -> Iterable[Metric]:
        """All families of `Side.GENERATOR`."""
        now = self._now
        yield _counter(telemetry.ARRIVALS_OFFERED, {(): now.offered})
        yield _counter(telemetry.ARRIVALS_STARTED, {(): now.started})
        yield _gauge(telemetry.PEOPLE_IN_FLIGHT, {(): now.in_flight})
        yield _gauge(telemetry.PEOPLE_WAITING, {(): now.waiting})
        facts = self._facts
        yield _gauge(telemetry.PEOPLE_PLANNED, {(): facts.people_planned})
        yield _gauge(telemetry.PEOPLE_IN_FLIGHT_LIMIT, {(): facts.people_in_flight_limit})
        yield _gauge(telemetry.GENERATOR_SPEED, {(): facts.speed})
        yield _gauge(telemetry.GENERATOR_SAMPLE, {(): facts.sample})
        yield _counter(telemetry.SENT_BYTES, {(): now.sent_bytes})
        yield _counter(telemetry.GENERATOR_CPU_SECONDS, {(): process_cpu_seconds()})
        yield _counter(
            telemetry.PEOPLE_FATES, {(fate.name.lower(),): count for fate, count in self._fates.items() if fate is not Fate.OPEN}
        )
        labels = self._labels
        info = (labels.scenario, labels.profile, labels.scale, labels.run_id, labels.process, *labels.operators.values())
        yield _gauge(telemetry.GENERATOR_INFO, {info: 1}, tuple(labels.operators))
        doubts = self._judge.doubts
        yield _gauge(telemetry.DOUBT, {(name,): float(name in doubts) for name in LIVE_DOUBTS})
        said = self._judge.validity
        yield _gauge(telemetry.VALIDITY, {(word.lower(),): float(word is said) for word in Validity})
        yield from _process_families()
        if facts.tells_machine:
            yield from _machine_families()
        if self._counts is not None:
            yield from _families(self._counts)


def _process_families() -> Iterable[Metric]:
    found = read_process()
    yield _gauge(telemetry.GENERATOR_RESIDENT_BYTES, {(): found.resident_bytes})
    yield _gauge(telemetry.GENERATOR_DESCRIPTORS, {(): found.descriptors})
    yield _gauge(telemetry.GENERATOR_DESCRIPTORS_LIMIT, {(): found.descriptors_limit})


def _machine_families() -> Iterable[Metric]:
    """What this kernel does not count has no value."""
    names, found = telemetry.GENERATOR_MACHINE, read_machine()
    yield _gauge(names.cores, {(): found.cores})
    yield _counter(names.cpu_seconds, {(mode,): seconds for mode, seconds in found.cpu_seconds.items()})
    yield _counter(names.stalled_seconds, {(resource,): seconds for resource, seconds in found.stalled_seconds.items()})
    yield _gauge(names.memory_bytes, {(): found.memory["memtotal"]})
    yield _gauge(names.memory_available_bytes, {(): found.memory["memavailable"]})
    yield _gauge(names.dirty_bytes, {(): found.memory["dirty"]})
    yield _gauge(names.writeback_bytes, {(): found.memory["writeback"]})
    yield _counter(names.retransmits, {} if found.retransmits is None else {(): found.retransmits})
    for metric, name in ((names.listen_overflows, "listen_overflows"), (names.listen_drops, "listen_drops")):
        yield _counter(metric, {(): found.listen[name]} if name in found.listen else {})


def _families(counts: GeneratorCounts) -> Iterable[Metric]:
    yield _counter(telemetry.PEOPLE_PASSED, {(name,): counts.passed[i] for i, name in enumerate(counts.steps)})
    attempts: dict[tuple[str, ...], float] = {
        (name, Outcome(cell // _PHASES).name.lower(), Phase(cell % _PHASES).name.lower()): float(count)
        for name, cells in zip(counts.steps, counts.by_step, strict=True)
        for cell, count in enumerate(cells)
        if count
    }
    yield _counter(telemetry.ATTEMPTS, attempts)
    yield _counter(telemetry.UPLOADS, _uploads(counts))
    yield _counter(telemetry.ACKNOWLEDGED, {(kind.value,): count for kind, count in counts.acknowledged.items()})
    phases: dict[tuple[str, ...], BucketCounts] = {
        (kind.value, phase.name.lower()): found for (kind, phase), found in counts.upload_phases.items()
    }
    yield _histogram(telemetry.UPLOAD_PHASE_SECONDS, phases)
    yield _histogram(telemetry.GENERATOR_LOOP_LAG_SECONDS, {(): counts.loop_lag})
    yield _histogram(telemetry.LATENESS_SECONDS, {(): counts.lateness_buckets})
    yield _histogram(telemetry.RESPONSE_SECONDS, {(name,): counts.response[i] for i, name in enumerate(counts.steps)})


def _uploads(counts: GeneratorCounts) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for step, kind in counts.photos.items():
        for cell, count in enumerate(counts.by_step[step]):
            if count:
                labels = (kind.value, Outcome(cell // _PHASES).name.lower(), Phase(cell % _PHASES).name.lower())
                found[labels] = found.get(labels, 0.0) + count
    return found


def _counter(metric: telemetry.Metric, values: dict[tuple[str, ...], float]) -> CounterMetricFamily:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _gauge(metric: telemetry.Metric, values: dict[tuple[str, ...], float], more_labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=(*metric.labels, *more_labels))
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(metric: telemetry.Metric, values: dict[tuple[str, ...], BucketCounts]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, counts in values.items():
        family.add_metric(labels, counts.cumulative(), counts.sum_us / MICROSECONDS)
    return family
