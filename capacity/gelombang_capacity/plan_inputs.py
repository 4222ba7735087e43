"""What a plan does not know: each input as an interval, drawn together for every world in which the options are compared.

A draw is one world: how many come, how fast their phones are, how patient they are, how large their photos, how fast they try again, and
how fast the store really is. The same worlds are used for every option, so that options are compared in the same world and not by luck.
The factors are lognormal about 1; a forecast that is wrong by half or double is no longer an interval but another question, which the
sensitivities answer.
"""

import math
from dataclasses import dataclass, fields

from gelombang.profile import Profile
from gelombang.scenario import Patience, Scenario
from gelombang.seeds import Purpose, normal_quantile, unit


@dataclass(frozen=True, slots=True)
class Inputs:
    """Factors on what the scenario and the profile say."""

    registrations: float = 1.0
    uplink: float = 1.0
    patience: float = 1.0
    photo_bytes: float = 1.0
    retry_delay: float = 1.0
    store: float = 1.0


SIGMAS = Inputs(registrations=0.10, uplink=0.20, patience=0.20, photo_bytes=0.10, retry_delay=0.40, store=0.10)
"""How unsure each is: e to this is the factor of one standard deviation [A]."""


def draw(seed: int, world: int) -> Inputs:
    """One world; world 0 is the scenario as it is written."""
    if world == 0:
        return Inputs()
    found = {}
    for n, field in enumerate(fields(Inputs)):
        deviation = normal_quantile(unit(seed, world, Purpose.PLAN_INPUT, n))
        found[field.name] = math.exp(getattr(SIGMAS, field.name) * deviation)
    return Inputs(**found)


def apply_to_scenario(scenario: Scenario, inputs: Inputs) -> Scenario:
    """The crowd of this world. Registrations are a load and stand in the scale, not here."""
    line = scenario.people.line
    photos = {
        kind: photo.model_copy(
            update={
                "first_bytes": photo.first_bytes.times(inputs.photo_bytes),
                "smaller_copy_bytes": photo.smaller_copy_bytes.times(inputs.photo_bytes),
            }
        )
        for kind, photo in scenario.people.photos.items()
    }
    people = scenario.people.model_copy(
        update={"line": line.model_copy(update={"uplink_ratio": line.uplink_ratio * inputs.uplink}), "photos": photos}
    )
    kinds = None
    if scenario.persona is not None:
        kinds = [persona.model_copy(update={"patience": _changed(persona.patience, inputs)}) for persona in scenario.persona]
    return scenario.model_copy(update={"people": people, "patience": _changed(scenario.patience, inputs), "persona": kinds})


def _changed(patience: Patience, inputs: Inputs) -> Patience:
    """A library's waits are what they are."""
    return patience.model_copy(
        update={
            "upload_seconds": patience.upload_seconds.times(inputs.patience),
            "page_seconds": patience.page_seconds.times(inputs.patience),
            "retry_seconds": patience.retry_seconds.times(inputs.retry_delay),
        }
    )


def apply_to_profile(profile: Profile, inputs: Inputs) -> Profile:
    """The site of this world: its store is as fast as it really is, which nobody has told its admission rules."""
    moved = profile.modelled_store.bandwidth_bytes_per_second * inputs.store
    return profile.model_copy(update={"store": profile.modelled_store.model_copy(update={"bandwidth_bytes_per_second": moved})})
