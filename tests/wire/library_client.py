"""Asks by Locust's client, in a process of its own: importing Locust patches its sockets. Answers each line of JSON with one."""

import json
import sys
from functools import partial
from typing import Any

from gevent.pool import Pool

from gelombang.clock import monotonic_us
from gelombang.network import Network
from gelombang_loadtests.clients import Carry, client_of
from gelombang_loadtests.exchanged import Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import ConnectionPool, PersonConnections
from gelombang_loadtests.uplink import UNPACED


def main() -> None:
    client_of(Network(client="library"))
    print("ready", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        network = Network.model_validate({"client": "library", **told["network"]})
        ask = client_of(network)
        person = ConnectionPool(sockets_limit=10, routes=RouteBook(network)).person()

        work = partial(answered, ask, person)
        if told["at_once"]:
            answers = Pool(len(told["requests"])).map(work, told["requests"])
        else:
            answers = [work(asked) for asked in told["requests"]]
        person.close()
        print(json.dumps(answers), flush=True)


def answered(ask: Carry, person: PersonConnections, asked: dict[str, Any]) -> dict[str, Any]:
    request = Request(
        asked["method"].encode(),
        asked["target"].encode(),
        asked["host"],
        asked["port"],
        ((b"x-mark", b"here"),),
        asked.get("body", "").encode(),
        tls=asked["tls"],
    )
    answer = ask(person, request, UNPACED, monotonic_us() + asked["within_us"])
    return {
        "outcome": None if answer.outcome_error is None else answer.outcome_error.name,
        "phase": answer.phase.name,
        "status": answer.status,
        "body": answer.body.decode(),
        "headers": {name.decode(): value.decode() for name, value in answer.headers.items()},
        "error": answer.error,
        "times": answer.connect_us + answer.send_us + answer.wait_us + answer.receive_us,
    }


if __name__ == "__main__":
    main()
