"""Which combinations of the two ends of an attempt can happen, and what each means. Closed: what no rule lists is unexplained.

A rule speaks of sets (outcomes of the generator with their phases, stages and outcomes of the server), because thousands of single cells
could not be read; the first rule that fits decides. Some rules ask for more: that both ends agree on the answer, that nothing had been
sent, that a server process was killed or a host cut off just then, or that the kernel counted a connection that it dropped.
"""

from dataclasses import dataclass
from enum import Enum

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.journey import outcome_of_answer
from gelombang.steps import RequestStep, Step, outcome_of

UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Pair:
    """One combination that occurred. `step` None: the ledger names a step that the journey does not have."""

    step: Step | None
    outcome: Outcome
    phase: Phase
    status: int
    code: Code
    nothing_sent: bool
    stage: Stage | None
    """None: the server never saw it, and its other fields mean nothing."""
    server_outcome: ServerOutcome
    server_status: int
    server_code: Code
    in_flight_at_death: bool = False
    """The person was waiting for a server process when that process was killed."""
    in_flight_at_drain: bool = False
    """The person was waiting for a server process while that process was drained, because another had been killed."""
    sent_to_cut_host: bool = False
    """The proxy sent it to a host that nobody could reach just then."""

    @property
    def is_message(self) -> bool:
        return self.step is not None and self.step.form == "message"


class Check(Enum):
    """What a rule asks for beside its sets."""

    NOTHING = "nothing"
    MESSAGE = "the step has no exchange with the site"
    SAME_ANSWER = "status and code are the same on both ends, and mean this outcome"
    GATEWAY = "the same answer, and it is upload_timed_out"
    NOTHING_SENT = "no byte of the request had been sent"
    AT_DEATH = "it was in flight on a server process when that was killed"
    AT_DRAIN = "it was in flight on a server process that was drained, because another had been killed"
    CUT_HOST = "the proxy sent it to a host that was cut off just then; an answer that came is the proxy's own"
    KERNEL = "the kernel counted a dropped connection for it"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    outcomes: frozenset[Outcome]
    phases: frozenset[Phase]
    stages: frozenset[Stage] | None
    """None: unseen by the server."""
    server_outcomes: frozenset[ServerOutcome]
    check: Check
    meaning: str

    def fits(self, pair: Pair) -> bool:
        """Whether the pair is in the sets and passes the check; the kernel's count is the caller's."""
        if pair.outcome not in self.outcomes or pair.phase not in self.phases:
            return False
        if (pair.stage is None) != (self.stages is None):
            return False
        if self.stages is not None and (pair.stage not in self.stages or pair.server_outcome not in self.server_outcomes):
            return False
        return _passes(self.check, pair)


def _passes(check: Check, pair: Pair) -> bool:
    match check:
        case Check.MESSAGE:
            return pair.is_message
        case Check.SAME_ANSWER:
            return _same_answer(pair)
        case Check.GATEWAY:
            return pair.code is Code.UPLOAD_TIMED_OUT and _same_answer(pair)
        case Check.NOTHING_SENT:
            return pair.nothing_sent and not pair.is_message
        case Check.AT_DEATH:
            return pair.in_flight_at_death and not pair.is_message
        case Check.AT_DRAIN:
            return pair.in_flight_at_drain and not pair.is_message
        case Check.CUT_HOST:
            is_proxys = pair.outcome is not Outcome.FAILED or (pair.code is Code.NONE and pair.status in _PROXY_STATUSES)
            return pair.sent_to_cut_host and is_proxys and not pair.is_message
        case Check.KERNEL | Check.NOTHING:
            return not pair.is_message
    return False


def _same_answer(pair: Pair) -> bool:
    if pair.is_message or pair.step is None or pair.status != pair.server_status or pair.code is not pair.server_code:
        return False
    own = pair.step if isinstance(pair.step, RequestStep) else None
    success = own.success if own is not None else None
    code = None if pair.code is Code.NONE else pair.code.name.lower()
    told_to_return = pair.server_outcome is ServerOutcome.REFUSED
    meant = outcome_of_answer(pair.status, code, success, told_to_return)
    return meant is pair.outcome or (own is not None and meant is Outcome.OK and pair.outcome in _instead_of_ok(own))


def _instead_of_ok(step: RequestStep) -> set[Outcome]:
    """What an answer with a good status can come to at a step, because of what it does not hold."""
    found = {outcome_of(rule.otherwise) for rule in step.success.rules.values()}
    if step.repeat_until is not None:
        found.add(outcome_of(step.repeat_until.otherwise))
    return found | {Outcome.CAPTURE_FAILED} if step.capture else found


