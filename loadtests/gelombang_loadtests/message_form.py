"""The message form of a step: waiting for a mail or SMS, outside any exchange.

An attempt begins when the person starts to wait and ends when the message is read, when the wait is over, or at once for those who will
never read it. A message that was read once stays read: who comes by the step again (after logging in anew) passes it, except for codes,
which serve only once: who asks for a new code throws away those that came before.
"""

from collections.abc import Mapping

from gelombang.attempt import Outcome, Phase
from gelombang.clock import MICROSECONDS
from gelombang.person import Person, reads_message
from gelombang.steps import MessageStep
from gelombang.templates import filled
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.phone import Message, Phone
from gelombang_loadtests.recorder import Ending

SINGLE_USE_KINDS = frozenset({"otp"})


class MessageForm:
    """One step of the form `message`."""

    def __init__(self, step: MessageStep, phone: Phone) -> None:
        self._step = step
        self._phone = phone

    def begin(self, applicant: Applicant, person: Person, values: Mapping[str, str], now_us: int) -> Try | int:
        """Begin to wait: what the wait came to when it is over at once, otherwise when it ends at the latest."""
        step = self._step
        if not reads_message(person, applicant.step):
            return _ended(Outcome.NOT_READ)
        if step.kind not in SINGLE_USE_KINDS and applicant.has_passed(applicant.step):
            return _ended(Outcome.OK)
        message = self._phone.take(self._key(values))
        if message is not None:
            return self._read(message)
        self._phone.wait(self._key(values), applicant)
        return now_us + int(step.within_seconds * MICROSECONDS)

    def end(self, applicant: Applicant, values: Mapping[str, str]) -> Try:
        """The wait is over: with the message that the phone put into the applicant's hand, or without."""
        message, applicant.message = applicant.message, None
        if message is None:
            self._phone.forget(self._key(values))
            return _ended(Outcome.NO_MESSAGE)
        return self._read(message)

    def asked_again(self, values: Mapping[str, str]) -> None:
        """The person is about to ask the site for this message: an unread code from before would be the wrong one."""
        if self._step.kind in SINGLE_USE_KINDS:
            self._phone.take(self._key(values))

    def _key(self, values: Mapping[str, str]) -> tuple[str, str]:
        return filled(self._step.address, values), self._step.kind

    def _read(self, message: Message) -> Try:
        if any(message.get(name) != wanted for name, wanted in self._step.accept.items()):
            return _ended(Outcome.INVALID)
        captured: dict[str, str] = {}
        for name, capture in self._step.capture.items():
            assert capture.message is not None
            if capture.message not in message:
                return _ended(Outcome.INVALID)
            captured[name] = message[capture.message]
        return Try(Ending(Outcome.OK, Phase.INBOX), captured=captured)


def _ended(outcome: Outcome) -> Try:
    return Try(Ending(outcome, Phase.INBOX))
