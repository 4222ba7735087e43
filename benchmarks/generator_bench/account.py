"""What the account part of the surge costs the generator: account, mail, link, data, code, registry and photo page of `opening-hour`.

Walker, forms, phone, ledger, counts and Locust's event on a network that answers at once, so what is left out are the engine, greenlets,
sockets and the parser (`parts.py` has those). One person after the other; CPU of this process alone. Prints one line of JSON: µs a person
in each round.
"""

import tempfile
from fractions import Fraction
from pathlib import Path

import orjson
from locust.env import Environment

from gelombang.attempt import Fate, Phase
from gelombang.clock import monotonic_us, process_cpu_seconds
from gelombang.journey import compile_journey
from gelombang.loading import load_scenario
from gelombang.person import Person, email, phone
from gelombang.scale import Scale, scaled
from gelombang.steps import MessageStep, RequestStep
from gelombang_loadtests.answer_headers import AnswerHeaders
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.engine_ports import Again, RunEnd
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.gevent_loop import GeventLoop
from gelombang_loadtests.guard import Guard
from gelombang_loadtests.locust_events import LocustEvents
from gelombang_loadtests.message_form import MessageForm
from gelombang_loadtests.phone import Phone
from gelombang_loadtests.photos import Photo
from gelombang_loadtests.plain_form import PlainForm, is_plain
from gelombang_loadtests.recorder import Recorder
from gelombang_loadtests.request_form import RequestForm
from gelombang_loadtests.target import Target
from gelombang_loadtests.walker import Crowd, Form, Walker

ROUNDS = 9
PEOPLE = 400
RUN, SEED = 7, 1
PAST = "photo-page"
HEAD = AnswerHeaders(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", 0)
BODY = b'{"session":"0123456789abcdef0123456789abcdef01234567","protocol":"ticket","url":"/api/v1/me/uploads","shows_progress":true}'


def no_photo(*_: object) -> Photo:
    raise AssertionError("nobody comes to the photos")


class Account:
    """A walker of people who turn back before the first photo."""

    def __init__(self, folder: Path) -> None:
        scenario = scaled(load_scenario("opening-hour"), Scale(Fraction(1), 22.0))
        steps = scenario.journey
        people = scenario.people.model_copy(update={"nik_known_ratio": 1.0})
        steps = [step.model_copy(update={"read_ratio": 1.0}) if isinstance(step, MessageStep) else step for step in steps]
        self._scenario = scenario = scenario.model_copy(update={"people": people, "journey": steps})
        self._last = [step.step for step in steps].index(PAST)
        journey = compile_journey(scenario)
        environment = Environment(events=None)
        environment.create_local_runner()
        listener = LocustEvents(environment, [step.step for step in steps])
        loop = GeventLoop(monotonic_us())
        gear = Gear(no_photo, loop=loop)
        base, carry = Target("127.0.0.1", 8080, ""), Guard(self._answer, {"127.0.0.1"}, ()).__call__
        self._phone = Phone(loop, None, lambda _: True)
        forms: list[Form] = []
        for step in steps:
            if isinstance(step, MessageStep):
                forms.append(MessageForm(step, self._phone))
            elif isinstance(step, RequestStep):
                form = PlainForm if is_plain(step, gear) else RequestForm
                forms.append(form(step, base, carry, listener.__call__, gear))
            else:
                forms.append(RequestForm(RequestStep(step=step.step, form="request", method="GET", path="/"), base, carry, listener, gear))
        self._book = Book(Recorder(folder, 0, ROUNDS * PEOPLE + PEOPLE), GeneratorCounts([step.step for step in steps]))
        self._walker = Walker(Crowd(RUN, SEED, scenario, journey), tuple(forms), loop, self._book, RunEnd(1 << 60))
        self._next = 0

    def walk(self, people: int) -> float:
        """µs of CPU a person."""
        began = process_cpu_seconds()
        for _ in range(people):
            self._one()
        return (process_cpu_seconds() - began) * 1e6 / people

    def _one(self) -> None:
        applicant = Applicant(self._next, 1, len(self._scenario.journey))
        self._next += 1
        while applicant.step <= self._last:
            then = self._walker(applicant)
            assert isinstance(then, Again), then
            if then.parked:
                self._deliver(applicant)
        self._book.person_ends(applicant, Fate.WAITING, 1)

    def _deliver(self, applicant: Applicant) -> None:
        step, person = self._scenario.journey[applicant.step], applicant.person
        assert isinstance(step, MessageStep)
        assert person is not None
        address = phone(person) if step.kind == "otp" else email(person)
        content = {"email-link": "path", "otp": "code", "registry": "result"}[step.kind]
        text = {"path": "/api/v1/verify/0123456789abcdef", "code": "123456", "result": "verified"}[content]
        self._phone.deliver({"id": "1", "kind": step.kind, "address": address, content: text}, lambda _: None)

    def _answer(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        return Answer(None, Phase.RECEIVE, 200, HEAD, BODY, 300, 200, 0, 10, 900, 0, "", 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        account = Account(Path(folder))
        account.walk(PEOPLE)
        found = [round(account.walk(PEOPLE), 1) for _ in range(ROUNDS)]
    print(orjson.dumps({"account part, on a network that answers at once": found}).decode())


if __name__ == "__main__":
    main()
