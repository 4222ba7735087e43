"""What a run is about to do to somebody's service, written down before it does it, for whoever answers for the service.

One person has been sent; the rest is arithmetic. Requests, bytes and messages are those of that person times the people planned: repeated
tries are not in it, and photos vary in size, so it is an estimate. The maxima of the `[target]` block are held while the run goes on.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gelombang.curve import rate_of
from gelombang.runplan import ScaleNumbers, write_model
from gelombang.scale import Dimension, FixedFloat, FixedInt, Scale
from gelombang.scenario import Scenario
from gelombang.stops import StopRule
from gelombang.target import PlanNumbers, TargetBlock, host_breaches, host_of, is_loopback_host, limit_breaches, window_breaches
from gelombang.trial.events import AttemptEvent, EndEvent

PREFLIGHT_FILE = "preflight.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SentStep(_Part):
    """One attempt of the person who was sent."""

    step: str
    title: str
    form: str
    outcome: str
    rule: str
    requests: FixedInt
    bytes_sent: FixedInt
    seconds: FixedFloat


class HostSeen(_Part):
    """A host that may be sent to, and where it is."""

    host: str
    addresses: list[str]
    problem: str = ""
    """Why it has no address."""


class CertificateSeen(_Part):
    """What the target showed, and whether it is accepted."""

    subject: str = ""
    issuer: str = ""
    valid_from: str = ""
    valid_until: str = ""
    days_left: FixedInt | None = None
    protocol: str = ""
    problem: str = ""
    """Why no connection came about, or why the certificate is not accepted."""


class Preflight(_Part):
    """Everything that is shown before a run."""

    run_id: str
    scenario: str
    title: str
    target_url: str
    made_at: str
    scale: ScaleNumbers
    block: TargetBlock | None
    stops: list[StopRule]
    person: FixedInt
    fate: str
    reason: str
    steps: list[SentStep]
    people: FixedInt
    arrivals_wall_seconds: FixedFloat
    peak_arrivals_per_second: FixedFloat
    requests: FixedInt
    peak_requests_per_second: FixedFloat
    bytes_sent: FixedInt
    messages: FixedInt
    accounts: FixedInt
    """Identities that the target will meet: one for each person, made by at least one request that changes something."""
    canary_people: FixedInt
    hosts: list[HostSeen]
    certificate: CertificateSeen | None
    breaches: list[str]
    """What forbids the run; empty when nothing does."""

    @property
    def person_went_well(self) -> bool:
        """Whether the one person came to the end of the journey."""
        return self.fate == "finished"


def plan_numbers(scenario: Scenario, scale: Scale, for_seconds: float, people: int) -> PlanNumbers:
    """What is known before anybody is sent."""
    rate = rate_of(scenario.arrivals, for_seconds)
    per_second = float(rate.per_second.max()) * scale.factor(Dimension.ARRIVAL_RATE)
    return PlanNumbers(people, per_second, scale.wall_seconds(rate.duration_seconds))


def refusals(scenario: Scenario, target_url: str, numbers: PlanNumbers, now: datetime) -> list[str]:
    """Why a plan may not be sent to a target, known before anybody is sent; empty when it may."""
    block, host = scenario.target, host_of(target_url)
    if block is None:
        return [] if is_loopback_host(host) else [no_block(host)]
    return [
        *host_breaches(block, target_url),
        *limit_breaches(block, numbers),
        *window_breaches(block, now, numbers.arrivals_wall_seconds),
    ]


def no_block(host: str) -> str:
    """What is said for a target off this machine that nobody wrote down."""
    return f"the target is {host}, which is not this machine; want a [target] block in the scenario (docs/safety.md)"


def sent_steps(attempts: Sequence[AttemptEvent]) -> list[SentStep]:
    """What the one person did."""
    return [
        SentStep(
            step=attempt.step,
            title=attempt.title,
            form=attempt.form,
            outcome=attempt.outcome,
            rule=attempt.rule,
            requests=len(attempt.exchanges),
            bytes_sent=sum(
                _bytes(exchange.request.url, exchange.request.headers, exchange.request.body_bytes) for exchange in attempt.exchanges
            ),
            seconds=attempt.seconds,
        )
        for attempt in attempts
    ]


def ending(end: EndEvent | None) -> tuple[str, str]:
    """(fate, reason) of the one person."""
    return (end.fate, end.reason) if end is not None else ("stopped", "the trial ended without a word")


def accounts(scenario: Scenario, people: int) -> int:
    """How many people change something at the target: all of them as soon as one step is more than looking."""
    changes = any(step.form == "photo" or (step.form == "request" and step.method not in ("GET", "HEAD")) for step in scenario.journey)
    return people if changes else 0


def write_preflight(folder: Path, preflight: Preflight) -> None:
    """Write `preflight.json`."""
    write_model(folder / PREFLIGHT_FILE, preflight)


def _bytes(url: str, headers: Sequence[tuple[str, str]], body_bytes: int) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers) + body_bytes + len("GET  HTTP/1.1\r\n\r\n")
