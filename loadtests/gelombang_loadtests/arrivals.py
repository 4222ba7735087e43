"""Open arrivals for your own Locust code: put `OpenUser` before `HttpUser`, say who comes when, and each arrival lives the class once.

    from gelombang_loadtests.arrivals import OpenUser, ramp

    class Visitor(OpenUser, HttpUser):
        arrivals = [ramp(1, 40, for_seconds=120)]

People then begin when they are due, however slow the site is, instead of when an earlier user is done. `locust -f mine.py --headless` (or
with its web page) leaves a run's folder with ledger, record and verdict; docs/locust-users.md has before and after. Import it in a
locustfile only: importing Locust changes the sockets of its process.
"""

import locust

from gelombang.scenario import Phase
from gelombang_loadtests.open_locust import add_arguments, on_init
from gelombang_loadtests.open_user import OpenUser

__all__ = ["OpenUser", "hold", "ramp", "spike", "stairs"]


def hold(per_second: float, for_seconds: float) -> Phase:
    """So many arrivals a second."""
    return Phase(form="hold", for_seconds=for_seconds, start_per_second=per_second)


def ramp(from_per_second: float, to_per_second: float, for_seconds: float) -> Phase:
    """From one rate to another in a straight line."""
    return Phase(form="ramp", for_seconds=for_seconds, start_per_second=from_per_second, end_per_second=to_per_second)


def spike(per_second: float, top_per_second: float, for_seconds: float) -> Phase:
    """Up to the top in the middle, and back."""
    return Phase(form="spike", for_seconds=for_seconds, start_per_second=per_second, end_per_second=top_per_second)


def stairs(from_per_second: float, to_per_second: float, steps: int, for_seconds: float) -> Phase:
    """Rates held one after the other, each for as long."""
    return Phase(form="stairs", for_seconds=for_seconds, start_per_second=from_per_second, end_per_second=to_per_second, stairs=steps)


locust.events.init_command_line_parser.add_listener(add_arguments)
locust.events.init.add_listener(on_init)
