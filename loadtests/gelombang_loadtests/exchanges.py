"""How the steps of a journey reach the network: a seam with one method, and what a step's tries amount to.

Forms of steps (`request_form`, `photo_form`) build requests and judge answers; who carries a request to the target, on whose
connection and clock, they do not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.person import Person
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.recorder import Ending

NOTHING_CAPTURED: Mapping[str, str] = MappingProxyType({})
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


class Tally:
    """The exchanges of one attempt, added up."""

    # Defaults of the class: one is made for each attempt, and most of them stay what they are.
    exchanges = 0
    bytes_sent = 0
    bytes_received = 0
    connect_us = 0
    send_us = 0
    wait_us = 0
    receive_us = 0
    hook_us = 0
    unsent_code = Code.NONE
    """Why the last one was never sent."""

    @property
    def spent_us(self) -> int:
        """Time in exchanges so far."""
        return self.connect_us + self.send_us + self.wait_us + self.receive_us

    def add(self, answer: Answer) -> None:
        if self.exchanges < HTTP_TRIES_LIMIT:
            self.exchanges += 1
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


class Try(NamedTuple):
    """What one attempt came to."""

    ending: Ending
    told_seconds: float | None = None
    """When the site wants to see the person again."""
    captured: Mapping[str, str] = NOTHING_CAPTURED
    kept: KeptPhoto | None = None
    rule: str = ""
    """The success rule whose breach made the outcome."""
    reason: str = ""
    """Why an answer with a good status is not ok, as a sentence."""
