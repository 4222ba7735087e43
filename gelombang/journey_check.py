"""What can be wrong with a journey although each of its steps is well formed.

The checks read a plain outline of each step, made from the file's own data, so that they still speak when some step has a wrong type
elsewhere: a scenario reports all its faults at once.

A placeholder is filled when every way that leads to the step passes a capture of that name: the ways are `ok` from each step, and what
`on` says. (The defaults for `conflict` are left out: a site that says "already" to a request that captures is not expected to.)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gelombang.errors import Fault
from gelombang.feed_check import PREFIX, Columns, column_fault, columns_of
from gelombang.journey import RETRY, default_next, resolved_target
from gelombang.scenario import Scenario
from gelombang.templates import PERSON_FIELDS, placeholders, texts_below
from gelombang.validation import did_you_mean

_MESSAGE_OUTCOMES = ("no_message", "not_read")
_ANSWER_OUTCOMES = (
    *("refused", "failed", "too_large", "conflict", "expired", "timed_out"),
    *("connect_refused", "reset", "protocol", "tls_failed", "proxy_refused", "capture_failed"),
)
_TEMPLATES = ("path", "query", "headers", "body", "address", "protocol", "url", "accept")
"""Fields of a step whose texts are filled in."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What the checks need of one step."""

    name: str
    form: str
    on: Mapping[str, str]
    captures: Mapping[str, Mapping[str, object]]
    texts: Sequence[tuple[str, str]]
    photos: Sequence[tuple[str, str]]
    """Where it asks for a drawn photo, and of which kind."""
    ways: Mapping[str, str]
    """Where it leads, by the field that says so."""


@dataclass(frozen=True, slots=True)
class Given:
    """What placeholders may ask for at the first step already."""

    feeds: Columns = field(default_factory=dict)
    values: frozenset[str] = frozenset()
    """What is captured before anybody arrives."""
    person: Sequence[str] = PERSON_FIELDS


def journey_faults(scenario: Scenario) -> list[Fault]:
    """Every fault of a valid scenario's journey, in the order of its steps."""
    steps = [step.model_dump(mode="json", by_alias=True, exclude_none=True) for step in scenario.journey]
    values = frozenset(name for before in (*scenario.setup, *scenario.shared) for name in before.capture)
    feeds = columns_of({name: feed.model_dump() for name, feed in scenario.feed.items()})
    return outline_faults(outlines(steps), [kind.value for kind in scenario.people.photos], Given(feeds, values))


def outlines(steps: object) -> list[Outline]:
    """The outlines of a file's `journey`, whatever stands there."""
    return [_outline(i, step) for i, step in enumerate(steps)] if isinstance(steps, list) else []


def outline_faults(steps: Sequence[Outline], photo_kinds: Sequence[str], given: Given = Given()) -> list[Fault]:
    """Every fault of a journey, in the order of its steps."""
    faults = [*_name_faults(steps), *_target_faults(steps), *_form_faults(steps, photo_kinds)]
    table = _Ways(steps, given)
    faults += table.reach_faults()
    faults += table.placeholder_faults()
    return faults


def _outline(index: int, step: object) -> Outline:
    data = step if isinstance(step, dict) else {}
    texts = [pair for field in _TEMPLATES for pair in texts_below(data.get(field), f"journey[{index}].{field}")]
    captures = {str(name): how for name, how in _table(data.get("capture")).items() if isinstance(how, dict)}
    for i, beside in enumerate(map(_table, _list(data.get("parallel")))):
        texts += [pair for field in _TEMPLATES for pair in texts_below(beside.get(field), f"journey[{index}].parallel[{i}].{field}")]
        captures |= {str(name): how for name, how in _table(beside.get("capture")).items() if isinstance(how, dict)}
    captures |= {str(name): {"hook": data.get("hook")} for name in _list(data.get("hook_values"))}
    on = {str(outcome): target for outcome, target in _table(data.get("on")).items() if isinstance(target, str)}
    rules = _table(_table(data.get("success")).get("rules"))
    leads = {f"success.rules.{name}.leads_to": _table(rule).get("leads_to") for name, rule in rules.items()}
    ways = {f"on.{outcome}": target for outcome, target in on.items()} | {where: to for where, to in leads.items() if isinstance(to, str)}
    return Outline(str(data.get("step", "")), str(data.get("form", "")), on, captures, texts, list(_photos(data)), ways)


