"""A photo that came whole: on its way to the store, and kept there."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.steps import PhotoKind
from gelombang_server.answers import Answer, json_answer
from gelombang_server.attempts import ServerAttempt
from gelombang_server.peoplestore import Cursor
from gelombang_server.photopart import PhotoPart


@dataclass(slots=True)
class Upload:
    """A whole photo that was looked at, and the attempt that brought it."""

    attempt: ServerAttempt
    applicant: int
    kind: PhotoKind
    part: PhotoPart
    sha256: str
    is_heard: Callable[[], bool] = lambda: False
    """Whether a cancelled request still has somebody who waits for its answer."""
    also: Callable[[Cursor], None] | None = None
    """Written in the transaction that stores the photo."""
    is_committing: bool = False
    deadline_us: int | None = None
    """Until when somebody waits (monotonic); None: as long as the profile's proxy does."""

    @property
    def left_seconds(self) -> float:
        return math.inf if self.deadline_us is None else max(0, self.deadline_us - monotonic_us()) / MICROSECONDS


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo that is durable, with its row."""

    photo: str
    sha256: str
    bytes: int
    rejected_for: Code | None = None
    """It was looked at after its acknowledgement, and does not count."""

    def answer(self, status: int = 201, **more: bool) -> Answer:
        return json_answer({"photo": self.photo, "sha256": self.sha256, "bytes": self.bytes, **more}, status)
