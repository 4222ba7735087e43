"""Asks by Locust's client, in a process of its own: importing Locust patches its sockets. Prints each answer as a line of JSON."""

import json
import sys

from gelombang.clock import monotonic_us
from gelombang.network import Network
from gelombang_loadtests.clients import client_of
from gelombang_loadtests.exchange import UNPACED, Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import ConnectionPool


def main() -> None:
    network = Network.model_validate(json.loads(sys.argv[1]))
    ask = client_of(network)
    person = ConnectionPool(sockets_limit=10, routes=RouteBook(network)).person()
    for line in sys.stdin:
        asked = json.loads(line)
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
        headers = {name.decode(): value.decode() for name, value in answer.headers.items()}
        outcome = None if answer.outcome_error is None else answer.outcome_error.name
        times = answer.connect_us + answer.send_us + answer.wait_us + answer.receive_us
        said = {"outcome": outcome, "phase": answer.phase.name, "status": answer.status, "body": answer.body.decode(), "headers": headers}
        print(json.dumps({**said, "error": answer.error, "times": times, "received": answer.bytes_received}), flush=True)
    person.close()


if __name__ == "__main__":
    main()
