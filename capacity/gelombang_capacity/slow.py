"""The simulator once more, slow and obvious: plain Python, the centre's own functions, a heap of callbacks.

It is the oracle of the compiled one: both must tell every attempt of a small run alike, to the microsecond. It shares the model's rules and
nothing of its code: people, patience, think, sharing, admission and waiting are those of the centre, which the live run uses too. This is
its loop; people walk in `slow_walk`, and what the site does stands in `slow_small_steps` and `slow_uploads`.
"""

from gelombang.person import make_person
from gelombang.steps import MessageStep, PhotoStep
from gelombang_capacity.costs import Costs
from gelombang_capacity.site import SitePlan
from gelombang_capacity.slow_small_steps import SlowSmallSteps
from gelombang_capacity.slow_uploads import SlowUploads
from gelombang_capacity.slow_walk import Applicant, SlowWalk


class SlowSimulator:
    """One run; `told` has its attempts in the order in which they were decided."""

    def __init__(self, plan: SitePlan, seed: int, costs: Costs) -> None:
        self._walk = SlowWalk(plan, seed, costs, self._begin_step)
        self.told, self.people = self._walk.told, self._walk.people
        self._round_trip_from_us = round(costs.round_trip_from_seconds * 1e6)
        api_free_us = [0] * costs.api_processes
        uploads = plan.profile.uploads
        self._small_steps = SlowSmallSteps(self._walk, api_free_us)
        self._uploads = SlowUploads(self._walk, [0] * uploads.processes if uploads.own_process else api_free_us)

    def run(self) -> None:
        """Walk everybody; whoever is in the middle of something at the end is left there."""
        due = [int(at) for at in self._walk.plan.due_us]
        while True:
            arrival_us = due[len(self.people)] if len(self.people) < len(due) else None
            moments = [
                self._uploads.next_finish_us(),
                self._small_steps.next_look_up_us(),
                arrival_us,
                self._walk.next_event_us(),
            ]
            known = [at for at in moments if at is not None]
            if not known or min(known) >= self._walk.plan.end_us:
                return
            now_us = min(known)
            match moments.index(now_us):
                case 0:
                    self._uploads.turns_are_over(now_us)
                case 1:
                    self._small_steps.registry_answers(now_us)
                case 2:
                    self._arrive(now_us)
                case _:
                    self._walk.take_event(now_us)

    def _arrive(self, now_us: int) -> None:
        person = make_person(self._walk.seed, len(self.people), self._walk.scenario, 1)
        round_trip_us = int(person.round_trip_seconds * 1e6)
        waited_us = round_trip_us if round_trip_us >= self._round_trip_from_us else 0
        applicant = Applicant(person, now_us, waited_us)
        self.people.append(applicant)
        self._walk.begin(applicant, now_us)

    def _begin_step(self, applicant: Applicant, now_us: int) -> None:
        step = self._walk.scenario.journey[applicant.step]
        if isinstance(step, PhotoStep):
            self._uploads.photo(applicant, step, now_us)
        elif isinstance(step, MessageStep):
            self._small_steps.message(applicant, step, now_us)
        else:
            self._small_steps.request(applicant, step, now_us)
