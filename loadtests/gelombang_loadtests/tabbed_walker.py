"""The walker of people some of whom open a second tab (`gelombang_loadtests.tabs`); everybody else walks as by `Walker`."""

from gelombang.attempt import Fate, Outcome
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS
from gelombang.patience import second_tab_after_seconds
from gelombang.person import Person, make_person
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.cookies import Jar
from gelombang_loadtests.engine_ports import Next, RunEnd
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.loop import Loop
from gelombang_loadtests.message_form import MessageForm
from gelombang_loadtests.tabs import Tab, Tabs
from gelombang_loadtests.walker import Crowd, Form, Values, Walker


class TabbedWalker(Walker):
    """An instance is the engine's `Attempt`, for people and for their tabs."""

    def __init__(self, crowd: Crowd, forms: tuple[Form, ...], loop: Loop, book: Book, end: RunEnd, tabs: Tabs) -> None:
        super().__init__(crowd, forms, loop, book, end)
        self._tabs = tabs

    def __call__(self, applicant: Applicant) -> Next | None:
        """One attempt; None when the person waits for another tab, or has gone on by it."""
        if isinstance(applicant, Tab):
            return self._second(applicant)
        crowd = self._crowd
        if applicant.person is None:
            applicant.person = make_person(crowd.seed, applicant.index, crowd.scenario, crowd.run)
        person = applicant.person
        form = self._forms[applicant.step]
        if person.patience.second_tab is None or isinstance(form, MessageForm):
            then = super().__call__(applicant)
            self._forget(applicant, then)
            return then
        return self._first(applicant, person, form)

    def _first(self, applicant: Applicant, person: Person, form: Form) -> Next | None:
        assert not isinstance(form, MessageForm)
        if applicant.cookies is None:
            applicant.cookies = Jar()  # before there are two who would each begin one
        values, now_us = Values(person, applicant.values, self._crowd.beside), self._loop.now_us()
        attempt = self._numbered(applicant, person, now_us)
        tab = self._tabs.first(applicant)
        self._book.attempt_begins(tab, now_us)
        after_seconds = second_tab_after_seconds(person.seed, person.index, person.patience, attempt.step, attempt.number)
        if after_seconds is not None:
            self._tabs.plan_second(tab, now_us + int(after_seconds * MICROSECONDS))
        return self._tab_ended(tab, person, self._tried(form, tab, person, values, attempt))

    def _second(self, tab: Tab) -> Next | None:
        if tab.race.is_over:
            return None  # decided between the moment that the tab was due and this one
        person, form = tab.main.person, self._forms[tab.main.step]
        assert person is not None, "who is in an exchange is not away"
        assert not isinstance(form, MessageForm)
        values = Values(person, tab.main.values, self._crowd.beside)
        self._tabs.second(tab)
        self._book.attempt_begins(tab, self._loop.now_us())
        attempt = AttemptId(self._crowd.run, tab.index, tab.tab, tab.step, tab.tries[tab.step])
        return self._tab_ended(tab, person, self._tried(form, tab, person, values, attempt))

    def _tab_ended(self, tab: Tab, person: Person, tried: Try) -> Next | None:
        now, race, main = self._loop.now_us(), tab.race, tab.main
        cut = tried.ending.outcome is Outcome.TIMED_OUT and now >= self._end.us
        self._book.attempt_ends(tab, tried, now, cut)
        self._tabs.ended(tab)
        got_through = tried.ending.outcome in (Outcome.OK, Outcome.CONFLICT)
        if race.is_over or (race.open and not got_through):
            return None
        self._tabs.decided(race)
        then = self._goes_on(main, person, tried, now, cut)
        self._forget(main, then)
        return then

    def _forget(self, applicant: Applicant, then: Next | None) -> None:
        if isinstance(then, Fate):
            self._tabs.gone(applicant.index, len(self._forms))
