"""`[gate]` of a gelombang.toml: how a service is built, started and asked, and what it may cost.

Promise: everything that decides over a verdict stands in one table that can be reviewed; whatever is wrong with it is said at once, with
its line. A file may `extends` another, so that forty services share one. Left out: revisions, which are named on the command line.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from gelombang.errors import Fault, FileError, InputError
from gelombang.toml_file import read_toml
from gelombang.validation import did_you_mean, faults_of

GATE_FILE = "gelombang.toml"
ROUTES_LIMIT = 30

Ratio = Annotated[float, Field(gt=0, lt=10, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]{0,30}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mode(StrEnum):
    """What a failure does."""

    OBSERVE = "observe"
    """It is said, and the command ends with 0."""
    AS_SHOWN = "as-shown"
    """The command ends with 1; a cost is a failure only where the known delay was caught, in the same comparison or in an earlier one on
    this class of machine. A machine of which nothing is known may compare."""
    ENFORCE = "enforce"
    """The same, and a class of machine that has not shown that it sees `detect` is refused before anything is built."""


class GateRequest(_Part):
    """One request. `{n}` in path, headers and body is a number that no other request to the same process has; `{name}` is what an earlier
    answer gave."""

    method: Annotated[str, StringConstraints(pattern="^[A-Z]{1,16}$")] = "GET"
    path: Annotated[str, StringConstraints(pattern="^/[\\x21-\\x7e]*$", max_length=2_000)] = "/"
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    status: Annotated[int, Field(ge=100, le=599)] = 200
    """The answer that is wanted; any other is an error."""


class SetupRequest(GateRequest):
    """Sent once to every fresh process, before it is measured."""

    save: dict[Name, str] = Field(default_factory=dict)
    """Name to JSON pointer: what of the answer later requests may use."""


class GateRoute(GateRequest):
    """One request that is measured."""

    name: Name
    budget: Ratio | None = None
    """The slowdown that is allowed, as a ratio: 0.005 is half a per cent. None: the gate's."""
    detect: Ratio | None = None
    """The slowdown that must not slip through. None: the gate's."""


class Waiver(_Part):
    """A slowdown that somebody accepted, for a time."""

    route: Name
    until: date
    """The last day on which it counts."""
    reason: Annotated[str, StringConstraints(min_length=10, max_length=500)]


class Instructions(_Part):
    """`[gate.instructions]`: how instructions per request are counted (`gelombang gate instructions`)."""

    command: Text
    """Does what the file `{orders}` says and prints a line of JSON for each run, as `counting` describes. `{head}` are the files of head,
    so that both revisions are asked by the same client; `{folder}` is an empty folder."""
    requests: Annotated[int, Field(ge=50, le=100_000)] = 200
    """By which the two counts of a route differ."""
    limit: Ratio = 0.01
    """Instructions more per request than this, as a ratio, are a failure."""
    starts_counting: bool = False
    """Whether the driver's children switch callgrind on themselves, once they begin to ask: everything before is then far quicker."""
    within_seconds: Seconds = 300.0
    """For both revisions, which are counted beside each other; a machine that needs longer is too busy, and nothing is decided."""


