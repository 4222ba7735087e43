"""Asks one service for one thing after another, over one kept connection, and counts what it answers.

Promise: every request is sent whole and its answer read whole before the next; what differs from the wanted status is counted by what it
was, and never makes a batch look cheap unseen. Idea: the cost that is gated is the server's own CPU per request; nothing of the client is
in the measurement but wall time, which is judged last. Left out: load. One request is in progress.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import InputError
from gelombang_gates.exchange import Connection, NoAnswerError
from gelombang_gates.gate_file import GateRequest, SetupRequest
from gelombang_gates.service import HOST, filled
from gelombang_gates.side import Running

BROKEN = "no answer"


@dataclass(slots=True)
class Batch:
    """Some requests of one kind to one process."""

    requests: int
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Status, or `no answer`."""


class Asker:
    """A client of one service; `{n}` counts up over everything it asks."""

    def __init__(self, service: Running) -> None:
        self._service = service
        self._connection = Connection(HOST, service.port)
        self._saved: dict[str, str] = {}
        self._number = 0

    def close(self) -> None:
        self._connection.close()

    def set_up(self, requests: Sequence[SetupRequest]) -> None:
        """Send each once and keep what it saves. Raises InputError for an answer that is not as wanted."""
        for place, request in enumerate(requests):
            where = f"gate.setup[{place}] ({request.method} {request.path}) of {self._service.name}"
            status, body = self._ask(request)
            if status != str(request.status):
                raise InputError(f"{where} answered {status}; want {request.status}")
            for name, pointer in request.save.items():
                self._saved[name] = _looked_up(body, pointer, where)

    def batch(self, request: GateRequest, requests: int) -> Batch:
        """So many of one request, one after another."""
        done = Batch(requests)
        self._connection.look()
        began_us = monotonic_us()
        for _ in range(requests):
            status, _ = self._ask(request)
            done.outcomes[status] += 1
        done.seconds = (monotonic_us() - began_us) / MICROSECONDS
        return done

    def _ask(self, request: GateRequest) -> tuple[str, bytes]:
        self._number += 1
        values = {**self._saved, "n": str(self._number)}
        body = None if request.body is None else filled(request.body, values).encode()
        headers = {name: filled(value, values) for name, value in request.headers.items()}
        try:
            status, answer = self._connection.ask(request.method, filled(request.path, values), headers, body)
        except NoAnswerError:
            return BROKEN, b""
        return str(status), answer


def _looked_up(body: bytes, pointer: str, where: str) -> str:
    try:
        value: object = json.loads(body)
    except ValueError:
        raise InputError(f"{where} answered no JSON; want some, to save {pointer} from") from None
    for key in pointer.strip("/").split("/"):
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise InputError(f"{where} answered nothing at {pointer}; want a value there, to save it")
    return str(value)
