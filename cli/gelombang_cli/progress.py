"""Live progress of a run: one line that moves on a terminal, one plain line every ten seconds elsewhere."""

from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_cli.child import Event
from gelombang_cli.execution import Order

PLAIN_EVERY_SECONDS = 10.0


class Progress:
    """Adds up the generators' events; use as a context manager around one run."""

    def __init__(self, console: Console, order: Order, people: int) -> None:
        self._console = console
        self._order = order
        self._people = people
        self._last: dict[int, Event] = {}
        self._cut = False
        self._plain_due_us = 0
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        name = self._order.profile.name if self._order.profile else self._order.target_url
        wall = self._order.scale.wall_seconds(self._order.for_seconds)
        self._console.print(
            f"{name}: {self._people:,} people ({self._order.scale}), {wall:.0f} s of arrivals", highlight=False, soft_wrap=True
        )
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def take(self, event: Event) -> None:
        """One event of one generator process."""
        if event.get("event") == "cut":
            self._cut = True
            self._console.print(
                f"stopped by {event.get('stopped_by')}: {event.get('reason')}; no more arrivals (Ctrl-C again ends at once)",
                highlight=False,
                soft_wrap=True,
                markup=False,
            )
        if event.get("event") == "died":
            left = event.get("living")
            then = f"{left} go on with its people" if left else "nobody is left to go on"
            self._console.print(f"generator process {event.get('process')} {event.get('how')}; {then}", highlight=False, soft_wrap=True)
        if event.get("event") == "prometheus":
            self._console.print(f"Prometheus: {event.get('url')}", highlight=False, soft_wrap=True)
        if event.get("event") == "pushed":
            self._console.print(
                f"OTLP: {event.get('pushes')} pushes, {event.get('failures')} of them failed", highlight=False, soft_wrap=True
            )
        if event.get("event") != "progress":
            return
        self._last[int(event.get("process", 0))] = event
        if self._live is not None:
            self._live.update(self._table())
        elif monotonic_us() >= self._plain_due_us:
            self._plain_due_us = monotonic_us() + int(PLAIN_EVERY_SECONDS * MICROSECONDS)
            self._console.print(self._line(), highlight=False, soft_wrap=True)

    def _sum(self, *path: str) -> int:
        total = 0
        for event in self._last.values():
            value: object = event
            for key in path:
                value = value.get(key, 0) if isinstance(value, dict) else 0
            total += int(value) if isinstance(value, int | float) else 0
        return total

    def _line(self) -> str:
        seconds = max((float(event.get("people_seconds", 0)) for event in self._last.values()), default=0.0)
        late = max((float(event.get("lateness_p99_us", 0)) for event in self._last.values()), default=0.0)
        return (
            f"{_clock(seconds)}  arrived {self._sum('started'):,} of {self._people:,}  in an exchange {self._sum('in_flight'):,}  "
            f"waiting {self._sum('waiting'):,}  {self._photos()}finished {self._sum('finished'):,}  "
            f"late p99 {late / 1000:.1f} ms"
        )

    def _photos(self) -> str:
        steps = [step.step for step in self._order.scenario.journey if step.form == "photo"]
        if not steps:
            return ""
        ok, failed, past = self._sum("uploads", "ok"), self._sum("uploads", "failed"), self._sum("passed", steps[-1])
        return f"uploads ok {ok:,} failed {failed:,}  past both photos {past:,}  "

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_row(Text("stopping" if self._cut else "running", style="bold"), Text(self._line()))
        return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
