"""What one small request costs the generator, part by part: CPU of this process alone, against the canned stub.

Rows add one thing after the other to the same request on a kept connection, in 50 greenlets, interleaved. Prints one line of JSON: µs of
each round by row.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import gevent
import orjson
from locust.env import Environment

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.clock import monotonic_us, process_cpu_seconds
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request, prepare
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.incoming import IncomingAnswer
from gelombang_loadtests.locust_events import LocustEvents
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.recorder import Ending, Recorder
from gelombang_loadtests.uplink import UNPACED

sys.path.insert(0, str(Path(__file__).parents[1]))

from generator_bench.stub import ANSWER, STUB_CORE, canned

ROUNDS = 7
PEOPLE = 50
EACH = 100
PATIENCE_US = 10_000_000
BODY = b'{"name":"Contoh Satu","email":"contoh-1@mail.example","password":"not-a-secret"}'
TRACE = ((b"traceparent", b"00-0123456789abcdef0123456789abcdef-0000000000000001-01"),)

Work = Callable[[int], None]


def measured(work: Work, each: int = EACH) -> float:
    """µs of CPU for each of what `work(each)` does in every greenlet."""
    before = process_cpu_seconds()
    gevent.joinall([gevent.spawn(work, each) for _ in range(PEOPLE)], raise_error=True)
    return (process_cpu_seconds() - before) * 1e6 / (PEOPLE * each)


class Bench:
    """One stub, one pool, one ledger."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port = port
        self._pool = ConnectionPool(sockets_limit=4 * PEOPLE)
        constant = ((b"Content-Type", b"application/json"), (b"Accept", b"application/json"))
        self._prepared = prepare(b"POST", b"/api/v1/accounts", "127.0.0.1", port, constant)
        self._counts = GeneratorCounts(["small"])
        self._recorder = Recorder(folder, 0, 1)
        self._book = Book(self._recorder, self._counts)
        environment = Environment(events=None)
        environment.create_local_runner()
        self._listener = LocustEvents(environment, ["small"])

    def ask(self, person: object) -> Answer:
        request = Request(b"POST", b"/api/v1/accounts", "127.0.0.1", self._port, TRACE, BODY, self._prepared)
        answer = exchange(person, request, UNPACED, monotonic_us() + PATIENCE_US)  # type: ignore[arg-type]
        assert answer.status == 200, answer
        return answer

    def kept(self, recorded: bool, told: bool) -> Work:
        def work(each: int) -> None:
            person = self._pool.person()
            applicant = Applicant(1, 1, 1)
            for number in range(1, each + 1):
                began_us = monotonic_us()
                if recorded:
                    self._book.attempt_begins(applicant, began_us)
                answer = self.ask(person)
                if told:
                    self._listener("POST", AttemptId(1, 1, 0, 0, number), answer, Outcome.OK, Code.NONE)
                if recorded:
                    ending = Ending(Outcome.OK, Phase.RECEIVE, 1, 200, Code.NONE, answer.bytes_sent, answer.bytes_received)
                    self._book.attempt_ends(applicant, Try(ending), monotonic_us(), cut=False)
            person.close()

        return work

    def fresh(self, each: int) -> None:
        person = self._pool.person()
        for _ in range(each):
            assert self.ask(person).connect_us
            person.close()


def parsing(each: int) -> None:
    """The parser alone."""
    incoming, data = IncomingAnswer(), memoryview(bytearray(ANSWER))
    for _ in range(each):
        incoming.begin()
        incoming.feed(data)
        assert incoming.complete
    incoming.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, canned(core=STUB_CORE) as port:
        bench = Bench(port, Path(folder))
        rows: dict[str, Callable[[], float]] = {
            "small request: parser alone": lambda: measured(parsing),
            "small request, kept connection": lambda: measured(bench.kept(recorded=False, told=False)),
            "  with ledger and counts": lambda: measured(bench.kept(recorded=True, told=False)),
            "  with ledger, counts, Locust's event": lambda: measured(bench.kept(recorded=True, told=True)),
            "small request, fresh connection": lambda: measured(bench.fresh, 20),
        }
        figures: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, row in rows.items():
                figures[name].append(round(row(), 2))
    print(orjson.dumps(figures).decode())


if __name__ == "__main__":
    main()