_ANY_PHASE = frozenset(Phase)
_EXCHANGE = frozenset({Phase.SEND, Phase.WAIT, Phase.RECEIVE})
_SEEN = frozenset(Stage) - {Stage.OPEN}
_ANY_STAGE = frozenset(Stage)
_ENDED = frozenset(ServerOutcome) - {ServerOutcome.OPEN, ServerOutcome.PROCESS_DIED}
_REFUSALS = frozenset({ServerOutcome.REFUSED, ServerOutcome.REJECTED, ServerOutcome.FAILED})
_ANSWERED = frozenset({Outcome.OK, Outcome.REFUSED, Outcome.FAILED, Outcome.TOO_LARGE, Outcome.INVALID, Outcome.CONFLICT, Outcome.EXPIRED})
_MESSAGE_OUTCOMES = frozenset({Outcome.OK, Outcome.INVALID, Outcome.NO_MESSAGE, Outcome.NOT_READ})
_BROKEN = frozenset({Outcome.RESET, Outcome.PROTOCOL, Outcome.CONNECT_REFUSED})


def _rule(
    outcomes: Outcome | frozenset[Outcome],
    phases: frozenset[Phase],
    stages: frozenset[Stage] | None,
    server_outcomes: ServerOutcome | frozenset[ServerOutcome],
    meaning: str,
    check: Check = Check.NOTHING,
) -> Rule:
    own = frozenset({outcomes}) if isinstance(outcomes, Outcome) else outcomes
    other = frozenset({server_outcomes}) if isinstance(server_outcomes, ServerOutcome) else server_outcomes
    return Rule(own, phases, stages, other, check, meaning)


_NOBODY: frozenset[ServerOutcome] = frozenset()
_CONNECT = frozenset({Phase.CONNECT})
_SEND = frozenset({Phase.SEND})
_NONE = frozenset({Phase.NONE})
_ENDED_BY_KERNEL = frozenset({Outcome.RESET, Outcome.PROTOCOL})
_UNREAD = frozenset({Phase.CONNECT, Phase.SEND, Phase.WAIT})
_PROXY_STATUSES = frozenset({502, 503, 504})
"""What a proxy says for a host that does not answer."""
_UNANSWERED = frozenset({Outcome.FAILED, Outcome.RESET, Outcome.PROTOCOL, Outcome.TIMED_OUT})
_NOTHING_CAPTURED = "no earlier answer held what the step asks for: nothing was sent"

