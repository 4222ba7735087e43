"""What a push needs of a Grafana: three verbs, and what can come instead of an answer.

Two libraries stand behind it (docs/decisions/0005-two-grafana-libraries.md says which when); each brings the token, the address and the
time-out, and its errors are turned into these three, so that a push says the same in words whichever it uses.
"""

from typing import Protocol


class Refused(Exception):  # noqa: N818  (an answer, not a breakdown)
    """Grafana answered with a status of 400 or more."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Silent(Exception):  # noqa: N818
    """No answer in time."""


class Away(Exception):  # noqa: N818
    """Nobody there, or not over this protocol; the text says why."""


class NotJson(Exception):  # noqa: N818
    """An answer that is not JSON, so not of Grafana's API."""


class GrafanaPort(Protocol):
    """Paths begin after `/api`; answers are JSON. Every method may raise the four above, and nothing else."""

    def get(self, path: str) -> object: ...

    def post(self, path: str, body: object) -> object: ...

    def put(self, path: str, body: object) -> object: ...

    def close(self) -> None: ...


def cause(error: BaseException) -> str:
    """The innermost reason; what libraries wrap around it repeats the request."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    text = str(error)
    return text if text else type(error).__name__
