"""What a push to a Grafana wants to be there, and what it would change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = dict[str, object]


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    KEEP = "unchanged"


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment or a span of a run, on the time axis of every page."""

    text: str
    tag: str
    """`phase` or `fault`."""
    from_ms: int
    to_ms: int
    run_id: str

    def body(self) -> Json:
        tags = ["gelombang", self.tag, self.run_id]
        return {"time": self.from_ms, "timeEnd": self.to_ms, "tags": tags, "text": self.text}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be there."""

    folder: str
    dashboards: Sequence[Json]
    data_source: Json | None = None
    """None: the Grafana has one of its own."""
    alert_rules: Sequence[Mapping[str, object]] = ()
    alert_group: str = "gelombang-alerts"
    alert_every_seconds: int = 10
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing: what is there (None: nothing), and what is wanted."""

    kind: str
    name: str
    before: Json | None
    after: Json

    @property
    def action(self) -> Action:
        if self.before is None:
            return Action.CREATE
        return Action.KEEP if self.before == self.after else Action.UPDATE

    def __str__(self) -> str:
        return f"{self.action:<9} {self.kind} {self.name}"

    def difference(self) -> str:
        """Line by line, as `diff -u` writes it; empty where nothing changes."""
        before, after = (json.dumps(side, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for side in (self.before, self.after))
        return "\n".join(unified_diff([] if self.before is None else before, after, "in Grafana", "wanted", lineterm="", n=2))


@dataclass(slots=True)
class Plan:
    """What a push would do, in the order in which it does it."""

    changes: list[Change] = field(default_factory=list)
    folder_uid: str = ""
    """Empty: the root folder, or one that is still to be made."""
    data_source_id: object = None
    """How an old Grafana names the one that is there."""
    left_out: list[str] = field(default_factory=list)
    """What this Grafana can't take, in words."""
    version: int = 0
