"""What the generator's log says about answers that did not hold what a scenario looks for: once for each step and rule."""

import sys
from collections.abc import Callable

COMPLAINTS_LIMIT = 200
"""Different ones in one process; later ones are only counted, as outcomes."""


def to_stderr(line: str) -> None:
    """The generator's log."""
    print(line, file=sys.stderr, flush=True)


class Complaints:
    """Says a sentence the first time; `hide` takes secrets out of it."""

    def __init__(self, say: Callable[[str], None] = to_stderr, hide: Callable[[str], str] = str) -> None:
        self._say = say
        self._hide = hide
        self._said: set[tuple[str, str]] = set()

    def about(self, step: str, rule: str, sentence: str) -> None:
        """`sentence` is about the rule of that name at that step."""
        if (step, rule) not in self._said and len(self._said) < COMPLAINTS_LIMIT:
            self._said.add((step, rule))
            self._say(self._hide(f"step {step}: {sentence}"))
