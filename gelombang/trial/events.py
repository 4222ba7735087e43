"""What a trial says while one person walks: a JSON line per attempt, and one at the end.

The process that walks masks every text before it leaves (`gelombang.trial.masking`), so these models never hold a secret.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from gelombang.errors import ExitCode


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShownRequest(_Event):
    """A request as it left; `body` is shortened, files are named by their size."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str
    body_bytes: int
    curl: str


class ShownAnswer(_Event):
    """An answer, or how there was none: then `status` is 0 and `error` says why, in the phase it happened in."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    """The first 500 bytes."""
    body_bytes: int
    phase: str
    error: str
    milliseconds: dict[str, float]


class ShownExchange(_Event):
    """One request and what came of it."""

    request: ShownRequest
    answer: ShownAnswer


class AttemptEvent(_Event):
    """One attempt of the person, all its exchanges, what it meant, and where the journey goes."""

    event: Literal["attempt"] = "attempt"
    step: str
    title: str
    form: str
    number: int
    trace_id: str
    exchanges: list[ShownExchange]
    seconds: float
    outcome: str
    rule: str
    """Which rule made this outcome of the answer."""
    captured: dict[str, str]
    next: str
    """Where the journey goes, in words."""
    passed: bool


class EndEvent(_Event):
    """How the trial ended."""

    event: Literal["end"] = "end"
    fate: str
    """finished, reached (the step of --until or --attempt), stopped, gave_up, rejected, unreachable."""
    step: str
    reason: str
    exit_code: ExitCode
    person: int
    steps_passed: int
