"""A scenario and a profile, both scaled, as rows of numbers that compiled code can walk.

The site that is modelled is the reference server's: its requests are known by method and path, its messages by their kind. Whatever else a
scenario asks for is a request that costs the site its share of CPU and is answered well. Forms that this can't stand for (a file in a
request, somebody's own inbox, more than two photo steps, a second tab) are refused in one sentence.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.distribution import Distribution, Fixed
from gelombang.errors import InputError
from gelombang.journey import compile_journey
from gelombang.patience import opens_second_tabs
from gelombang.person import PEOPLE_LIMIT
from gelombang.profile import Profile
from gelombang.scale import Dimension, Scale, scaled
from gelombang.scenario import Scenario
from gelombang.steps import MessageStep, PhotoStep, RequestStep, Step, is_upload
from gelombang_capacity.costs import Costs, SpreadRows
from gelombang_capacity.draws import DISTRIBUTION, distribution_row


class Kind(IntEnum):
    """What a step is to the modelled site."""

    PLAIN = 0
    ACCOUNT = 1
    LOGIN = 2
    DATA = 3
    OTP_SEND = 4
    OTP = 5
    MAIL = 6
    SMS = 7
    REGISTRY = 8
    PHOTO = 9


_REQUESTS = {
    ("POST", "/api/v1/accounts"): Kind.ACCOUNT,
    ("POST", "/api/v1/sessions"): Kind.LOGIN,
    ("PUT", "/api/v1/me/data"): Kind.DATA,
    ("POST", "/api/v1/me/otp"): Kind.OTP_SEND,
    ("PUT", "/api/v1/me/otp"): Kind.OTP,
}
_MESSAGES = {"email-link": Kind.MAIL, "otp": Kind.SMS, "registry": Kind.REGISTRY}

STEP = np.dtype(
    [
        ("kind", "<i8"),
        ("is_upload", "<i8"),
        ("photo", "<i8"),
        ("think", "<i8"),
        ("within", "<i8"),
        ("wants_known", "<i8"),
        ("read_ratio", "<f8"),
        ("first", "<i8"),
        ("smaller", "<i8"),
        ("writes", "<i8"),
        ("answer", "<i8"),
    ]
)
"""A step: `photo` 0 for the KTP and 1 for the selfie; `think`, `first`, `smaller` are distributions, -1 for none; `within` in µs; `writes`:
the database makes something durable; `answer` is a spread, -1 for none."""

_INTEGERS = (
    "people end for_ steps uplink round_trip fixed_uplink fixed_round_trip "
    "commit capacity turns queue store_latency ticketed photo_limit bodies_limit answer_within shows_progress cancels at_once "
    "received_budget admitted_budget places_limit jitter mean_photo registry_latency registry_limit mail_delay sms_delay otp_life "
    "api_us api_spread api_after api_processes ticket_us ticket_spread upload_processes hash_us hash_threads commit_spread "
    "window_count round_trip_from"
).split()
_FLOATS = (
    "weights uplink_ratio fixed_line_ratio nik_known_ratio bytes_per_us bandwidth first_photo_ratio come_back_ratio "
    "come_back_min come_back_max registry_gap shed_seconds mail_gap sms_gap window_us"
).split()
PARAMETERS = np.dtype([("seed", "<u8"), *((name, "<i8") for name in _INTEGERS), *((name, "<f8") for name in _FLOATS)])
"""Everything that does not change during a run: whole numbers are counts, bytes, µs, distributions or spreads; `_ratio`s and rates
are floats."""

_PATIENCE_INTEGERS = ("page upload retry away persist_tries attempts_limit obeys first_delay delays has_backoff").split()
_PATIENCE_FLOATS = (
    "weight progress_ratio persist_ratio persist_later_ratio return_ratio leave_when_refused_ratio smaller_copy_ratio "
    "backoff_first backoff_times backoff_longest"
).split()
PATIENCE = np.dtype([*((name, "<i8") for name in _PATIENCE_INTEGERS), *((name, "<f8") for name in _PATIENCE_FLOATS)])
"""A kind of people: `page` to `away` are distributions; `delays` a library's waits, from `first_delay` on; seconds are wall ones."""

