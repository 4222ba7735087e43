"""What could be done to a site, from changing one number to buying a store: each an option that is tried in every world of a plan.

The list is made from the profiles of the scenario, so that a plan finds cheap answers by itself: fewer upload places, more of them (which
is what adding application servers amounts to), a faster store, a faster registry, admission by tickets, and what two of these do
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gelombang.profile import Profile


class Price(StrEnum):
    """What kind of effort an option is; cheaper ones come first."""

    NONE = "nothing"
    NUMBER = "one number in a configuration"
    SOFTWARE = "other software"
    PARTNER = "a partner's agreement"
    HARDWARE = "hardware"


@dataclass(frozen=True, slots=True)
class Option:
    """A site as it could be."""

    name: str
    price: Price
    profile: Profile


PLACES_RATIOS = (1 / 2, 1 / 4, 1 / 8, 2.0)
STORE_RATIOS = (1.5, 2.0)
REGISTRY_RATIO = 1.5


def options(profiles: Sequence[Profile]) -> list[Option]:
    """Everything that is tried, the site as it is first."""
    found: list[Option] = []
    for number, profile in enumerate(profiles):
        price = Price.NONE if number == 0 else Price.SOFTWARE
        found.append(Option(f"{profile.name}, as it is", price, profile))
        if profile.uploads.tickets is None:
            for ratio in PLACES_RATIOS:
                places = max(1, round(profile.modelled_store.turns_limit * ratio))
                words = f"{profile.name}, {places} upload places in place of {profile.modelled_store.turns_limit}"
                found.append(Option(words, Price.NUMBER if ratio < 1 else Price.HARDWARE, with_places(profile, places)))
        for ratio in STORE_RATIOS:
            found.append(Option(f"{profile.name}, store × {ratio:g}", Price.HARDWARE, with_store(profile, ratio)))
        registry = with_registry(profile, profile.registry.lookups_per_second * REGISTRY_RATIO)
        found.append(Option(f"{profile.name}, registry × {REGISTRY_RATIO:g}", Price.PARTNER, registry))
    return found


def with_places(profile: Profile, places: int) -> Profile:
    """Another number of upload places, nobody in line."""
    return profile.model_copy(update={"store": profile.modelled_store.model_copy(update={"turns_limit": places})})


def with_store(profile: Profile, ratio: float) -> Profile:
    """A store so many times as fast; what is measured out against its speed grows along."""
    store = profile.modelled_store
    update: dict[str, object] = {"bandwidth_bytes_per_second": store.bandwidth_bytes_per_second * ratio}
    tickets = profile.uploads.tickets
    if tickets is None:
        return profile.model_copy(update={"store": store.model_copy(update=update)})
    update |= {"turns_limit": max(1, round(store.turns_limit * ratio)), "queue_limit": max(1, round(store.queue_limit * ratio))}
    budgets = {
        "received_budget_bytes": round(tickets.received_budget_bytes * ratio),
        "admitted_budget_bytes": round(tickets.admitted_budget_bytes * ratio),
    }
    uploads = profile.uploads.model_copy(update={"tickets": tickets.model_copy(update=budgets)})
    return profile.model_copy(update={"store": store.model_copy(update=update), "uploads": uploads})


def with_registry(profile: Profile, lookups_per_second: float) -> Profile:
    """A civil registry that answers so many look-ups a second."""
    return profile.model_copy(update={"registry": profile.registry.model_copy(update={"lookups_per_second": lookups_per_second})})
