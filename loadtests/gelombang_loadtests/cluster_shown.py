"""How a run over several machines stands, for whoever looks at the master: a line in its terminal, and its page in Locust's web UI."""

from gelombang.stops import Stop
from gelombang_loadtests.cluster_members import Member, Phase
from gelombang_loadtests.coordinator import Coordinator
from gelombang_loadtests.people_page import ENDED, RUNNING, Shown, WorkerShown
from gelombang_loadtests.standing import summed


def cluster_shown(run: Coordinator, stop: Stop | None) -> Shown:
    """Everything that the page shows."""
    plan = run.plan
    return Shown(
        run_id=plan.run_id,
        title=plan.scenario.title,
        target=plan.target_url,
        state=_state(run, stop),
        planned=run.planned,
        speed=plan.scale.speed,
        standing=summed(run.standings()),
        workers=tuple(_worker(member) for member in run.members.values()),
    )


def cluster_line(run: Coordinator) -> str:
    """How far the run is."""
    now = summed(run.standings())
    late = now.late.quantile_us(0.99) or 0.0
    return (
        f"{len(run.standings())} workers: arrived {now.started:,} of {run.planned:,}  in an exchange {now.in_flight:,}  "
        f"waiting {now.waiting:,}  finished {now.fates.get('finished', 0):,}  late p99 {late / 1000:.1f} ms"
    )


def _state(run: Coordinator, stop: Stop | None) -> str:
    match run.phase:
        case Phase.JOINING:
            return f"{len(run.members)} of {run.plan.generator_processes} workers have come"
        case Phase.PREPARING:
            return "the workers get ready"
        case Phase.READY:
            return "all workers are ready: Start begins"
    if stop is not None:
        return f"{'stopping' if run.phase is Phase.RUNNING else 'stopped'} by {stop.stopped_by}: {stop.reason}"
    return RUNNING if run.phase is Phase.RUNNING else ENDED


def _worker(member: Member) -> WorkerShown:
    state = "lost" if member.dead else "done" if member.done else "walking" if member.last else "ready" if member.ready else "getting ready"
    standing = member.last.standing if member.last is not None else None
    late = standing.late.quantile_us(0.99) if standing is not None else None
    return WorkerShown(member.process, member.host, state, standing.started if standing else 0, late)
