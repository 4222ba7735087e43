"""What master and workers say to each other, inside one kind of Locust's own messages.

Joining: `hello`, then `refused` or `orders`; `ask_time` and `time` a few times; `ready`; `zero`. Running: a `pulse` each second with what
has happened since the last one, answered by `heard`, which is also the worker's leave to go on for a while; `death`, `stop`. A worker whose
operator throws the kill switch says `harm`. In the end a last pulse with `done`, answered by `bye`. Who is not wanted any more hears `bye`
with a reason.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gelombang.runplan import RunPlan
from gelombang.scale import FixedFloat, FixedInt
from gelombang.striping import Death
from gelombang.workers import Announcement
from gelombang_loadtests.standing import Standing, Totals

MESSAGE = "gelombang"
"""The type of Locust message that carries them."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_Message):
    """A worker asks to join."""

    kind: Literal["hello"] = "hello"
    announcement: Announcement
    host: str


class AskTime(_Message):
    """What time is it? `asked_us` is the worker's own."""

    kind: Literal["ask_time"] = "ask_time"
    asked_us: FixedInt


class Joined(_Message):
    """The worker's people could start."""

    kind: Literal["ready"] = "ready"
    people: FixedInt
    clock_error_us: FixedInt
    setup: dict[str, str]


class Pulse(_Message):
    """What happened since the last pulse that was heard. One that is not heard is sent again."""

    kind: Literal["pulse"] = "pulse"
    number: FixedInt
    files: dict[str, bytes]
    """Bytes to append to files of the run's folder, by name."""
    standing: Standing = Standing()
    """How the worker stands: totals that add up."""
    response: dict[str, Totals] = Field(default_factory=dict)
    """Decided attempts since the last pulse, by step and response in wall µs; only where a stop rule asks for it."""
    page: bytes = b""
    """The worker's metrics as a scrape would find them, compressed."""
    done: bool = False
    """Everybody has a fate and this is the last pulse."""
    failure: str = ""
    """Why the worker ended before its time; empty when it did not."""


class Harm(_Message):
    """Somebody at the worker wants the whole run to stop."""

    kind: Literal["harm"] = "harm"
    stopped_by: str
    reason: str


class Refused(_Message):
    """The worker may not join."""

    kind: Literal["refused"] = "refused"
    reason: str


class Orders(_Message):
    """What the worker is to walk."""

    kind: Literal["orders"] = "orders"
    plan: RunPlan
    process: FixedInt
    setup: dict[str, str] | None
    """What another worker's setup captured; None: walk it."""


class Time(_Message):
    """The master's time."""

    kind: Literal["time"] = "time"
    asked_us: FixedInt
    master_us: FixedInt


class Zero(_Message):
    """When the run begins, on the master's clock."""

    kind: Literal["zero"] = "zero"
    zero_us: FixedInt


class Heard(_Message):
    """A pulse is in the run's folder; the worker may go on."""

    kind: Literal["heard"] = "heard"
    number: FixedInt


class Died(_Message):
    """Another worker is dead."""

    kind: Literal["death"] = "death"
    death: Death


class StopNow(_Message):
    """No more arrivals."""

    kind: Literal["stop"] = "stop"
    drain_seconds: FixedFloat
    """What open attempts get."""


class Bye(_Message):
    """The worker may go: everything was heard, or nobody waits for it any more."""

    kind: Literal["bye"] = "bye"
    reason: str = ""


FromWorker = Annotated[Hello | AskTime | Joined | Pulse | Harm, Field(discriminator="kind")]
FromMaster = Annotated[Refused | Orders | Time | Zero | Heard | Died | StopNow | Bye, Field(discriminator="kind")]
FROM_WORKER: TypeAdapter[Hello | AskTime | Joined | Pulse | Harm] = TypeAdapter(FromWorker)
FROM_MASTER: TypeAdapter[Refused | Orders | Time | Zero | Heard | Died | StopNow | Bye] = TypeAdapter(FromMaster)
Told = Refused | Orders | Time | Zero | Heard | Died | StopNow | Bye
Said = Hello | AskTime | Joined | Pulse | Harm


def packed(message: _Message) -> dict[str, object]:
    """As Locust carries it: plain values and bytes. The plan goes as its JSON, because its times and fractions are JSON's."""
    found: dict[str, object] = message.model_dump()
    if isinstance(message, Orders):
        found["plan"] = message.plan.model_dump_json(by_alias=True)
    return found


def said(data: dict[str, object]) -> Said:
    """What a worker says. Raises ValidationError."""
    return FROM_WORKER.validate_python(data)


def told(data: dict[str, object]) -> Told:
    """What the master says. Raises ValidationError."""
    if data.get("kind") == "orders":
        data = {**data, "plan": RunPlan.model_validate_json(str(data["plan"]))}
    return FROM_MASTER.validate_python(data)
