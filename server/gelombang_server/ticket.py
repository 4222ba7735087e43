"""A ticket that is open: what it takes from the budgets, and who rests on it."""

import asyncio
from dataclasses import dataclass

from gelombang.attempt_id import AttemptId
from gelombang.steps import PhotoKind
from gelombang_server.attempts import ServerAttempt


@dataclass(slots=True, eq=False)
class Ticket:
    """An open ticket."""

    serial: int
    applicant: int
    kind: PhotoKind
    photo_bytes: int
    sha256: bytes
    expires_us: int
    attempt_id: AttemptId | None
    attempt: ServerAttempt | None
    """Who rests on this ticket; None for a client that sends no trace id, whose next request begins an attempt of its own."""
    work_bytes: int
    received: bool = False
    task: "asyncio.Task[object] | None" = None
    """The request that sends the photo."""
    is_replaced: bool = False
    """Its person asked for another one in another tab, and that request was cancelled."""