def _photos(step: dict[str, object]) -> Iterator[tuple[str, str]]:
    body = _table(step.get("body"))
    parts = _table(body.get("multipart"))
    places = [("photo", step.get("photo")), ("body.tus.photo", _table(body.get("tus")).get("photo"))]
    places += [(f"body.multipart.{name}.photo", _table(part).get("photo")) for name, part in parts.items()]
    yield from ((where, kind) for where, kind in places if isinstance(kind, str))
    for i, beside in enumerate(map(_table, _list(step.get("parallel")))):
        yield from ((f"parallel[{i}].{where}", kind) for where, kind in _photos(beside))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _name_faults(steps: Sequence[Outline]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for i, step in enumerate(steps):
        if step.name and first.setdefault(step.name, i) != i:
            yield Fault(f"journey[{i}].step", f"{step.name!r}, the name of journey[{first[step.name]}] too", "a name of its own")


def _target_faults(steps: Sequence[Outline]) -> Iterator[Fault]:
    names = [step.name for step in steps]
    for i, step in enumerate(steps):
        for where, target in step.ways.items():
            kind, _, name = target.partition(":")
            if kind == "step" and name not in names:
                yield Fault(f"journey[{i}].{where}", repr(target), f"a step of this journey: {did_you_mean(name, names)}")


def _form_faults(steps: Sequence[Outline], photo_kinds: Sequence[str]) -> Iterator[Fault]:
    for i, step in enumerate(steps):
        impossible = _ANSWER_OUTCOMES if step.form == "message" else _MESSAGE_OUTCOMES
        for outcome in step.on:
            if step.form and outcome in impossible:
                wanted = f"an outcome that a {step.form} can have"
                yield Fault(f"journey[{i}].on.{outcome}", "what never happens here", wanted)
        for name, how in step.captures.items():
            if ("message" in how) != (step.form == "message") and step.form:
                parts = "a part of the answer: json_pointer, header, cookie, regex or css"
                wanted = "a field of the message" if step.form == "message" else parts
                yield Fault(f"journey[{i}].capture.{name}", ", ".join(how) or "empty", wanted)
        for where, kind in step.photos:
            if kind not in photo_kinds:
                described = ", ".join(photo_kinds) or "none is"
                yield Fault(f"journey[{i}].{where}", repr(kind), f"a photo that people.photos describes: {described}")


class _Ways:
    """The ways through a journey: its steps as nodes; targets that don't exist are no ways."""

    def __init__(self, steps: Sequence[Outline], given: Given) -> None:
        self._steps = steps
        self._given = given
        self._names = [step.name for step in steps]
        self._ends: set[int] = set()
        self._edges: list[tuple[int, int, bool]] = []
        for i, step in enumerate(steps):
            for where, target in {"on.ok": "next", **step.ways}.items():
                self._add(i, where == "on.ok", target)

    def _add(self, step: int, captures: bool, target: str) -> None:
        try:
            to = resolved_target(target, self._names, default_next(step, len(self._steps)))
        except (ValueError, KeyError, AssertionError):
            self._ends.add(step)  # A fault already; it may have meant an end, so no second fault is made of it.
            return
        if to >= 0:
            self._edges.append((step, to, captures))
        elif to != RETRY:
            self._ends.add(step)

    def reach_faults(self) -> Iterator[Fault]:
        """Steps that nothing leads to, and a journey that never ends."""
        if not self._steps:
            return
        reached = {0}
        while added := {to for begin, to, _ in self._edges if begin in reached} - reached:
            reached |= added
        for i in sorted(set(range(len(self._steps))) - reached):
            yield Fault(f"journey[{i}].step", f"{self._names[i]!r}, which no step leads to", "a step that some outcome leads to")
        if not self._ends & reached:
            yield Fault("journey", "without an end", "a way to fate:finished")

    def placeholder_faults(self) -> Iterator[Fault]:
        """Placeholders that are not filled on every way to their step."""
        filled = self._filled_on_all_ways()
        captured = {name for step in self._steps for name in step.captures}
        for i, step in enumerate(self._steps):
            for where, text in step.texts:
                for name in placeholders(text):
                    if name.startswith(PREFIX):
                        fault = column_fault(where, name, self._given.feeds)
                        if fault is not None:
                            yield fault
                    elif name not in self._given.person and name not in filled[i]:
                        known = [*self._given.person, *sorted(filled[i])]
                        found = f"{{{name}}}, captured on no way or not on every way to this step" if name in captured else f"{{{name}}}"
                        yield Fault(where, found, f"a field of the person or an earlier capture: {did_you_mean(name, known)}")

    def _filled_on_all_ways(self) -> list[set[str]]:
        everything = {name for step in self._steps for name in step.captures} | self._given.values
        # The largest solution of: filled(step) = what is filled after every way into it. Steps that nothing leads to keep everything, so
        # that they have one fault and not one for each placeholder.
        filled = [set(everything) for _ in self._steps]
        if filled:
            filled[0] = set(self._given.values)
        changed = True
        while changed:
            changed = False
            for begin, to, ok in self._edges:
                after = filled[begin] | set(self._steps[begin].captures) if ok else filled[begin]
                if not filled[to] <= after:
                    filled[to] &= after
                    changed = True
        return filled
