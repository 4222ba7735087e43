"""Who may send, who may have a turn, and when to come back: rules over plain numbers, the same in the server and in a simulation.

Three rules. A *turn* at the store is free, or there is a place in line, or the site is full. A *ticket* admits bytes before they are
sent: two budgets, in bytes of store work, bound what the site owes to people (received: whole and not durable yet; admitted: ticketed
and not durable yet), and a place in line is kept for each ticket, so that who was let in is not turned away at the end. A *time to come
back* spreads the others over the time that the store needs for them. First photos may use only a share of each budget: a second photo
finishes a registration, so it goes first.

**People waiting** are the people who asked for a ticket, were told to come back, have not been admitted since, and are not overdue: a
person who has not returned by `patience_end_us` has left and is no longer counted. Who is admitted and unfinished waits in a budget and
is not counted here.
"""

from enum import Enum

from gelombang.clock import MICROSECONDS


class Place(Enum):
    """What a finished body finds at the store."""

    TURN = "turn"
    QUEUE = "queue"
    FULL = "full"


class Admission(Enum):
    """Whether a photo gets a ticket, and if not, what was short."""

    ADMITTED = "admitted"
    RECEIVED_BUDGET_FULL = "received_budget_full"
    ADMITTED_BUDGET_FULL = "admitted_budget_full"
    PLACES_FULL = "places_full"


def place_for_turn(turns: int, turns_limit: int, waiting: int, queue_limit: int) -> Place:
    """First come, first served: a free turn goes to whoever asks only when nobody is in line."""
    if turns < turns_limit and waiting == 0:
        return Place.TURN
    return Place.QUEUE if waiting < queue_limit else Place.FULL


def admission_for_ticket(
    work_bytes: int,
    received_bytes: int,
    received_budget_bytes: int,
    admitted_bytes: int,
    admitted_budget_bytes: int,
    budget_ratio: float,
    unfinished: int,
    places_limit: int,
) -> Admission:
    """Whether `work_bytes` more may come. `budget_ratio` is the share of both budgets open to this photo; `unfinished` counts tickets
    handed out and not ended, `places_limit` the turns and places in line that they may need.

    The received budget is a brake (what is in it arrived already), so it is compared as it stands; the admitted budget must hold the new
    bytes as well. An idle site admits any photo, or one that is larger than a small site's budget could never be sent.
    """
    if unfinished == 0:
        return Admission.ADMITTED
    if unfinished >= places_limit:
        return Admission.PLACES_FULL
    if received_bytes >= budget_ratio * received_budget_bytes:
        return Admission.RECEIVED_BUDGET_FULL
    if admitted_bytes + work_bytes > budget_ratio * admitted_budget_bytes:
        return Admission.ADMITTED_BUDGET_FULL
    return Admission.ADMITTED


def budget_ratio(has_other_photo: bool, first_photo_budget_ratio: float) -> float:
    """The share of each budget that is open to a person: all of it for the photo that completes the pair."""
    return 1.0 if has_other_photo else first_photo_budget_ratio


def budget_ratio_in_room(has_other_photo: bool, is_due: bool, first_photo_budget_ratio: float, walk_in_budget_ratio: float) -> float:
    """The same before a waiting room: people inside first, then who comes at the time of their place, then who comes without one."""
    if is_due and not has_other_photo:
        return first_photo_budget_ratio
    return 1.0 if has_other_photo else walk_in_budget_ratio


def return_after_seconds(
    people_waiting: int,
    mean_photo_bytes: float,
    bandwidth_bytes_per_second: float,
    return_ratio: float,
    jitter: float,
    return_min_seconds: float,
    return_max_seconds: float,
) -> float:
    """How long a refused person is told to stay away: a share of the time that the store needs for everybody who waits, jittered.

    A `return_ratio` under 1 makes people come a little too early, so that the store does not run dry when some of them never return.
    """
    drain_seconds = people_waiting * mean_photo_bytes / bandwidth_bytes_per_second
    return min(max(return_ratio * drain_seconds * jitter, return_min_seconds), return_max_seconds)


def patience_end_us(refused_us: int, told_seconds: float, return_min_seconds: float) -> int:
    """Until when a refused person counts as waiting: twice the told time and the shortest told time after the refusal.

    The told time is what people obey; the same time again is grace for the late; the shortest keeps the grace from vanishing.
    """
    return refused_us + round((2.0 * told_seconds + return_min_seconds) * MICROSECONDS)