TABLE: tuple[Rule, ...] = (
    # Ended by the harness, not by a person: whatever the server did is explained.
    _rule(Outcome.CUT, _ANY_PHASE, None, _NOBODY, "the run ended first"),
    _rule(Outcome.CUT, _ANY_PHASE, None, _NOBODY, "the run ended first", Check.MESSAGE),
    _rule(Outcome.CUT, _ANY_PHASE, _ANY_STAGE, frozenset(ServerOutcome), "the run ended first"),
    _rule(Outcome.PROCESS_DIED, _ANY_PHASE, None, _NOBODY, "the generator process was killed"),
    _rule(Outcome.PROCESS_DIED, _ANY_PHASE, None, _NOBODY, "the generator process was killed", Check.MESSAGE),
    _rule(Outcome.PROCESS_DIED, _ANY_PHASE, _ANY_STAGE, frozenset(ServerOutcome), "the generator process was killed"),
    # Mail and SMS: the server has no row.
    _rule(_MESSAGE_OUTCOMES, _ANY_PHASE, None, _NOBODY, "a mail or SMS: no exchange with the site", Check.MESSAGE),
    _rule(Outcome.CAPTURE_FAILED, _NONE, None, _NOBODY, _NOTHING_CAPTURED, Check.NOTHING_SENT),
    _rule(Outcome.CAPTURE_FAILED, _NONE, None, _NOBODY, _NOTHING_CAPTURED, Check.MESSAGE),
    # The answer was read.
    _rule(Outcome.OK, _ANY_PHASE, _SEEN, ServerOutcome.COMPLETED, "done and acknowledged", Check.SAME_ANSWER),
    _rule(
        _ANSWERED | {Outcome.CAPTURE_FAILED},
        _ANY_PHASE,
        _SEEN,
        ServerOutcome.COMPLETED,
        "done and acknowledged; the answer did not hold what the scenario looks for",
        Check.SAME_ANSWER,
    ),
    _rule(_ANSWERED, _ANY_PHASE, _SEEN, ServerOutcome.REFUSED, "told to come back later", Check.SAME_ANSWER),
    _rule(Outcome.CONFLICT, _ANY_PHASE, _SEEN, ServerOutcome.REJECTED, "it was done already", Check.SAME_ANSWER),
    _rule(_ANSWERED, _ANY_PHASE, _SEEN, ServerOutcome.REJECTED, "the site did not accept what was sent", Check.SAME_ANSWER),
    _rule(
        _ANSWERED, _ANY_PHASE, _SEEN, ServerOutcome.FAILED, "the proxy said that it took too long; the work may have gone on", Check.GATEWAY
    ),
    _rule(_ANSWERED, _ANY_PHASE, _SEEN, ServerOutcome.FAILED, "the site said that it failed", Check.SAME_ANSWER),
    _rule(_ANSWERED, _ANY_PHASE, _SEEN, ServerOutcome.SHUTDOWN, "the site was shutting down and said so", Check.SAME_ANSWER),
    # The person's patience ran out.
    _rule(
        Outcome.TIMED_OUT,
        _ANY_PHASE,
        frozenset({Stage.HEADERS, Stage.ADMISSION, Stage.BODY}),
        ServerOutcome.COMPLETED,
        "the person left between two requests of an upload in pieces",
    ),
    _rule(Outcome.TIMED_OUT, _EXCHANGE, _SEEN, ServerOutcome.COMPLETED_UNHEARD, "acknowledgement lost: done, but the person had left"),
    _rule(Outcome.TIMED_OUT, _EXCHANGE, _SEEN, ServerOutcome.COMPLETED, "acknowledgement lost: the answer crossed the leaving person"),
    _rule(Outcome.TIMED_OUT, _EXCHANGE, _SEEN, ServerOutcome.ABANDONED, "the person left first, and the work was dropped"),
    _rule(Outcome.TIMED_OUT, _EXCHANGE, _SEEN, _REFUSALS, "the person had left before the site's refusal came"),
    _rule(Outcome.TIMED_OUT, _EXCHANGE, _SEEN, ServerOutcome.SHUTDOWN, "the person left, and the site was shut down over the work"),
    _rule(Outcome.TIMED_OUT, _EXCHANGE, _ANY_STAGE, ServerOutcome.PROCESS_DIED, "the person left, and the server process was killed"),
    _rule(
        Outcome.TIMED_OUT,
        _CONNECT | _NONE,
        _SEEN,
        _ENDED - {ServerOutcome.COMPLETED, ServerOutcome.COMPLETED_UNHEARD},
        "the person left between two exchanges of the attempt",
    ),
    _rule(Outcome.TIMED_OUT, _CONNECT, None, _NOBODY, "the kernel dropped the connection; the person left", Check.KERNEL),
    _rule(Outcome.TIMED_OUT, _SEND | _NONE, None, _NOBODY, "the person left before the first byte was sent", Check.NOTHING_SENT),
    # The connection broke.
    _rule(Outcome.CONNECT_REFUSED, _ANY_PHASE, None, _NOBODY, "nobody listened: the connection was refused"),
    _rule(_BROKEN, _ANY_PHASE, _ANY_STAGE, ServerOutcome.PROCESS_DIED, "the server process was killed"),
    _rule(_BROKEN, _ANY_PHASE, _SEEN, ServerOutcome.SHUTDOWN, "the site was shut down over the work"),
    _rule(Outcome.RESET, _SEND, _SEEN, _REFUSALS, "refused while the person was sending; the answer was lost with the connection"),
    _rule(_ENDED_BY_KERNEL, _UNREAD, None, _NOBODY, "the server process was killed before it had read the request", Check.AT_DEATH),
    _rule(_ENDED_BY_KERNEL, _UNREAD, _SEEN, _ENDED, "the server process was killed with its answer on the way", Check.AT_DEATH),
    _rule(_ENDED_BY_KERNEL, _UNREAD, None, _NOBODY, "the site was shut down as the request came", Check.AT_DRAIN),
    _rule(_UNANSWERED, _ANY_PHASE, None, _NOBODY, "its host was cut off before it came there", Check.CUT_HOST),
    _rule(_UNANSWERED, _ANY_PHASE, _SEEN, _ENDED, "its host was cut off with it under way: what was done nobody heard", Check.CUT_HOST),
    _rule(Outcome.RESET, _CONNECT | _SEND, None, _NOBODY, "the kernel dropped the connection", Check.KERNEL),
)
"""Every explained combination."""

NO_GENERATOR_ROW = "the server saw an attempt that nobody made"
DUPLICATE = "the same attempt has more than one row on one end"
IMPOSSIBLE = "the row holds a value that no program writes"
UNLISTED = "no rule lists this combination"
OPEN_AT_CLOSE = "a process closed its ledger and left this attempt open"


def explain(pair: Pair) -> Rule | None:
    """The first rule that fits; None: unexplained."""
    if pair.step is None:
        return None
    for rule in TABLE:
        if rule.fits(pair):
            return rule
    return None


def unexplained_meaning(pair: Pair) -> str:
    """The most that can be said of a pair that no rule lists."""
    if pair.outcome is Outcome.OPEN or (pair.stage is not None and pair.server_outcome is ServerOutcome.OPEN):
        return OPEN_AT_CLOSE
    if pair.step is None:
        return "the journey has no such step"
    if pair.stage is None:
        return "the server never saw it, and nothing says why"
    if pair.is_message:
        return "the server saw a mail or SMS as an exchange"
    return UNLISTED
