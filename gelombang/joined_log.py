"""What somebody's access log saw of a run, as the record keeps it: joined attempt by attempt through the trace id."""

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoggedQuantiles(_Part):
    """In the people's time, like every duration of a record."""

    samples: int
    p50_seconds: float | None = None
    p99_seconds: float | None = None
    max_seconds: float | None = None


class LoggedStep(_Part):
    """One step with exchanges."""

    step: str
    title: str
    attempts: int
    seen: int
    covered: bool
    """False: the log saw none of its attempts, so they went elsewhere (another host); they count as neither seen nor unseen."""
    requests: int
    """Lines of its attempts: more than one each with redirects, repeats and tickets."""
    request: LoggedQuantiles
    """The proxy's own time over all requests of an attempt."""
    upstream: LoggedQuantiles
    """Of it, what the service behind the proxy took."""


class LogCell(_Part):
    """Attempts with one combination of what their person saw and what the log says."""

    client_outcome: str
    client_status: int
    """0: no answer was read."""
    log_status: int | None
    """Of the attempt's last request; None: unseen."""
    attempts: int
    agrees: bool
    meaning: str


class JoinedLog(_Part):
    """All of it."""

    format: str
    lines: int
    other_lines: int
    """Without a trace id of this run: other people's requests."""
    unreadable_lines: int
    """Not of the format."""
    seen: int
    unseen: int
    cells: list[LogCell]
    steps: list[LoggedStep]
