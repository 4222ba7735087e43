"""What Locust's statistics come to when exchanges are gathered: what they come to when Locust counts each by itself."""

from types import SimpleNamespace

import locust.stats
import pytest
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

from gelombang.attempt import AttemptId, Code, Outcome, Phase
from gelombang.seeds import draw
from gelombang_loadtests import locust_statistics
from gelombang_loadtests.exchange import Answer
from gelombang_loadtests.locust_events import LocustEvents

STEPS = ("account", "ktp")
OUTCOMES = (Outcome.OK, Outcome.OK, Outcome.CONFLICT, Outcome.TIMED_OUT, Outcome.FAILED)


class Clock:
    """The wall clock of both, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_586_595_600.25
        monkeypatch.setattr(locust_statistics, "wall_seconds", lambda: self.now)
        monkeypatch.setattr(locust.stats, "time", SimpleNamespace(time=lambda: self.now))


def environment() -> Environment:
    made = Environment(events=None)
    made.create_local_runner()
    return made


def exchanges(count: int) -> list[tuple[float, str, int, Answer, Outcome]]:
    """(seconds after the one before, kind, step, answer, outcome)"""
    return [
        (
            (0.0, 0.01, 0.4, 3.0)[draw(7, number, 1) % 4],
            ("GET", "POST")[draw(7, number, 2) % 2],
            draw(7, number, 3) % len(STEPS),
            Answer(None, Phase.RECEIVE, 200, {}, bytes(draw(7, number, 4) % 400), wait_us=draw(7, number, 5) >> 40),
            OUTCOMES[draw(7, number, 6) % len(OUTCOMES)],
        )
        for number in range(count)
    ]


def told(events: LocustEvents, clock: Clock, count: int) -> None:
    for number, (later, kind, step, answer, outcome) in enumerate(exchanges(count)):
        clock.now += later
        events(kind, AttemptId(1, 1, 0, step, number + 1), answer, outcome, Code.NONE)


def counted(stats: RequestStats) -> dict[object, object]:
    return {key: numbers(entry) for key, entry in {**stats.entries, "total": stats.total}.items()}


def numbers(entry: StatsEntry) -> dict[str, object]:
    found = {name: value for name, value in entry.serialize().items() if name not in ("start_time", "total_response_time")}
    assert entry.last_request_timestamp is not None
    return found | {
        "last_request_timestamp": int(entry.last_request_timestamp),
        "mean": pytest.approx(entry.avg_response_time),
        "median": entry.median_response_time,
    }


@pytest.mark.parametrize("limit", [1, 3, locust_statistics.GATHERED_LIMIT])
def test_gathered_exchanges_come_to_the_numbers_that_locust_counts_one_by_one(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(locust_statistics, "GATHERED_LIMIT", limit)
    clock = Clock(monkeypatch)
    began = clock.now
    gathering, plain = environment(), environment()
    events = LocustEvents(gathering, STEPS)
    told(events, clock, 400)
    events.close()
    clock.now = began
    heard: list[str] = []
    plain.events.request.add_listener(lambda **fields: heard.append(fields["name"]))
    firing = LocustEvents(plain, STEPS)
    told(firing, clock, 400)
    assert len(heard) == 400, "somebody listens, and hears of each"
    assert counted(gathering.stats) == counted(plain.stats)
    assert gathering.stats.num_failures == plain.stats.num_failures > 50
    assert gathering.stats.serialize_errors() == plain.stats.serialize_errors()
    firing.close()


def test_who_begins_to_listen_in_the_middle_hears_of_all_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, locusts = Clock(monkeypatch), environment()
    events = LocustEvents(locusts, STEPS)
    told(events, clock, 5)
    heard: list[AttemptId] = []
    locusts.events.request.add_listener(lambda context, **_: heard.append(context["attempt"]))
    told(events, clock, 7)
    events.close()
    assert [attempt.number for attempt in heard] == [1, 2, 3, 4, 5, 6, 7]
    assert locusts.stats.num_requests == 12
