"""The browser that walks the site's pages beside a run: whether it can, and its process."""

from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from gelombang.errors import HostError, InputError
from gelombang.moment import seconds_after
from gelombang.profile import Profile
from gelombang.scenario import Scenario
from gelombang_cli.child import Child
from gelombang_loadtests.chromium import NAMES, find_chromium


def require_probe(scenario: Scenario, profile: Profile | None, for_seconds: float) -> None:
    """Raises InputError where there is nothing to walk or no moment for it, HostError where there is no browser to do it."""
    if scenario.browser_probe_at is None:
        return
    if profile is None:
        raise InputError(f"{scenario.name}: browser_probes with --target; want a site of the reference server, whose pages it knows")
    if profile.pages is None:
        raise InputError(f"{scenario.name}: browser_probes and {profile.name} has no [pages]; want a profile with them")
    after = seconds_after(scenario.opens_at, scenario.browser_probe_at)
    if after >= for_seconds:
        raise InputError(
            f"{scenario.name}: browser_probe_at {scenario.browser_probe_at} is {after:g} s after the opening and people come for "
            f"{for_seconds:g} s; want a time before that"
        )
    if find_spec("playwright") is None:
        raise HostError("browser_probes needs Playwright, which is not installed; want pip install 'gelombang[browser]'")
    if find_chromium() is None:
        raise HostError(f"browser_probes needs Chromium, and none of {', '.join(NAMES)} is on PATH; want the system's package of it")


def start_probe(folder: Path, scenario: Scenario, stack: ExitStack) -> None:
    """Start it, when one is wanted; it reads the run's plan, and ends with the block at the latest. Whatever becomes of it is told by what
    it writes, and never ends the run."""
    if scenario.browser_probes:
        stack.enter_context(Child("the browser probe", ["gelombang_loadtests.browser_probe", str(folder)], folder / "probe.log"))
