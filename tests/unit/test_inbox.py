"""Sections `[inbox.NAME]`: what is wrong with them is said, and a text is read as the message that it is."""

import re
from collections.abc import Sequence

import pytest
from pydantic import TypeAdapter, ValidationError

from gelombang.errors import InputError
from gelombang.inbox import FixedInbox, Inboxes, inbox_faults, require_own_inboxes
from gelombang.steps import Step
from gelombang_loadtests.inbox_sources import Key, Message, read_text
from gelombang_loadtests.inboxes import FixedPhone, PolledPhone
from tests.unit.virtual_loop import VirtualLoop

INBOXES: TypeAdapter[Inboxes] = TypeAdapter(Inboxes)
STEP: TypeAdapter[Step] = TypeAdapter(Step)
HTTP = {
    "source": "http",
    "url": "http://127.0.0.1:8025/api/messages",
    "messages": "/messages",
    "id": "/ID",
    "address": "/To",
    "kind": "/Subject",
    "text": "/Text",
    "pattern": r"code is (?P<code>\d{6})",
}
MESSAGE = {"step": "mail", "form": "message", "kind": "otp", "address": "{email}", "within_seconds": 9.0, "inbox": "mail"}


def faults(inboxes: dict[str, object], *steps: dict[str, object]) -> list[str]:
    read = [(i, STEP.validate_python(step)) for i, step in enumerate(steps)]
    return [str(fault) for fault in inbox_faults(INBOXES.validate_python(inboxes), read)]


def test_a_named_inbox_is_without_fault() -> None:
    step = MESSAGE | {"capture": {"code": {"message": "code"}}}
    assert faults({"mail": HTTP}, step) == []
    assert faults({"mail": {"source": "fixed", "code": "123456"}}, step) == []


@pytest.mark.parametrize(
    ("inboxes", "step", "says"),
    [
        ({"mail": HTTP}, MESSAGE | {"inbox": "mial"}, "journey[0].inbox is 'mial'; want an inbox: mail"),
        ({"mail": HTTP}, MESSAGE | {"inbox": "harness"}, "inbox.mail is named by no step"),
        ({"mail": HTTP}, MESSAGE | {"capture": {"to": {"message": "link"}}}, "journey[0].capture.to is 'link'"),
        ({"mail": HTTP | {"kinds": {"otp": "SMS"}}}, MESSAGE | {"kind": "mail"}, "journey[0].kind is 'mail'"),
        ({"mail": HTTP | {"url": "http://a.example/{email}"}}, MESSAGE, "inbox.mail.url is"),
        ({"mail": HTTP | {"message_url": "http://a.example/m"}}, MESSAGE, "{id} once"),
        ({"mail": HTTP, "harness": {"source": "fixed", "code": "1"}}, MESSAGE, "inbox.harness is a section"),
    ],
)
def test_what_does_not_fit_together_is_said(inboxes: dict[str, object], step: dict[str, object], says: str) -> None:
    found = faults(inboxes, step)
    assert any(says in fault for fault in found), found


def test_against_a_service_of_ones_own_nobody_waits_for_the_reference_servers_inbox() -> None:
    require_own_inboxes([STEP.validate_python(MESSAGE)])
    with pytest.raises(InputError, match=r"step mail waits for the reference server's own inbox.*want a section \[inbox.NAME\]"):
        require_own_inboxes([STEP.validate_python(MESSAGE | {"inbox": "harness"})])


@pytest.mark.parametrize("pattern", ["(?P<code>", "no group", "(?P<token>x)"])
def test_a_pattern_names_code_or_link(pattern: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        INBOXES.validate_python({"mail": HTTP | {"pattern": pattern}})


def test_a_text_is_of_the_kind_whose_words_it_holds_and_keeps_what_came_first() -> None:
    pattern = re.compile(r"(?P<link>https?://\S+)|code (?P<code>\d{6})")
    kinds = {"email-link": "confirm", "otp": "Your code"}
    read = read_text(kinds, pattern, "a@b.example", "Please confirm", "go to https://a.example/1 or https://a.example/2, code 123456")
    assert read == {"address": "a@b.example", "kind": "email-link", "link": "https://a.example/1", "code": "123456"}
    assert read_text(kinds, pattern, "a@b.example", "Newsletter", "https://a.example/1") is None
    assert read_text(kinds, pattern, "a@b.example", "Your code", "there is none") is None
    assert read_text({}, pattern, "a@b.example", "otp", "code 000001") == {"address": "a@b.example", "kind": "otp", "code": "000001"}


class _Source:
    """Answers once, fails once, and then stops its phone."""

    def __init__(self) -> None:
        self.rounds = 0
        self.closed = False
        self.phone: PolledPhone | None = None

    def open(self) -> None:
        raise AssertionError("a phone asks a source that is open")

    def batch(self, waiting: Sequence[Key]) -> list[Message] | None:
        self.rounds += 1
        if self.rounds == 3:
            assert self.phone is not None
            self.phone.stop()
        return [{"address": "a@b.example", "kind": "otp", "code": "1"}] if self.rounds == 1 else None

    def close(self) -> None:
        self.closed = True


def test_a_polled_inbox_keeps_what_comes_counts_rounds_that_fail_and_closes_its_source() -> None:
    loop, source = VirtualLoop(), _Source()
    phone = source.phone = PolledPhone(loop, source, 0.5)
    loop.run(lambda: phone.run(lambda _: None))
    assert (source.rounds, phone.failures, phone.received, source.closed) == (3, 2, 1, True)
    assert loop.now_us() == 1_500_000
    assert phone.take(("a@b.example", "otp")) == {"address": "a@b.example", "kind": "otp", "code": "1"}
    assert phone.take(("a@b.example", "otp")) is None


def test_a_fixed_inbox_has_its_code_for_everybody_and_again() -> None:
    phone = FixedPhone(VirtualLoop(), FixedInbox(source="fixed", code="123456"))
    for address in ("a", "b", "a"):
        assert phone.take((address, "otp")) == {"address": address, "kind": "otp", "code": "123456"}
    assert not phone.rings
