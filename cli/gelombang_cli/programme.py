"""What the reference server is told of its programme: who was there before the run, and when the run began."""

import json
import urllib.request

from gelombang.arrivals import planned_people
from gelombang.errors import HostError, InputError
from gelombang.profile import Profile
from gelombang.record_programme import ProgrammeBooks
from gelombang.runplan import PreparedPeople
from gelombang.scale import Scale, scaled
from gelombang.scenario import Scenario
from gelombang_cli.child import Event

TELL_SECONDS = 10.0


def people_before(scenario: Scenario, scale: Scale, for_seconds: float, profile: Profile) -> PreparedPeople | None:
    """The people whom a scenario wants to be there. Raises InputError when this site can't have them."""
    before = scenario.before
    if before is None:
        return None
    if before.wave is not None and before.wave not in profile.waves:
        raise InputError(f"{scenario.name}: before.wave is {before.wave!r}; want a wave of {profile.name}: {', '.join(profile.waves)}")
    if before.wave is not None and profile.programme is None:
        raise InputError(f"{scenario.name}: before.wave is {before.wave!r} and {profile.name} has no [programme]; want a profile with one")
    coming = planned_people(scenario, scale, for_seconds)
    others = scaled(before, scale).others
    return PreparedPeople(coming=coming, ratio=before.ratio, others=others, wave=before.wave, photos=before.photos)


def tell_zero(ready: Event, zero_us: int, profile: Profile | None) -> None:
    """The calendar of a programme begins where the run does. Raises HostError when the server can't be told."""
    if profile is None or profile.programme is None:
        return
    try:
        _asked(ready, "zero", {"zero_us": zero_us})
    except OSError as error:
        raise HostError(f"the reference server could not be told when the run begins ({error}); want one that answers") from error


def read_books(ready: Event, profile: Profile | None) -> ProgrammeBooks | None:
    """What the server says of its programme's books; None without a programme, or from a server that has died."""
    if profile is None or profile.programme is None:
        return None
    try:
        return ProgrammeBooks.model_validate_json(_asked(ready, "books", None))
    except OSError:
        return None


def _asked(ready: Event, path: str, wish: dict[str, int] | None) -> bytes:
    """The operator's question. Raises OSError, as urllib does for an answer of 400 and above."""
    headers = {"Authorization": f"Bearer {ready['harness_token']}", "Content-Type": "application/json"}
    body = None if wish is None else json.dumps(wish).encode()
    request = urllib.request.Request(f"{ready['harness_url']}/programme/{path}", body, headers)
    with urllib.request.urlopen(request, timeout=TELL_SECONDS) as answer:
        return bytes(answer.read())
