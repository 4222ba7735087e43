"""Tabs: attempts of one person that are open at the same time, because the person did not wait for the first.

A person is at one step, and may have it open in two tabs. Whichever answers well first decides, and the person goes on from there; a tab
that fails while the other still waits decides nothing; when both have failed, the later one counts. What is left behind in the other tab
goes on until it is answered or its own patience is over: the site has to do with it, the person has not.

Each attempt is a shadow of its person, with a ledger row of its own; tries are numbered in each tab apart.
"""

from array import array
from collections.abc import Callable

from gelombang_loadtests.applicant import Applicant, State

FIRST, SECOND = 0, 1


class Race:
    """A person's tries at one step that are open at the same time."""

    __slots__ = ("is_over", "open", "pending")

    def __init__(self) -> None:
        self.open: set[Tab] = set()
        self.pending: Tab | None = None
        """The second tab, while it is not opened."""
        self.is_over = False
        """The person went on."""


class Tab(Applicant):
    """One attempt of `main`. Values and cookies are the person's, also what the other tab adds to them."""

    __slots__ = ("main", "race", "tab")

    is_tab = True

    def __init__(self, main: Applicant, race: Race, tab: int) -> None:
        super().__init__(main.index, main.due_us, 0)
        self.main = main
        self.race = race
        self.tab = tab
        self.state = State.IN_FLIGHT

    def takes(self, number: int) -> None:
        """The attempt begins: what the person has in hand now, and its number among those of this tab."""
        main = self.main
        self.step, self.person_row, self.person, self.attempts = main.step, main.person_row, main.person, main.attempts
        self.passed_steps, self.copies, self.cookies, self.connections = main.passed_steps, main.copies, main.cookies, main.connections
        self.uploads = main.uploads if self.tab == FIRST else None
        self.values = main.values
        self._tries = array("H", [0] * self.step + [number])


class Tabs:
    """All tabs of one process."""

    def __init__(self) -> None:
        self.open: set[Tab] = set()
        """Attempts under way."""
        self._races = 0
        self._numbers: dict[tuple[int, int], int] = {}
        """Tries in the second tab so far, by person and step; of those who opened one and have no fate."""
        self.later: Callable[[Tab, int], None] = lambda tab, due_us: None
        """The engine's: begin the tab's attempt at that moment."""

    @property
    def left_behind(self) -> int:
        """Attempts under way beside those of people who are in an exchange: each has a connection of its own."""
        return len(self.open) - self._races

    def first(self, main: Applicant) -> Tab:
        """The tab of a try that begins now; its number is the person's."""
        race = Race()
        self._races += 1
        tab = Tab(main, race, FIRST)
        tab.takes(main.tries[main.step])
        self._opens(tab)
        return tab

    def plan_second(self, first: Tab, at_us: int) -> None:
        """Unless the first has ended by then, the second tab is opened."""
        second = first.race.pending = Tab(first.main, first.race, SECOND)
        second.due_us = at_us
        self.later(second, at_us)

    def second(self, tab: Tab) -> None:
        """It is opened."""
        key = (tab.index, tab.main.step)
        number = self._numbers[key] = self._numbers.get(key, 0) + 1
        tab.race.pending = None
        tab.main.attempts += 1
        tab.takes(number)
        # Those of the first one, which is open: its person keeps one idle connection for both.
        tab.connections = next(iter(tab.race.open)).connections
        self._opens(tab)

    def ended(self, tab: Tab) -> None:
        """The attempt has its outcome. What it holds of the person's is given back, where the person has not gone on without it."""
        self.open.discard(tab)
        tab.race.open.discard(tab)
        main = tab.main
        if tab.race.is_over:
            if tab.connections is not None and tab.connections is not main.connections:
                tab.connections.close()
            return
        main.cookies, main.connections = main.cookies or tab.cookies, main.connections or tab.connections
        if tab.tab == FIRST:
            main.uploads = tab.uploads

    def decided(self, race: Race) -> None:
        """The person goes on."""
        race.is_over = True
        self._races -= 1
        if race.pending is not None:
            race.pending.ticket = 0
            race.pending = None

    def gone(self, index: int, steps: int) -> None:
        """The person has a fate."""
        if self._numbers:
            for step in range(steps):
                self._numbers.pop((index, step), None)

    def _opens(self, tab: Tab) -> None:
        self.open.add(tab)
        tab.race.open.add(tab)
