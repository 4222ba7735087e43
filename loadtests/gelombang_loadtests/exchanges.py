"""How the steps of a journey reach the network: a seam with one method, and what a step's tries amount to.

Forms of steps (`request_form`, `photo_form`) build requests and judge answers; who carries a request to the target, on whose
connection and clock, they do not know.
"""

from dataclasses import dataclass, field
from typing import Protocol

from gelombang.attempt import AttemptId, Code, Outcome, Phase
from gelombang.person import Person
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchange import Answer, Request
from gelombang_loadtests.recorder import Ending

HTTP_TRIES_LIMIT = 255
"""Exchanges that one attempt's row can count."""


class Exchanges(Protocol):
    """Carries requests for applicants."""

    def __call__(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        """One request and its answer, or how it failed. Patience begins now and ends at the run's end at the latest."""
        ...


class ExchangeListener(Protocol):
    """Who is told about every exchange."""

    def __call__(self, kind: str, attempt: AttemptId, answer: Answer, outcome: Outcome, code: Code) -> None: ...


@dataclass(slots=True)
class Tally:
    """The exchanges of one attempt, added up."""

    exchanges: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    connect_us: int = 0
    send_us: int = 0
    wait_us: int = 0
    receive_us: int = 0
    hook_us: int = 0
    unsent_code: Code = Code.NONE
    """Why the last one was never sent."""

    @property
    def spent_us(self) -> int:
        """Time in exchanges so far."""
        return self.connect_us + self.send_us + self.wait_us + self.receive_us

    def add(self, answer: Answer) -> None:
        self.exchanges = min(self.exchanges + 1, HTTP_TRIES_LIMIT)
        self.bytes_sent += answer.bytes_sent
        self.bytes_received += answer.bytes_received
        self.connect_us += answer.connect_us
        self.send_us += answer.send_us
        self.wait_us += answer.wait_us
        self.receive_us += answer.receive_us
        self.unsent_code = answer.code

    def ending(self, outcome: Outcome, phase: Phase, status: int, code: Code) -> Ending:
        """The row's part: what all exchanges took, and how the last one ended."""
        return Ending(
            outcome,
            phase,
            self.exchanges,
            status,
            self.unsent_code or code,
            self.bytes_sent,
            self.bytes_received,
            self.connect_us,
            self.send_us,
            self.wait_us,
            self.receive_us,
            self.hook_us,
        )


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """What the site acknowledged."""

    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Try:
    """What one attempt came to."""

    ending: Ending
    told_seconds: float | None = None
    """When the site wants to see the person again."""
    captured: dict[str, str] = field(default_factory=dict)
    kept: KeptPhoto | None = None
    rule: str = ""
    """The success rule whose breach made the outcome."""
    reason: str = ""
    """Why an answer with a good status is not ok, as a sentence."""
