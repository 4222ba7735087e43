"""The part of the record that says whether a programme's books balanced when the run was over."""

from pydantic import Field

from gelombang.record_uploads import RecordPart


class ProgrammeBooks(RecordPart):
    """As the reference server compared them: people against draws, rupiah against the promise, payments against the partners' own books."""

    waves: dict[str, dict[str, int]]
    """By wave that was drawn: quota, joined, members, selected, strangers, told."""
    rupiah: dict[str, int]
    """By account, over everybody; what the budget gave is below zero, and all of it together is 0."""
    payments: dict[str, int]
    """By state."""
    paid_rupiah: int
    """As the partners' books have it."""
    members: int | None = None
    """People who are or were in a wave, drawn or not; None in records from before it was counted."""
    tests: dict[str, int] = Field(default_factory=dict)
    """Begun, handed in, and answers that were saved one by one."""
    breaches: int
    named: list[str]
    """The first of them."""
