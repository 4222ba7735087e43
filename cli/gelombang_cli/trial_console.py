"""A trial on the terminal: what went out, what came back, which rule held, what was captured, and the line to paste."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gelombang.trial.events import AttemptEvent, EndEvent, ShownExchange
from gelombang_cli.execution import Order
from gelombang_cli.replaying import Replayed, Then

_INDENT = "    "


class TrialConsole:
    """Prints events as they come; as JSON lines when asked."""

    def __init__(self, console: Console, as_json: bool, replayed: Replayed | None) -> None:
        self._console = console
        self._as_json = as_json
        self._replayed = replayed
        self._attempts = 0

    def begins(self, order: Order, person: int) -> None:
        """Who walks where."""
        if self._as_json:
            return
        where = f"{order.profile.name} ({order.scale})" if order.profile else f"{order.target_url} (real time, photos of their own size)"
        self._line(f"person {person} walks {order.scenario.name} against {where}", "bold")
        if self._replayed is not None:
            self._line(f"as in run {self._replayed.plan.run_id}, up to {self._replayed.step}; there, that person did:")
            for then in self._replayed.attempts:
                self._line(f"{_INDENT}{then.step} {then.number}: {_said(then)}")

    def attempt(self, event: AttemptEvent) -> None:
        """One attempt."""
        if self._as_json:
            print(event.model_dump_json(), flush=True)
            return
        self._attempts += 1
        again = f", try {event.number}" if event.number > 1 else ""
        title = f" ({event.title})" if event.title != event.step else ""
        self._line("")
        self._line(f"{self._attempts}. {event.step}{title}{again}: {event.form}, {event.seconds:.3f} s", "bold")
        for exchange in event.exchanges:
            self._exchange(exchange)
        self._line(f"{_INDENT}= {event.outcome}: {event.rule}", "green" if event.passed else "red")
        for name, value in event.captured.items():
            self._line(f"{_INDENT}+ {name} = {value}")
        self._line(f"{_INDENT}→ {event.next}")
        then = self._replayed.then(event.step, event.number, event.passed) if self._replayed else None
        if then is not None:
            self._beside(then, event)

    def ends(self, event: EndEvent) -> None:
        """How it ended."""
        if self._as_json:
            print(event.model_dump_json(), flush=True)
            return
        self._line("")
        if event.exit_code == 0:
            self._line(f"{event.fate}: {event.steps_passed} steps passed, the last one {event.step}", "bold green")
        else:
            self._line(f"ended at step {event.step} ({event.fate}): {event.reason}", "bold red")

    def _exchange(self, exchange: ShownExchange) -> None:
        request, answer = exchange.request, exchange.answer
        self._lines(">", [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers)])
        if request.body_bytes:
            self._lines(">", [*request.body.splitlines(), f"({request.body_bytes:,} bytes)"])
        phases = ", ".join(f"{phase} {took:g}" for phase, took in answer.milliseconds.items() if took)
        first = f"{answer.status} in ms: {phases}" if answer.status else f"no answer, in {answer.phase}: {answer.error}"
        self._lines("<", [first, *(f"{name}: {value}" for name, value in answer.headers)])
        if answer.body_bytes:
            self._lines("<", [*answer.body.splitlines(), f"({answer.body_bytes:,} bytes)"])
        self._line(f"{_INDENT}$ {request.curl}", "dim")

    def _beside(self, then: Then, now: AttemptEvent) -> None:
        """What happened in the run, and what happened now."""
        last = now.exchanges[-1].answer if now.exchanges else None
        table = Table("", f"in the run, try {then.number}", "now", box=None, padding=(0, 2), header_style="dim")
        table.add_row("outcome", then.outcome, now.outcome)
        table.add_row("status", f"{then.status or ''} {then.code}".strip(), str(last.status or "") if last else "")
        table.add_row("phase", then.phase, last.phase if last else "inbox")
        table.add_row("seconds (wall)", "" if then.seconds is None else f"{then.seconds:.3f}", f"{now.seconds:.3f}")
        table.add_row("exchanges", str(then.exchanges), str(len(now.exchanges)))
        table.add_row("bytes sent", f"{then.bytes_sent:,}", "")
        if then.server:
            table.add_row("server", then.server, "")
        self._console.print(table)

    def _lines(self, mark: str, lines: list[str]) -> None:
        for line in lines:
            self._line(f"{_INDENT}{mark} {line}")

    def _line(self, text: str, style: str = "") -> None:
        # Text, not markup: an answer may hold brackets.
        self._console.print(Text(text, style=style))


def _said(then: Then) -> str:
    status = f" {then.status}" if then.status else ""
    return f"{then.outcome}{status}{f' {then.code}' if then.code else ''}" + (f"; server: {then.server}" if then.server else "")
