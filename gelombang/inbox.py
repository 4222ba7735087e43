"""Where people get their mail and SMS: the section `[inbox.NAME]` of a scenario, which a message step names by `inbox = "NAME"`.

One contract for all sources: a message that came for an address, of a kind, after the run began, holds a code, a link, or both; a step
captures them as `message = "code"` and `message = "link"`. `harness` needs no section: it is the reference server's own. Times here are
wall time, because an inbox is polled by the real clock. Nothing here opens a socket: `gelombang_loadtests.inbox_sources` does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gelombang.errors import Fault, InputError
from gelombang.scale import FixedFloat, FixedInt
from gelombang.steps import MessageStep, Step, StepName
from gelombang.templates import placeholders
from gelombang.validation import did_you_mean

HARNESS = "harness"
MESSAGE_FIELDS = ("address", "kind", "code", "link")
"""What a message of these sources holds; code and link only where the pattern found them."""
FOUND_FIELDS = ("code", "link")

Pointer = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
Address = Annotated[str, Field(pattern=r"^(https?://|\$\{(env|file):)")]
PollSeconds = Annotated[FixedFloat, Field(ge=0.05, le=60)]
AnswerSeconds = Annotated[FixedFloat, Field(gt=0, le=60)]
BatchLimit = Annotated[FixedInt, Field(gt=0, le=5_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class _Read(_Part):
    """A source whose messages are texts."""

    kinds: dict[str, str] = Field(default_factory=dict)
    """Which messages are of which kind: by words that stand in the kind's field. Without it, that field is the kind itself."""
    pattern: str
    """A regular expression with the named groups `code`, `link` or both, looked for in the text."""

    @model_validator(mode="after")
    def _finds(self) -> Self:
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise ValueError(f"pattern {self.pattern!r} is no regular expression ({error}); want one of Python's") from None
        if not groups or not set(groups) <= set(FOUND_FIELDS):
            raise ValueError(f"pattern names the groups {', '.join(groups) or 'none'}; want (?P<code>...), (?P<link>...) or both")
        return self


class FixedInbox(_Part):
    """A staging service that takes one code from everybody. The message is there at once."""

    source: Literal["fixed"]
    code: str = ""
    link: str = ""


class HttpInbox(_Read):
    """A list of messages as JSON, asked for again and again: mail catchers, sandboxes of providers."""

    source: Literal["http"]
    url: Address
    """The newest messages, at least a batch of them."""
    headers: dict[str, str] = Field(default_factory=dict)
    messages: Pointer
    """Where the list is in the answer. The other pointers look into one of its entries."""
    id: Pointer
    address: Pointer
    kind: Pointer
    text: Pointer
    """Where the text is, in the entry or in the answer of `message_url`."""
    message_url: Address | None = None
    """When the list holds no whole texts: asked for each new message, with `{id}` in it."""
    ca_file: str | None = None
    """Certificate authority of a private one."""
    poll_seconds: PollSeconds = 1.0
    answer_seconds: AnswerSeconds = 5.0
    """How long an answer may take."""
    batch_limit: BatchLimit = 500
    """Entries of one answer that are looked at; the first of the list."""


class ImapInbox(_Read):
    """A mailbox; a message's address is its To field, its kind's field is its Subject."""

    source: Literal["imap"]
    host: str
    port: Annotated[FixedInt, Field(gt=0, le=65_535)] = 993
    tls: bool = True
    ca_file: str | None = None
    user: str
    password: str
    mailbox: str = "INBOX"
    poll_seconds: PollSeconds = 2.0
    answer_seconds: AnswerSeconds = 10.0
    batch_limit: BatchLimit = 200
    """Messages fetched at once; the rest with the next poll."""


class HookInbox(_Part):
    """Asks a function of the operator's own: `wait_for_message(address, kind, since)` returns a dict with `code`, `link` or both, or None
    when nothing is there yet. `since` is UTC. It runs in the generator, under gevent: what blocks elsewhere lets the others run here."""

    source: Literal["hook"]
    function: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`module:function`."""
    poll_seconds: PollSeconds = 1.0
    batch_limit: BatchLimit = 200
    """People asked for in one round; the longest waiting first."""


Inbox = Annotated[FixedInbox | HttpInbox | ImapInbox | HookInbox, Field(discriminator="source")]
Inboxes = dict[StepName, Inbox]


def inbox_faults(inboxes: Mapping[str, Inbox], steps: Iterable[tuple[int, Step]]) -> Iterator[Fault]:
    """Inboxes that are named and don't exist, that exist and are not named, and fields that their messages never hold. `steps` with their
    places in the journey."""
    if HARNESS in inboxes:
        yield Fault(f"inbox.{HARNESS}", "a section", "another name: this one is the reference server's own inbox")
    asked = set()
    for i, step in steps:
        if not isinstance(step, MessageStep):
            continue
        asked.add(step.inbox)
        if step.inbox == HARNESS:
            continue
        if step.inbox not in inboxes:
            yield Fault(f"journey[{i}].inbox", repr(step.inbox), f"an inbox: {did_you_mean(step.inbox, [HARNESS, *inboxes])}")
            continue
        wanted = [(f"capture.{name}", capture.message) for name, capture in step.capture.items() if capture.message is not None]
        wanted += [(f"accept.{name}", name) for name in step.accept]
        held = _fields(inboxes[step.inbox])
        for where, name in wanted:
            if name not in held:
                yield Fault(f"journey[{i}].{where}", repr(name), f"{did_you_mean(name, held)}, which the messages of {step.inbox} hold")
        kinds = getattr(inboxes[step.inbox], "kinds", {})
        if kinds and step.kind not in kinds:
            yield Fault(f"journey[{i}].kind", repr(step.kind), f"a kind of inbox {step.inbox}: {did_you_mean(step.kind, list(kinds))}")
    for name, inbox in inboxes.items():
        if name not in asked and name != HARNESS:
            yield Fault(f"inbox.{name}", "named by no step", f'a message step with inbox = "{name}"')
        if isinstance(inbox, HttpInbox):
            for where, text, allowed in (("url", inbox.url, ()), ("message_url", inbox.message_url or "{id}", ("id",))):
                if tuple(placeholders(text)) != allowed:
                    yield Fault(f"inbox.{name}.{where}", repr(text), f"{'{id} once' if allowed else 'no {placeholder}'} in it")


def require_own_inboxes(steps: Iterable[Step]) -> None:
    """Raises InputError when a step waits for the reference server's own inbox, which no other service has."""
    waiting = [step.step for step in steps if isinstance(step, MessageStep) and step.inbox == HARNESS]
    if waiting:
        raise InputError(
            f"step {waiting[0]} waits for the reference server's own inbox, which a --target does not have; "
            'want a section [inbox.NAME] and inbox = "NAME" in the step'
        )


def _fields(inbox: Inbox) -> list[str]:
    match inbox:
        case FixedInbox():
            return ["address", "kind", *(name for name in FOUND_FIELDS if getattr(inbox, name))]
        case HookInbox():
            return list(MESSAGE_FIELDS)
    return ["address", "kind", *re.compile(inbox.pattern).groupindex]
