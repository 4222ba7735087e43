"""What one generator process knows of its own run in figures, while it lasts.

Promise: whoever asks (the metrics page, the line of each second, the file of its samples, a master, the judge that believes the run or does
not) is told from the same counts, as of one moment. Counting itself is the book's and the walker's; nothing here is done for a request.
"""

from gelombang.attempt import Fate
from gelombang.clock import MICROSECONDS
from gelombang.journey import Journey
from gelombang.live_validity import LiveJudge, Second
from gelombang.objective import response_limits
from gelombang.runplan import RunPlan
from gelombang.scenario import Scenario
from gelombang.steps import PhotoStep
from gelombang.stops import StopMeasure
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.generator_metrics import Facts, GeneratorCollector, GeneratorCounts, RunLabels
from gelombang_loadtests.honesty import WRITE_EVERY_US, Counts, Sample
from gelombang_loadtests.progress import Progress, made_progress
from gelombang_loadtests.standing import Standing, standing_of


class OwnFigures:
    """Those of generator process `process`, which walks so many `people` of the plan; `scenario` is the plan's at its scale."""

    def __init__(self, plan: RunPlan, scenario: Scenario, journey: Journey, process: int, people: int, in_flight_limit: int) -> None:
        self._process = process
        self._scale = scale = plan.scale.scale()
        self._judge = LiveJudge(scenario.patience.page_seconds.quantile(0.5))
        watch_response = any(rule.measure is StopMeasure.RESPONSE_SECONDS for rule in plan.scenario.stop)
        photos = {i: step.photo for i, step in enumerate(journey.steps) if isinstance(step, PhotoStep)}
        self._photo_steps = tuple(photos)
        limits = [scale.wall_seconds(limit) for limit in response_limits(plan.scenario.objective)]
        self.counts = GeneratorCounts(journey.names, watch_response, plan.canary_people, photos, limits)
        labels = RunLabels(plan.scenario.name, plan.profile, str(scale), plan.run_id, str(process), plan.labels)
        facts = Facts(people, in_flight_limit, scale.speed, float(scale.sample), tells_machine=process == 0)
        self.collector = GeneratorCollector(labels, facts, self._judge)

    def now(self, engine: Engine, now_us: int) -> Counts:
        """What has happened so far; the metrics page shows it from now on."""
        counts = self.counts
        now = Counts(engine.offered(now_us), engine.started, engine.in_flight, engine.waiting, counts.attempts_ended, counts.sent_bytes)
        self.collector.update(counts, now, engine.fates)
        return now

    def judge_second(self, sample: Sample) -> None:
        """Let the judge see a second."""
        late_us = self.counts.lateness.quantile_us(0.99) or 0.0
        self._judge.take(
            Second(WRITE_EVERY_US / MICROSECONDS, late_us, sample.loop_late_max_us, sample.cpu_share, sample.machine_cpu_share)
        )

    def progress(self, engine: Engine, now_us: int) -> Progress:
        """The line of this second."""
        people_seconds = self._scale.people_seconds(now_us / MICROSECONDS)
        finished = engine.fates[Fate.FINISHED]
        return made_progress(self._process, people_seconds, self.now(engine, now_us), finished, self.counts, self._photo_steps)

    def standing(self, engine: Engine, now_us: int) -> Standing:
        """How this process stands."""
        return standing_of(self.counts, self.now(engine, now_us), engine.fates, now_us)
