"""The slow simulator's small steps: requests, and waits for mail, SMS and the civil registry."""

from gelombang.clock import MICROSECONDS
from gelombang.person import page_patience_seconds, reads_message
from gelombang.scale import Dimension
from gelombang.seeds import Purpose, unit
from gelombang.steps import MessageStep, RequestStep
from gelombang_capacity.endings import Ending
from gelombang_capacity.site import SHED_RETRY_SECONDS
from gelombang_capacity.slow_walk import Applicant, SlowWalk, served


class _Partner:
    """Takes one after the other at a capped rate."""

    def __init__(self, per_second: float) -> None:
        self._gap_us = MICROSECONDS / per_second
        self._free_us = 0.0

    def start_us(self, at_us: int) -> float:
        start = max(float(at_us), self._free_us)
        self._free_us = start + self._gap_us
        return start


class SlowSmallSteps:
    """What the site has for small steps; `api_free_us` says when each of its API processes is free."""

    def __init__(self, walk: SlowWalk, api_free_us: list[int]) -> None:
        self._walk, self._api_free = walk, api_free_us
        self._rows = 0
        self._look_ups: list[tuple[int, Applicant]] = []
        messages = walk.site.messages
        self._mail, self._sms = _Partner(messages.mail_per_second), _Partner(messages.sms_per_second)
        self._registry = _Partner(walk.site.registry.lookups_per_second)
        self._hash_us = round(walk.costs.hash_seconds * walk.plan.scale.factor(Dimension.HASH_COST) * 1e6)
        self._commit_begins_us = self._commit_ends_us = 0
        self._hash_free = [0] * walk.site.password.threads_limit

    def next_look_up_us(self) -> int | None:
        """When the registry answers next."""
        return self._look_ups[0][0] if self._look_ups else None

    def request(self, a: Applicant, step: RequestStep, now_us: int) -> None:
        """One attempt at a small request."""
        cpu_us = self._walk.drawn_us(self._walk.costs.api_spread, Purpose.CPU_TIME, a, round(self._walk.costs.api_seconds * 1e6))
        served_us = served(self._api_free, now_us, cpu_us) - int(self._walk.costs.api_after_seconds * 1e6)
        asked = (step.method, step.path)
        if asked in (("POST", "/api/v1/accounts"), ("POST", "/api/v1/sessions")):
            served_us = served(self._hash_free, served_us, self._hash_us)
        is_read = step.method == "GET" and step.path.startswith("/")
        if self._walk.costs.commit_spread and not is_read:
            served_us = self._durable_us(served_us, self._walk.drawn_us(self._walk.costs.commit_spread, Purpose.COMMIT_TIME, a, 0))
        answer_us = served_us + a.round_trip_us + self._walk.answer_takes_us(a)
        ending, told_seconds = self._site_does(a, asked, served_us)
        patience_us = int(page_patience_seconds(a.person, a.step, a.tries[a.step]) * 1e6)
        if answer_us - now_us > patience_us:
            self._walk.end(a, Ending.LEFT_PAGE, now_us + patience_us)
        else:
            self._walk.end(a, ending, answer_us, told_seconds)

    def _durable_us(self, now_us: int, commit_us: int) -> int:
        if now_us < self._commit_begins_us:
            return self._commit_ends_us
        self._commit_begins_us = max(now_us, self._commit_ends_us)
        self._commit_ends_us = self._commit_begins_us + commit_us
        return self._commit_ends_us

    def _site_does(self, a: Applicant, asked: tuple[str, str], at_us: int) -> tuple[Ending, float | None]:
        match asked:
            case ("POST", "/api/v1/accounts"):
                if "account" in a.did:
                    return Ending.CONFLICT, None
                a.did.add("account")
                a.messages["email-link"] = self._delivered(self._mail, at_us, sms=False)
            case ("PUT", "/api/v1/me/data") if "data" not in a.did:
                if len(self._look_ups) >= self._walk.site.registry.queue_limit:
                    return Ending.REGISTRY_FULL, self._walk.plan.scale.wall_seconds(SHED_RETRY_SECONDS)
                a.did.add("data")
                answered_us = round(self._registry.start_us(at_us)) + round(self._walk.site.registry.latency_seconds * 1e6)
                self._look_ups.append((answered_us, a))
            case ("POST", "/api/v1/me/otp"):
                if "otp" in a.did:
                    return Ending.CONFLICT, None
                a.messages["otp"] = self._delivered(self._sms, at_us, sms=True)
                a.code_ends_us = at_us + round(self._walk.site.credentials.otp_life_seconds * 1e6)
            case ("PUT", "/api/v1/me/otp"):
                if "otp" not in a.did and at_us >= a.code_ends_us:
                    return Ending.EXPIRED, None
                a.did.add("otp")
        return Ending.OK, None

    def _delivered(self, partner: _Partner, at_us: int, sms: bool) -> int:
        self._rows += 1
        messages = self._walk.site.messages
        delay = messages.sms_delay_seconds if sms else messages.mail_delay_seconds
        travels = delay.quantile(unit(self._walk.seed, self._rows, Purpose.SERVER_JITTER))
        return round(partner.start_us(at_us)) + round(travels * 1e6)

    def registry_answers(self, now_us: int) -> None:
        """The civil registry has looked somebody up, and a mail goes out."""
        _, a = self._look_ups.pop(0)
        there_us = a.messages["registry"] = self._delivered(self._mail, now_us, sms=False)
        if a.parked_for == "registry" and there_us <= a.leaves_us:
            self._walk.schedule(a, there_us, lambda at_us: self._wait_ends(a, at_us))

    def message(self, a: Applicant, step: MessageStep, now_us: int) -> None:
        """One attempt at reading a message, which may have to be waited for."""
        if not reads_message(a.person, a.step):
            self._walk.end(a, Ending.NOT_READ, now_us)
        elif step.kind != "otp" and a.step in a.passed:
            self._walk.end(a, Ending.OK, now_us)
        elif 0 < a.messages.get(step.kind, 0) <= now_us:
            self._read(a, step, now_us)
        else:
            a.leaves_us = now_us + int(step.within_seconds * 1e6)
            a.parked_for = step.kind
            there_us = a.messages.get(step.kind, 0)
            self._walk.schedule(a, there_us if 0 < there_us <= a.leaves_us else a.leaves_us, lambda at_us: self._wait_ends(a, at_us))

    def _wait_ends(self, a: Applicant, now_us: int) -> None:
        step = self._walk.scenario.journey[a.step]
        assert isinstance(step, MessageStep)
        a.parked_for = ""
        if 0 < a.messages.get(step.kind, 0) <= now_us:
            self._read(a, step, now_us)
        else:
            self._walk.end(a, Ending.NO_MESSAGE, now_us)

    def _read(self, a: Applicant, step: MessageStep, now_us: int) -> None:
        if step.kind == "otp":
            del a.messages["otp"]
        well = step.kind != "registry" or step.accept.get("result") != "verified" or a.person.nik_known
        self._walk.end(a, Ending.OK if well else Ending.INVALID, now_us)