SHED_RETRY_SECONDS = 5.0
"""People's time: what the reference server tells whom it sheds without having worked out a time."""
PHOTO_STEPS_LIMIT = 2


@dataclass(frozen=True, slots=True, eq=False)
class SitePlan:
    """What both simulators are given. `scenario` and `profile` are the scaled ones."""

    scenario: Scenario
    profile: Profile
    scale: Scale
    due_us: NDArray[np.int64]
    end_us: int
    parameters: NDArray[np.void]
    steps: NDArray[np.void]
    patience: NDArray[np.void]
    """One row for each persona, or one for everybody."""
    delays: NDArray[np.float64]
    """What libraries wait before their retries, one persona after the other."""
    next: NDArray[np.int16]
    distributions: NDArray[np.void]
    spreads: NDArray[np.float64]
    """Measured quantile functions in µs, one a row (`gelombang_capacity.costs`)."""
    changes: NDArray[np.float64]
    """Moments in µs at which the store's bandwidth changes, and the ratio from then on."""


class _Distributions:
    def __init__(self) -> None:
        self.rows: list[tuple[int, float, float, float]] = []

    def add(self, distribution: Distribution | None) -> int:
        if distribution is None:
            return -1
        self.rows.append(distribution_row(distribution))
        return len(self.rows) - 1


def compile_site(
    scenario: Scenario, profile: Profile, scale: Scale, seed: int, due_us: NDArray[np.int64], for_seconds: float, costs: Costs
) -> SitePlan:
    """The plan of one simulated run; `scenario` and `profile` at full size. Raises InputError for what the model can't stand for."""
    if opens_second_tabs(scenario):
        raise InputError(f"{scenario.name}: some people open a second tab (second_tab); the simulator walks everybody through one")
    if profile.store is None:
        raise InputError(f"profile {profile.name} has no modelled store; the simulator models one: want a profile with a table store")
    if profile.uploads.tickets is not None and profile.uploads.tickets.room is not None:
        raise InputError(
            f"profile {profile.name} has a waiting room (uploads.tickets.room); the simulator has none: want a profile without"
        )
    crowd, site = scaled(scenario, scale), scaled(profile, scale)
    distributions = _Distributions()
    spreads = SpreadRows()
    steps = _steps(crowd, distributions)
    steps["answer"] = [spreads.add(costs.answers.get(step.step, ())) for step in crowd.journey]
    patience, delays = _patience(crowd, distributions)
    parameters = np.zeros(1, dtype=PARAMETERS)
    row = parameters[0]
    row["seed"] = seed % (1 << 64)
    row["people"] = len(due_us)
    row["for_"] = int(scale.wall_seconds(for_seconds) * MICROSECONDS)
    row["end"] = int((scale.wall_seconds(for_seconds) + crowd.drain_seconds) * MICROSECONDS)
    row["steps"] = len(steps)
    # Python's own sum, whose rounding the draw of a persona depends on.
    row["weights"] = sum([float(weight) for weight in patience["weight"]])
    _people(row, crowd, distributions)
    _store(row, site, distributions)
    _partners(row, site, distributions, scale)
    _stations(row, site, costs, scale, spreads)
    table = np.array(distributions.rows, dtype=DISTRIBUTION)
    table_of_next, changes = compile_journey(crowd).next, bandwidth_changes(site)
    return SitePlan(
        crowd, site, scale, due_us, int(row["end"]), parameters, steps, patience, delays, table_of_next, table, spreads.table, changes
    )


