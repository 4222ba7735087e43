"""The last door before the network: no request leaves to a host that nobody allowed, and every one to somebody's service says who sends it.

Whatever a person captured or was redirected to comes through here. A request to another host is never sent: its attempt ends as `protocol`
with the code `host_not_allowed`, and is counted like any other. The inbox that a scenario names, and its hooks, are the operator's own and
do not pass here.
"""

from collections.abc import Set
from importlib.metadata import version

from gelombang.attempt import Code, Outcome, Phase
from gelombang.person import Person
from gelombang.runplan import RunPlan
from gelombang.target import RUN_HEADER, allowed_hosts, host_of, is_loopback_host, user_agent
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchanged import Answer, Headers, Request
from gelombang_loadtests.exchanges import Exchanges


class Guard:
    """Stands before whoever carries requests (`Exchanges`)."""

    def __init__(self, carry: Exchanges, allowed: Set[str], headers: Headers) -> None:
        self._carry = carry
        self._allowed = allowed
        self.headers = headers
        """What every request says about its sender."""
        self._own = frozenset(name for name, _ in headers)

    def __call__(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        if request.host not in self._allowed:
            return refused(request.host)
        if request.whole:
            assert request.identity == self.headers, "who makes a whole request says in it who sends it"
        elif self.headers:
            headers = request.headers
            for name, _ in headers:
                if name.lower() in self._own:
                    headers = tuple([header for header in headers if header[0].lower() not in self._own])
                    break
            request.headers = headers + self.headers  # a request is sent once, and making another one costs more than all the rest here
        return self._carry(applicant, person, request, patience_seconds)


def refused(host: str) -> Answer:
    """What comes of a request to a host that nobody allowed."""
    return Answer(
        Outcome.PROTOCOL, Phase.NONE, error=f"{host} is not one of the allowed hosts; nothing was sent", code=Code.HOST_NOT_ALLOWED
    )


def hosts_of(plan: RunPlan) -> frozenset[str]:
    """Where a run may send. Against the reference server that is this machine, whatever the scenario allows elsewhere."""
    return allowed_hosts(plan.target_url, None if is_reference(plan) else plan.scenario.target)


def identity_of(plan: RunPlan) -> Headers:
    """What every request says about its sender; nothing towards the reference server."""
    if is_reference(plan):
        return ()
    agent = user_agent(version("gelombang"), plan.scenario.target)
    return ((b"user-agent", agent.encode()), (RUN_HEADER.lower().encode(), plan.run_id.encode()))


def is_reference(plan: RunPlan) -> bool:
    """Whether the target is the reference server: it has a harness, and it is on this machine."""
    return plan.harness_url is not None and is_loopback_host(host_of(plan.target_url))
