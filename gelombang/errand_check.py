"""What can be wrong with the steps beside the journey: setup, shared and teardown."""

from collections.abc import Iterator, Mapping

from gelombang.errors import Fault
from gelombang.feed_check import Columns
from gelombang.journey_check import Given, outline_faults, outlines

_NOT_WALKED_BY_PEOPLE = ("on", "think_seconds", "milestone")


def values_before_arrivals(data: Mapping[str, object]) -> frozenset[str]:
    """The names that the setup and shared steps of a scenario's data capture."""
    return frozenset(name for table in ("setup", "shared") for step in outlines(data.get(table)) for name in step.captures)


def errand_faults(data: Mapping[str, object], columns: Columns) -> Iterator[Fault]:
    """What is wrong with the steps beside the journey, in a scenario's data."""
    setup, shared, teardown = (outlines(data.get(table)) for table in ("setup", "shared", "teardown"))
    captured = frozenset(name for step in setup for name in step.captures)
    nobody = Given(person=())
    yield from _relocated("setup", outline_faults(setup, [], nobody))
    yield from _relocated("shared", outline_faults(shared, [], Given(values=captured, person=())))
    yield from _relocated("teardown", outline_faults(teardown, [], Given(columns, values_before_arrivals(data))))
    for table in ("setup", "shared"):
        steps = data.get(table)
        for i, step in enumerate(steps if isinstance(steps, list) else []):
            for key in _NOT_WALKED_BY_PEOPLE:
                if isinstance(step, dict) and key in step:
                    yield Fault(f"{table}[{i}].{key}", "given", f"none: no person walks a step of {table}, the next one follows")


def errand_texts(data: Mapping[str, object]) -> list[str]:
    """Every text that teardown steps fill in."""
    return [text for step in outlines(data.get("teardown")) for _, text in step.texts]


def _relocated(table: str, faults: list[Fault]) -> Iterator[Fault]:
    for fault in faults:
        yield Fault(fault.where.replace("journey", table, 1), fault.found, fault.wanted)