def _steps(crowd: Scenario, distributions: _Distributions) -> NDArray[np.void]:
    rows = np.zeros(len(crowd.journey), dtype=STEP)
    photos = [step for step in crowd.journey if isinstance(step, PhotoStep)]
    if len(photos) > PHOTO_STEPS_LIMIT:
        raise InputError(f"{crowd.name} has {len(photos)} photo steps; the simulator wants {PHOTO_STEPS_LIMIT} at most")
    for i, step in enumerate(crowd.journey):
        row = rows[i]
        row["kind"] = _kind(crowd.name, step)
        row["is_upload"] = is_upload(step)
        row["writes"] = isinstance(step, RequestStep) and not (step.method == "GET" and step.path.startswith("/"))
        row["think"] = distributions.add(step.think_seconds)
        row["read_ratio"], row["first"], row["smaller"] = 1.0, -1, -1
        if isinstance(step, MessageStep):
            row["within"] = int(step.within_seconds * MICROSECONDS)
            row["wants_known"] = step.accept.get("result") == "verified"
            row["read_ratio"] = step.read_ratio
        elif isinstance(step, PhotoStep):
            photo = crowd.people.photos[step.photo]
            row["photo"] = 0 if step.photo == "ktp" else 1
            row["first"], row["smaller"] = distributions.add(photo.first_bytes), distributions.add(photo.smaller_copy_bytes)
    return rows


def _kind(scenario: str, step: Step) -> Kind:
    if isinstance(step, PhotoStep):
        return Kind.PHOTO
    if isinstance(step, MessageStep):
        if step.inbox != "harness" or step.kind not in _MESSAGES:
            found = f"{step.kind} in the inbox {step.inbox}"
            raise InputError(f"{scenario}: step {step.step} waits for {found}; the simulator knows {', '.join(_MESSAGES)} of the harness")
        return _MESSAGES[step.kind]
    if is_upload(step):
        raise InputError(f"{scenario}: step {step.step} sends a file in a request; the simulator wants uploads as steps of the form photo")
    return _REQUESTS.get((step.method, step.path), Kind.PLAIN)


def _patience(crowd: Scenario, distributions: _Distributions) -> tuple[NDArray[np.void], NDArray[np.float64]]:
    """A row for each kind of people, and the waits of all libraries."""
    kinds = [(1.0, crowd.patience)] if crowd.persona is None else [(persona.weight, persona.patience) for persona in crowd.persona]
    rows = np.zeros(len(kinds), dtype=PATIENCE)
    waits: list[float] = []
    for row, (weight, patience) in zip(rows, kinds, strict=True):
        row["weight"] = weight
        row["page"], row["upload"] = distributions.add(patience.page_seconds), distributions.add(patience.upload_seconds)
        row["retry"], row["away"] = distributions.add(patience.retry_seconds), distributions.add(patience.away_seconds)
        row["progress_ratio"] = patience.upload_progress_ratio
        for name in ("persist_tries", "attempts_limit", *_SAME_NAMES):
            row[name] = getattr(patience, name)
        row["obeys"] = patience.obeys_told_time is not False
        row["first_delay"], row["delays"] = len(waits), len(patience.retry_delays_seconds or ())
        waits += patience.retry_delays_seconds or ()
        if patience.backoff is not None:
            row["has_backoff"] = 1
            row["backoff_first"], row["backoff_times"] = patience.backoff.first_seconds, patience.backoff.times
            row["backoff_longest"] = patience.backoff.longest_seconds
    return rows, np.array(waits, dtype=np.float64)


_SAME_NAMES = ("persist_ratio", "persist_later_ratio", "return_ratio", "leave_when_refused_ratio", "smaller_copy_ratio")


def _people(row: np.void, crowd: Scenario, distributions: _Distributions) -> None:
    line = crowd.people.line
    row["uplink"], row["round_trip"] = distributions.add(line.uplink_bytes_per_second), distributions.add(line.round_trip_seconds)
    row["fixed_uplink"] = distributions.add(line.fixed_uplink_bytes_per_second)
    row["fixed_round_trip"] = distributions.add(line.fixed_round_trip_seconds)
    row["uplink_ratio"], row["fixed_line_ratio"] = line.uplink_ratio, line.fixed_line_ratio
    row["nik_known_ratio"] = crowd.people.nik_known_ratio


