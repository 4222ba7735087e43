"""Harm as the command sees it: the progress lines of all generator processes, added up for who watches the run."""

from collections.abc import Sequence

from gelombang.stops import Seen
from gelombang_cli.child import Event
from gelombang_loadtests.harm_watch import HarmWatch, Watched


class CommandHarm(HarmWatch):
    """`take` every event of the generators."""

    def __init__(self, watched: Watched) -> None:
        super().__init__(watched)
        self._last: dict[int, Event] = {}

    def take(self, event: Event) -> None:
        """One event of one generator process."""
        if event.get("event") == "progress":
            self._last[int(event.get("process", 0))] = event
            self.judge(merged(list(self._last.values()), event))


def merged(last: Sequence[Event], newest: Event) -> Seen:
    """What all processes have counted, from the last progress of each; responses are those of the newest alone."""
    outcomes: dict[str, dict[str, int]] = {}
    canary: dict[str, int] = {}
    canary_fates: dict[str, int] = {}
    for event in last:
        for step, counts in event.get("outcomes", {}).items():
            _add(outcomes.setdefault(step, {}), counts)
        _add(canary, event.get("canary", {}))
        _add(canary_fates, event.get("canary_fates", {}))
    return Seen(
        waiting=sum(int(event.get("waiting", 0)) for event in last),
        sent_bytes=sum(int(event.get("sent_bytes", 0)) for event in last),
        outcomes=outcomes,
        response={step: {int(us): n for us, n in counts.items()} for step, counts in newest.get("response", {}).items()},
        canary=canary,
        canary_fates=canary_fates,
    )


def _add(totals: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count
