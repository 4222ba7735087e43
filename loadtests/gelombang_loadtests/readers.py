"""Whose mail comes to this process, and who will ever read theirs: asked of each message of the harness, which holds everybody's.

A quarter of the people of 2020 never opened their mail. What comes for them is not kept: over a full size's run that would be some 370,000
messages that nobody takes.
"""

from collections.abc import Callable, Sequence

from gelombang.inbox import HARNESS
from gelombang.person import index_of_address
from gelombang.seeds import Purpose, unit
from gelombang.steps import MessageStep, Step
from gelombang_loadtests.phone import Key


class Readers:
    """The people of one process, by what their messages are addressed to."""

    def __init__(self, run: int, seed: int, steps: Sequence[Step], owns: Callable[[int], bool]) -> None:
        self._run = run
        self._seed = seed
        self._owns = owns
        self._ratios: dict[str, list[tuple[int, float]]] = {}
        """By kind of message: each step that waits for one, and the share of those who read it there."""
        for number, step in enumerate(steps):
            if isinstance(step, MessageStep) and step.inbox == HARNESS:
                self._ratios.setdefault(step.kind, []).append((number, step.read_ratio))

    def owns(self, address: str) -> bool:
        """Whether it is the address of somebody whom this process walks."""
        index = index_of_address(address, self._run)
        return index is not None and self._owns(index)

    def will_read(self, key: Key) -> bool:
        """Whether the person reads such a message at any step (`gelombang.person.reads_message`)."""
        index = index_of_address(key[0], self._run)
        if index is None:
            return False
        return any(unit(self._seed, index, Purpose.EMAIL_READ, step) < ratio for step, ratio in self._ratios.get(key[1], ()))
