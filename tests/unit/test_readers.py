"""Mail of the harness: whose it is, and that what nobody will ever read is not kept."""

from fractions import Fraction

import pytest

from gelombang import person as persons
from gelombang.loading import load_scenario
from gelombang.person import make_person, reads_message
from gelombang.scale import Scale, scaled
from gelombang_loadtests.phone import Phone
from gelombang_loadtests.readers import Readers
from tests.unit.virtual_loop import VirtualLoop

SCENARIO = scaled(load_scenario("opening-hour"), Scale(Fraction(1)))
RUN, SEED = 5, 7
KINDS = {step.kind: number for number, step in enumerate(SCENARIO.journey) if step.form == "message"}


def readers(owned: range = range(1_000_000)) -> Readers:
    return Readers(RUN, SEED, SCENARIO.journey, owned.__contains__)


@pytest.mark.parametrize("kind", ["email-link", "otp", "registry"])
def test_who_reads_a_message_is_who_would_wait_for_it(kind: str) -> None:
    people = [make_person(SEED, index, SCENARIO, RUN) for index in range(200)]
    wait = [reads_message(person, KINDS[kind]) for person in people]
    addresses = [persons.phone(person) if kind == "otp" else persons.email(person) for person in people]
    assert [readers().will_read((address, kind)) for address in addresses] == wait
    assert all(wait) == (kind != "email-link")


def test_nobody_reads_what_no_step_waits_for_or_what_comes_for_somebody_else() -> None:
    mail = persons.email(make_person(SEED, 3, SCENARIO, RUN))
    assert not readers().will_read((mail, "newsletter"))
    assert not readers().will_read(("somebody@else.example", "registry"))
    assert readers(range(4)).owns(mail)
    assert not readers(range(3)).owns(mail)
    assert not readers().owns(persons.email(make_person(SEED, 3, SCENARIO, RUN + 1)))


def test_a_phone_keeps_what_will_be_read_and_nothing_else() -> None:
    phone = Phone(VirtualLoop(), None, lambda _: True, lambda key: key[0] == "reader")
    for address in ("reader", "nobody"):
        phone.deliver({"address": address, "kind": "otp"}, lambda _: None)
    assert phone.received == 2
    assert phone.take(("nobody", "otp")) is None
    assert phone.take(("reader", "otp")) == {"address": "reader", "kind": "otp"}
