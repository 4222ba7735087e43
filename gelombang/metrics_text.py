"""The text of a `/metrics` page, of which nine lines in ten are those of a second ago.

A page is asked for each second, and most of its cost is writing names and labels that never change. The writer keeps each line and writes
it anew when its value has changed ("Text-based format", Prometheus, "Exposition formats", version 0.0.4). It holds a line for each series;
how many there may be is `gelombang.telemetry.SERIES_LIMITS`. It leaves out everything that the catalogue has none of: summaries, untyped
metrics, moments.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_ESCAPED_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_BEYOND = {math.inf: "+Inf", -math.inf: "-Inf"}


class Sample(Protocol):
    """One value of one series."""

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def value(self) -> float: ...


class Family(Protocol):
    """A metric and its samples, as a metrics library collects them; `name` is without `_total`."""

    @property
    def name(self) -> str: ...

    @property
    def documentation(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def samples(self) -> Sequence[Sample]: ...


class PageWriter:
    """Writes the pages of one process; a family's samples always have the same label names."""

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}
        self._lines: dict[tuple[str, ...], tuple[float, str, str]] = {}
        """By name and values of labels: the value, what stands before it, and the line."""

    def page(self, families: Iterable[Family]) -> bytes:
        """Prometheus's text format."""
        lines: list[str] = []
        known = self._lines
        for family in families:
            lines.append(self._heads.get(family.name) or self._head(family))
            for sample in family.samples:
                key = (sample.name, *sample.labels.values())
                kept = known.get(key)
                # A value that is no number equals nothing, and is written again.
                if kept is None or kept[0] != sample.value:
                    before = _before(sample) if kept is None else kept[1]
                    kept = known[key] = (sample.value, before, before + _number(sample.value))
                lines.append(kept[2])
        return "".join(lines).encode()

    def _head(self, family: Family) -> str:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        head = f"# HELP {name} {family.documentation.translate(_ESCAPED_HELP)}\n# TYPE {name} {family.type}\n"
        self._heads[family.name] = head
        return head


def _before(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}} " if labels else f"{sample.name} "


def _number(value: float) -> str:
    """With the line's end."""
    if math.isfinite(value):
        return f"{float(value)!r}\n"
    return f"{_BEYOND.get(value, 'NaN')}\n"
