"""Tells Locust of the same exchanges gathered and one by one, in a process of its own: importing Locust patches its sockets.

Takes the limit of gathered exchanges, prints one line of JSON: what Locust's statistics come to both ways, and what a listener heard.
"""

import sys
from types import SimpleNamespace

import locust.stats
import orjson
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.seeds import draw
from gelombang_loadtests import locust_statistics
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.locust_events import LocustEvents

STEPS = ("account", "ktp")
OUTCOMES = (Outcome.OK, Outcome.OK, Outcome.CONFLICT, Outcome.TIMED_OUT, Outcome.FAILED)
EXCHANGES = 400
BEGAN_SECONDS = 1_586_595_600.25


class Clock:
    """The wall clock of both ways."""

    now = BEGAN_SECONDS


def tell(events: LocustEvents, count: int) -> None:
    """The same exchanges each time, some of them seconds apart."""
    for number in range(count):
        kind, step = ("GET", "POST")[draw(7, number, 2) % 2], draw(7, number, 3) % len(STEPS)
        answer = Answer(None, Phase.RECEIVE, 200, {}, bytes(draw(7, number, 4) % 400), wait_us=draw(7, number, 5) >> 40)
        Clock.now += (0.0, 0.01, 0.4, 3.0)[draw(7, number, 1) % 4]
        events(kind, AttemptId(1, 1, 0, step, number + 1), answer, OUTCOMES[draw(7, number, 6) % len(OUTCOMES)], Code.NONE)


def made() -> Environment:
    environment = Environment(events=None)
    environment.create_local_runner()
    return environment


def counted(stats: RequestStats) -> dict[str, object]:
    entries = {f"{name} {method}": numbers(entry) for (name, method), entry in stats.entries.items()}
    errors = {key: error.to_dict() for key, error in stats.errors.items()}
    return {"entries": entries, "total": numbers(stats.total), "errors": errors}


def numbers(entry: StatsEntry) -> dict[str, object]:
    assert entry.last_request_timestamp is not None
    found = {name: value for name, value in entry.serialize().items() if name not in ("start_time", "total_response_time")}
    return found | {
        "last_request_timestamp": int(entry.last_request_timestamp),
        "mean": round(entry.avg_response_time, 6),
        "median": entry.median_response_time,
    }


def main() -> None:
    locust_statistics.GATHERED_LIMIT = int(sys.argv[1])
    locust_statistics.wall_seconds = lambda: Clock.now
    locust.stats.time = SimpleNamespace(time=lambda: Clock.now)
    gathering, plain, late = made(), made(), made()
    events = LocustEvents(gathering, STEPS)
    tell(events, EXCHANGES)
    events.close()
    Clock.now = BEGAN_SECONDS
    heard: list[str] = []
    plain.events.request.add_listener(lambda **fields: heard.append(fields["name"]))
    tell(LocustEvents(plain, STEPS), EXCHANGES)
    heard_late: list[int] = []
    events = LocustEvents(late, STEPS)
    tell(events, 5)
    late.events.request.add_listener(lambda context, **_: heard_late.append(context["attempt"].number))
    tell(events, 7)
    events.close()
    found = {
        "gathered": counted(gathering.stats),
        "one_by_one": counted(plain.stats),
        "heard": len(heard),
        "heard_late": heard_late,
        "late": late.stats.num_requests,
    }
    print(orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS).decode())


if __name__ == "__main__":
    main()
