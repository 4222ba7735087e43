"""Who is waiting to be let in: people who were told to come back and are not overdue (the definition stands in `gelombang.admission`).

A person is counted once however often they were refused; the last refusal decides until when. Pure: time comes in.
"""

import heapq


class PeopleWaiting:
    """At most `people_limit` people; when it is full, whoever would be overdue first is no longer counted."""

    def __init__(self, people_limit: int) -> None:
        assert people_limit > 0
        self._people_limit = people_limit
        self._until_us: dict[int, int] = {}
        self._order: list[tuple[int, int]] = []

    def told(self, person: int, until_us: int) -> None:
        """The person was told to come back and counts until then."""
        self._until_us[person] = until_us
        heapq.heappush(self._order, (until_us, person))
        while len(self._until_us) > self._people_limit:
            self._drop_first()
        if len(self._order) > 2 * len(self._until_us) + 64:
            self._order = [(until, one) for one, until in self._until_us.items()]
            heapq.heapify(self._order)

    def admitted(self, person: int) -> None:
        """The person waits no more."""
        self._until_us.pop(person, None)

    def count(self, now_us: int) -> int:
        """How many wait now."""
        while self._order and self._order[0][0] <= now_us:
            self._drop_first()
        return len(self._until_us)

    def _drop_first(self) -> None:
        until_us, person = heapq.heappop(self._order)
        if self._until_us.get(person) == until_us:
            del self._until_us[person]
