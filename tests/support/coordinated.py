"""The master of a run over several machines with its workers, by messages and a clock that the test moves."""

from pathlib import Path

import numpy as np

from gelombang.attempt import Fate
from gelombang.clock import MICROSECONDS
from gelombang.ledger import PERSON_ROW
from gelombang.runplan import RunPlan, ScaleNumbers
from gelombang.workers import Announcement
from gelombang_loadtests.cluster_members import Phase
from gelombang_loadtests.cluster_messages import (
    Heard,
    Hello,
    Joined,
    Pulse,
    Said,
    Told,
    packed,
    said,
    told,
)
from gelombang_loadtests.coordinator import Coordinator
from tests.support.small_scenario import HOME, scenario

SECOND = MICROSECONDS
OWN = Announcement(version="1", scenario_digest="a", curve_digest="b")


class Run:
    """A coordinator over `workers`, people due every second."""

    def __init__(self, folder: Path, workers: int = 3, people: int = 60) -> None:
        self.folder = folder
        self.now_us = 1_000 * SECOND
        self.sent: list[tuple[str, Told]] = []
        self.news: list[tuple[int, int]] = []
        walked = scenario(HOME, for_seconds=float(people))
        plan = RunPlan(
            run_id="a-run", run=5, seed=1, plan_digest="", scale=ScaleNumbers(), scenario=walked,
            profile="by-hand", target_url="http://127.0.0.1:9", harness_url=None, harness_token="", zero_us=0, for_seconds=float(people),
            generator_processes=workers,
        )  # fmt: skip
        self.due_us = np.arange(1, people + 1, dtype=np.int64) * SECOND
        self.run = Coordinator(OWN, plan, self.due_us, folder, self._send, lambda: self.now_us, self._take)
        self.names = [f"w{k}" for k in range(workers)]

    def _take(self, process: int, pulse: Pulse) -> None:
        self.news.append((process, pulse.number))

    def _send(self, name: str, message: Told) -> None:
        self.sent.append((name, told(packed(message))))

    def says(self, name: str, message: Said) -> list[Told]:
        """What that worker is told at once."""
        before = len(self.sent)
        self.run.take(name, said(packed(message)))
        return [message for to, message in self.sent[before:] if to == name]

    def after(self, seconds: float) -> "Run":
        self.now_us += round(seconds * SECOND)
        self.run.look()
        return self

    def join(self) -> "Run":
        for name in self.names:
            self.says(name, Hello(announcement=OWN, host=f"host-{name}"))
        for name in self.names:
            self.says(name, Joined(people=20, clock_error_us=300, setup={}))
        return self

    def begun(self) -> "Run":
        self.join()
        assert self.run.phase is Phase.RUNNING
        return self

    def at(self, seconds: float) -> "Run":
        """So long after the run's zero, with a first pulse of everybody."""
        self.now_us = self.run.plan.zero_us + round(seconds * SECOND)
        for name in self.names:
            (answer,) = self.pulse(name, 1)
            assert answer == Heard(number=1)
        return self

    def silent(self, name: str, seconds: int) -> "Run":
        """The others go on with a pulse a second."""
        for _ in range(seconds):
            self.after(1)
            for other in self.names:
                if other != name:
                    self.pulse(other, self.run.members[other].pulse + 1)
        return self.after(0)

    def done(self, *names: str) -> None:
        """They tell the last of it."""
        for name in names:
            self.pulse(name, self.run.members[name].pulse + 1, done=True)

    def pulse(self, name: str, number: int, rows: "np.ndarray | None" = None, done: bool = False, failure: str = "") -> list[Told]:
        process = int(name[1:])
        files = {} if rows is None else {f"people-{process}.bin": rows.tobytes()}
        return self.says(name, Pulse(number=number, files=files, done=done, failure=failure))

    def got(self, kind: type[Told]) -> list[str]:
        return [name for name, message in self.sent if isinstance(message, kind)]


def people(*indices: int, fate: Fate = Fate.FINISHED) -> np.ndarray:
    rows = np.zeros(len(indices), PERSON_ROW)
    rows["person"], rows["fate"] = indices, fate
    rows["due"] = rows["started"] = (np.array(indices) + 1) * SECOND
    return rows