class Gate(_Part):
    """The whole table."""

    command: Text | None = None
    """Starts the service: `{port}` is where it must listen on 127.0.0.1, `{folder}` an empty folder of its own, `{tree}` the revision's
    files, `{head}` those of head: what starts both revisions alike. `python` is that of the revision's environment."""
    environment: list[Text] = Field(default_factory=list)
    """Shell commands that fill a fresh virtual environment, run in the revision's files. Empty: the lock file is installed."""
    lock: list[str] = Field(default_factory=lambda: ["requirements.lock", "requirements.txt"])
    """Files on which the environment depends; revisions in which they are the same share one."""
    build: list[Text] = Field(default_factory=list)
    """Shell commands that put the revision's own code into `{site}`, a folder on its PYTHONPATH. Empty: it runs from its files."""
    ready: str = "/"
    """Asked until something answers."""
    start_within_seconds: Seconds = 30.0
    build_within_seconds: Seconds = 600.0
    time_limit_seconds: Seconds = 300.0
    """For one sequence of pairs; there is a second one when the first finds something."""
    budget: Ratio = 0.005
    detect: Ratio = 0.03
    memory_budget: Ratio = 0.05
    memory_detect: Ratio = 0.20
    calls_budget: Ratio = 0.02
    calls_detect: Ratio = 0.10
    wall_budget: Ratio = 0.25
    batch_seconds: Annotated[float, Field(ge=0.005, le=5.0)] = 0.012
    """CPU of the server in one batch of one route."""
    rounds: Annotated[int, Field(ge=1, le=50)] = 12
    """Batches of each route to each process of a pair."""
    mode: Mode = Mode.AS_SHOWN
    owners: list[str] = Field(default_factory=list)
    when_changed: list[str] = Field(default_factory=list)
    """Patterns of paths; a comparison in which none of them changed is skipped. Empty: always compared."""
    setup: list[SetupRequest] = Field(default_factory=list, max_length=20)
    route: list[GateRoute] = Field(default_factory=list, max_length=ROUTES_LIMIT)
    accept: list[Waiver] = Field(default_factory=list)
    instructions: Instructions | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [route.name for route in self.route]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"a list in which {', '.join(twice)} comes twice; want a name once")
        for waiver in self.accept:
            if names and waiver.route not in names:
                raise ValueError(f"a waiver for {waiver.route}, which is no route; want {did_you_mean(waiver.route, names)}")
        for what, budget, detect in self._limits():
            if detect <= budget:
                raise ValueError(f"{what} detect = {detect:g} with a budget of {budget:g}; want detect above the budget")
        return self

    def _limits(self) -> Iterator[tuple[str, float, float]]:
        yield "memory_", self.memory_budget, self.memory_detect
        yield "calls_", self.calls_budget, self.calls_detect
        yield "", self.budget, self.detect
        for route in self.route:
            yield f"route {route.name}:", route.budget or self.budget, route.detect or self.detect


class _File(BaseModel):
    """The whole file; other tables are other tools' business."""

    gate: Gate


def load_gate(path: Path) -> Gate:
    """The table of this file. Raises InputError when it can't be read, FileError with every fault."""
    file = read_toml(path, str(path), by_name=False)
    if "gate" not in file.data:
        raise FileError(file.shown, [Fault("gate", "missing", "a table [gate]")])
    try:
        return _File.model_validate({"gate": file.data["gate"]}).gate
    except ValidationError as error:
        raise FileError(file.shown, [file.located(fault) for fault in faults_of(error, _File)]) from None


def chosen(gate: Gate, names: Sequence[str]) -> Gate:
    """The gate with these routes only; none: all. Without any in the file, `METHOD /path` is a route. Raises InputError."""
    if not names:
        return gate if gate.route else gate.model_copy(update={"route": [GateRoute(name="root", path="/")]})
    if not gate.route:
        return gate.model_copy(update={"route": [_spelled(name, place) for place, name in enumerate(names)]})
    known = {route.name: route for route in gate.route}
    for name in names:
        if name not in known:
            raise InputError(f"--route is {name!r}; want {did_you_mean(name, known)}")
    return gate.model_copy(update={"route": [known[name] for name in dict.fromkeys(names)]})


def waived(gate: Gate, today: date) -> dict[str, Waiver]:
    """The waivers of these routes, by route. Raises InputError for one that is over, whatever it is of."""
    known = [route.name for route in gate.route]
    for waiver in gate.accept:
        if waiver.until < today:
            raise InputError(
                f"the waiver for {waiver.route} ({waiver.reason}) ended on {waiver.until}; want a later date with a reason, or none of it"
            )
    return {waiver.route: waiver for waiver in gate.accept if waiver.route in known}


def _spelled(text: str, place: int) -> GateRoute:
    method, _, path = text.strip().rpartition(" ")
    try:
        return GateRoute(name=f"route-{place + 1}", method=(method or "GET").upper(), path=path)
    except ValidationError:
        raise InputError(f"--route is {text!r}; without routes in a file want METHOD /path, such as 'GET /items'") from None