def _stations(row: np.void, site: Profile, costs: Costs, scale: Scale, spreads: SpreadRows) -> None:
    assert 0.0 <= costs.api_after_seconds <= min(costs.api_spread or (costs.api_seconds,)), "an answer can't be there before its request"
    row["api_us"], row["api_spread"] = round(costs.api_seconds * MICROSECONDS), spreads.add(costs.api_spread)
    # Cut and not rounded, as what is drawn is: no answer comes a microsecond before its request.
    row["api_after"] = int(costs.api_after_seconds * MICROSECONDS)
    row["ticket_us"], row["ticket_spread"] = round(costs.ticket_seconds * MICROSECONDS), spreads.add(costs.ticket_spread)
    row["api_processes"] = costs.api_processes
    row["upload_processes"] = site.uploads.processes if site.uploads.own_process else 0
    row["hash_us"] = round(costs.hash_seconds * scale.factor(Dimension.HASH_COST) * MICROSECONDS)
    row["hash_threads"] = site.password.threads_limit
    row["commit_spread"] = spreads.add(costs.commit_spread)
    row["round_trip_from"] = round(costs.round_trip_from_seconds * MICROSECONDS)


def _store(row: np.void, site: Profile, distributions: _Distributions) -> None:
    store, uploads = site.modelled_store, site.uploads
    row["commit"], row["capacity"] = store.commit_bytes, store.capacity_bytes
    row["turns"], row["queue"] = store.turns_limit, store.queue_limit
    row["bandwidth"], row["bytes_per_us"] = store.bandwidth_bytes_per_second, store.bandwidth_bytes_per_second / MICROSECONDS
    row["store_latency"] = round(store.latency_seconds * MICROSECONDS)
    row["photo_limit"], row["bodies_limit"] = uploads.photo_limit_bytes, uploads.bodies_limit
    row["answer_within"] = round(uploads.answer_within_seconds * MICROSECONDS)
    row["shows_progress"], row["cancels"] = uploads.shows_progress, uploads.cancels_when_client_left
    row["at_once"] = uploads.answers_stored_at_once
    tickets = uploads.tickets
    row["jitter"] = distributions.add(Fixed(value=1.0) if tickets is None else tickets.return_jitter)
    if tickets is not None:
        row["ticketed"] = 1
        row["received_budget"], row["admitted_budget"] = tickets.received_budget_bytes, tickets.admitted_budget_bytes
        row["first_photo_ratio"], row["come_back_ratio"] = tickets.first_photo_budget_ratio, tickets.return_ratio
        row["come_back_min"], row["come_back_max"] = tickets.return_min_seconds, tickets.return_max_seconds
        row["mean_photo"] = tickets.mean_photo_bytes
        row["places_limit"] = min(store.turns_limit + store.queue_limit, uploads.bodies_limit)


def _partners(row: np.void, site: Profile, distributions: _Distributions, scale: Scale) -> None:
    row["registry_gap"] = MICROSECONDS / site.registry.lookups_per_second
    row["registry_latency"] = round(site.registry.latency_seconds * MICROSECONDS)
    row["registry_limit"] = min(site.registry.queue_limit, PEOPLE_LIMIT)
    row["shed_seconds"] = scale.wall_seconds(SHED_RETRY_SECONDS)
    row["mail_gap"], row["sms_gap"] = MICROSECONDS / site.messages.mail_per_second, MICROSECONDS / site.messages.sms_per_second
    row["mail_delay"] = distributions.add(site.messages.mail_delay_seconds)
    row["sms_delay"] = distributions.add(site.messages.sms_delay_seconds)
    row["otp_life"] = round(site.credentials.otp_life_seconds * MICROSECONDS)


def bandwidth_changes(site: Profile) -> NDArray[np.float64]:
    """One row (moment in µs, ratio from then on) for each begin and end of a stall; where stalls meet, the lowest holds."""
    spans = []
    for stall in site.modelled_store.stalls:
        from_us = round(stall.at_seconds * MICROSECONDS)
        spans.append((from_us, from_us + max(1, round(stall.for_seconds * MICROSECONDS)), stall.bandwidth_ratio))
    moments = sorted({moment for span in spans for moment in span[:2]})
    rows = [(at, min((ratio for begin, end, ratio in spans if begin <= at < end), default=1.0)) for at in moments]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
