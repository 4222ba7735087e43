"""A small run on virtual time: everybody walks until its end, against a site that is a function."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.journey import compile_journey
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, read_rows
from gelombang.patience import opens_second_tabs
from gelombang.person import Person
from gelombang.scale import Scale, scaled
from gelombang.scenario import Scenario
from gelombang.steps import MessageStep, PhotoKind, PhotoStep, RequestStep
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.complaints import Complaints
from gelombang_loadtests.due_people import Arrivals
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.engine_ports import EngineLimits, RunEnd
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.guard import Guard
from gelombang_loadtests.message_form import MessageForm
from gelombang_loadtests.phone import Phone
from gelombang_loadtests.photo_form import PhotoForm
from gelombang_loadtests.photos import Photo
from gelombang_loadtests.recorder import Recorder
from gelombang_loadtests.request_form import RequestForm
from gelombang_loadtests.tabbed_walker import TabbedWalker
from gelombang_loadtests.tabs import Tabs
from gelombang_loadtests.target import Target
from gelombang_loadtests.walker import Crowd, Form, Walker
from tests.unit.virtual_loop import VirtualLoop

SECOND = 1_000_000
RUN = 5

Site = Callable[["Walk", Request], Answer]


class Walk:
    """Everybody of a small run walks until its end, against a site that is a function."""

    def __init__(
        self,
        folder: Path,
        what: Scenario,
        site: Site,
        due_seconds: tuple[float, ...] = (1.0,),
        end_seconds: float = 1000.0,
        in_flight_limit: int = 100,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.loop = VirtualLoop()
        self.requests: list[tuple[int, Request]] = []
        self.patience_seconds: list[float] = []
        self.heard: list[tuple[str, Outcome, Code]] = []
        self._site = site
        self.said: list[str] = []
        self._gear = Gear(picture, complaints=Complaints(self.said.append), loop=self.loop)
        self._end = RunEnd(round(end_seconds * SECOND))
        journey = compile_journey(what)
        photos = {i: step.photo for i, step in enumerate(journey.steps) if isinstance(step, PhotoStep)}
        self.counts = GeneratorCounts(journey.names, photos=photos)
        recorder = Recorder(folder, 0, len(due_seconds))
        self.phone = Phone(self.loop, lambda *_: None, lambda _: True)
        book = Book(recorder, self.counts)
        crowd = Crowd(RUN, 1, scaled(what, Scale(Fraction(1))), journey, complaints=self._gear.complaints)
        forms, tabs = tuple(self._form(step) for step in journey.steps), Tabs()
        walker = Walker(crowd, forms, self.loop, book, self._end)
        if opens_second_tabs(what):
            walker = TabbedWalker(crowd, forms, self.loop, book, self._end, tabs)
        due = np.array([round(s * SECOND) for s in due_seconds], dtype=np.int64)
        limits = EngineLimits(in_flight_limit=in_flight_limit, steps=len(journey.steps))
        arrivals = Arrivals(due, np.arange(len(due), dtype=np.int64))
        self.engine = Engine(arrivals, limits, self._end, self.loop, walker, book, lambda: True, tabs)
        self.loop.run(self.engine.run)
        recorder.close()
        if self.engine.failure is not None:
            raise self.engine.failure
        self.attempts = read_rows(folder / "ledger-generator-0.bin", GENERATOR_ROW)
        self.people = read_rows(folder / "people-0.bin", PERSON_ROW)
        self.acknowledged = read_rows(folder / "acknowledged-0.bin", ACKNOWLEDGED_ROW)

    def _form(self, step: object) -> Form:
        base = Target("127.0.0.1", 9, "")
        guarded = Guard(self._exchange, frozenset({"127.0.0.1"}), ())
        match step:
            case RequestStep():
                return RequestForm(step, base, guarded, self._listen, self._gear)
            case PhotoStep():
                return PhotoForm(step, base, guarded, self._listen, self._gear)
            case MessageStep():
                return MessageForm(step, self.phone)
        raise AssertionError(step)

    def _exchange(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        self.requests.append((self.loop.now_us(), request))
        self.patience_seconds.append(patience_seconds)
        deadline_us = min(self.loop.now_us() + round(patience_seconds * SECOND), self._end.us)
        answer = self._site(self, request)
        if self.loop.now_us() > deadline_us:
            raise AssertionError("the site of a test takes longer than patience; let it answer LATE")
        if answer is LATE:
            self.loop.sleep_until(deadline_us)
        return answer

    def _listen(self, kind: str, attempt: AttemptId, answer: Answer, outcome: Outcome, code: Code) -> None:
        self.heard.append((kind, outcome, code))

    def takes(self, seconds: float) -> None:
        self.loop.sleep_until(self.loop.now_us() + round(seconds * SECOND))

    def deliver(self, after_seconds: float, **message: str) -> None:
        def later() -> None:
            self.takes(after_seconds)
            self.phone.deliver(dict(message), self.engine.wake)

        self.loop.spawn(later)

    def outcomes(self) -> list[Outcome]:
        return [Outcome(value) for value in self.attempts["outcome"]]

    def fates(self) -> list[Fate]:
        return [Fate(value) for value in self.people["fate"]]

    def requests_at_seconds(self) -> list[float]:
        return [now / SECOND for now, _ in self.requests]


LATE = Answer(Outcome.TIMED_OUT, Phase.WAIT)


def ok(value: object = None, status: int = 200) -> Answer:
    return Answer(None, Phase.RECEIVE, status, {}, json.dumps(value or {}).encode())


def problem(status: int, code: str, **more: object) -> Answer:
    return Answer(None, Phase.RECEIVE, status, {b"content-type": b"application/problem+json"}, json.dumps({"code": code, **more}).encode())


def picture(kind: PhotoKind, size_bytes: int, serial: bytes) -> Photo:
    return Photo((serial,), size_bytes)


def scripted(*answers: Answer) -> Site:
    left = list(answers)
    return lambda walk, request: left.pop(0) if len(left) > 1 else left[0]
