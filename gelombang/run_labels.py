"""What an operator calls a run: `--label team=enrolment`. The names become labels of the info metric, so they are of Prometheus's kind.

Labels are few and short, because each process repeats them; a name that a metric of ours has already would say two things at once.
"""

import re
from collections.abc import Sequence

from gelombang.errors import InputError
from gelombang.telemetry import CATALOGUE

LABELS_LIMIT = 8
VALUE_CHARACTERS_LIMIT = 64
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RESERVED = frozenset({"job", "instance", "le", "quantile", "run", *(label for metric in CATALOGUE for label in metric.labels)})


def parse_labels(given: Sequence[str]) -> dict[str, str]:
    """`["team=enrolment"]` as names and values, in their order. Raises InputError."""
    labels: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--label is {text!r}; want KEY=VALUE such as team=enrolment")
        if not _NAME.fullmatch(name) or "__" in name:
            raise InputError(f"--label has the key {name!r}; want lower-case letters, digits and single _, a letter first, 32 at most")
        if name in _RESERVED:
            raise InputError(f"--label has the key {name!r}, which the metrics have already; want another")
        if name in labels:
            raise InputError(f"--label has the key {name!r} twice; want it once")
        if not value or len(value) > VALUE_CHARACTERS_LIMIT or not value.isprintable():
            raise InputError(f"--label {name} is {value!r}; want 1 to {VALUE_CHARACTERS_LIMIT} printable characters")
        labels[name] = value
    if len(labels) > LABELS_LIMIT:
        raise InputError(f"--label is given {len(labels)} times; want {LABELS_LIMIT} at most")
    return labels
