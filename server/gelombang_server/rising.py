"""A counter that follows a total that somebody else keeps."""

from prometheus_client import Counter


class Rising:
    """Tells a counter by how much a total rose since it was last looked at."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._told = 0.0

    def at(self, total: float) -> None:
        """The total is this now. A total that fell (its keeper began anew) counts as standing still."""
        self._counter.inc(max(0.0, total - self._told))
        self._told = total
