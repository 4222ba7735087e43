"""`gelombang try`: one person walks a journey, and every request, answer, rule and capture is shown. Exit 1 names the step and the reason.

The person is the one that a run would send, walked by the generator's own code, without thinking and with short waits. With `--profile` the
reference server is started for them, at full size with its clock 20 times as fast, so that mail and registry answer within a second.
"""

import argparse
import secrets
import tempfile
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from gelombang.clock import monotonic_us
from gelombang.errors import ExitCode, HostError, InputError
from gelombang.loading import load_profile, load_scenario, require_secrets
from gelombang.person import PEOPLE_LIMIT
from gelombang.runplan import write_model
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang.trial.events import AttemptEvent, EndEvent
from gelombang.trial.one_person import SPEED_OF_REFERENCE_SERVER, TRIAL_SECONDS_LIMIT, scenario_of_one
from gelombang.trial.order import TRIAL_FILE, TrialOrder
from gelombang.validation import did_you_mean
from gelombang_cli.arguments import Commands
from gelombang_cli.child import Child, Event, wait_readable
from gelombang_cli.execution import Order, orders_for_generator, start_server
from gelombang_cli.preflight import require_permission
from gelombang_cli.programme import tell_zero
from gelombang_cli.replaying import Replayed, read_attempt
from gelombang_cli.runfolder import make_run_folder
from gelombang_cli.trial_console import TrialConsole

PERSON = 17
"""Who walks when nobody is named: any one will do, and always the same is easier to talk about."""
OVERTIME_SECONDS = 60.0
EVENT_WAIT_SECONDS = 0.5

_EVENT: TypeAdapter[AttemptEvent | EndEvent] = TypeAdapter(AttemptEvent | EndEvent)


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("try", help="one person walks a journey, every step shown", description=__doc__)
    parser.add_argument("scenario", nargs="?", help="a scenario file, or the name of one that comes along; not with --from")
    parser.add_argument("--target", metavar="URL", help="your own service")
    parser.add_argument("--profile", metavar="NAME", help="a site of the reference server, started here (default: the scenario's first)")
    parser.add_argument("--i-own-this-target", metavar="HOST", help="needed for a target that is not this machine")
    parser.add_argument("--person", type=int, default=PERSON, metavar="N", help=f"who walks: their index in a run (default {PERSON})")
    parser.add_argument("--until", metavar="STEP", help="stop after this step")
    parser.add_argument("--seed", type=int, default=1, help="the seed that a run would have (default 1)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a scenario value: journey.test.think_seconds.value=60"
    )
    parser.add_argument("--from", dest="run", metavar="RUN", help="folder of a run: replay a person of it up to --attempt")
    parser.add_argument("--attempt", metavar="ID", help="of the run: a trace id, or person:step:number such as 17:ktp:2")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep photos and long bodies here, for the curl lines")
    parser.add_argument("--show-captures", action="store_true", help="show sessions and tokens that were captured whole (never secrets)")
    parser.add_argument("--json", action="store_true", help="print JSON lines and nothing else on standard output")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    replayed = _replayed(parsed)
    scenario = replayed.plan.scenario if replayed else load_scenario(parsed.scenario, parsed.set)
    if replayed is None:
        require_secrets(scenario, parsed.scenario, parsed.set)
    until = replayed.step if replayed else parsed.until
    names = [step.step for step in scenario.journey]
    if until is not None and until not in names:
        raise InputError(f"--until is {until!r}; want a step of this journey: {did_you_mean(until, names)}")
    person = replayed.person if replayed else parsed.person
    if not 0 <= person < PEOPLE_LIMIT:
        raise InputError(f"--person is {person}; want 0 to {PEOPLE_LIMIT - 1}")
    with ExitStack() as stack:
        folder = make_run_folder(parsed.keep, "", "", several=False) if parsed.keep else _temporary(stack)
        console = TrialConsole(Console(highlight=False, soft_wrap=True), parsed.json, replayed)
        order, ready, run = _order(parsed, scenario, replayed, folder, stack)
        console.begins(order, person)
        trial = TrialOrder(
            plan=orders_for_generator(order, run, ready),
            person=person,
            until=until,
            until_number=replayed.number if replayed else None,
            keep=str(folder) if parsed.keep else None,
            show_captures=parsed.show_captures,
        )
        write_model(folder / TRIAL_FILE, trial)
        return _follow(folder, console)


def _replayed(parsed: argparse.Namespace) -> Replayed | None:
    if (parsed.run is None) != (parsed.attempt is None):
        raise InputError("--from and --attempt go together; want the folder of a run and an attempt of it such as 17:ktp:2")
    if (parsed.run is None) == (parsed.scenario is None):
        raise InputError("a scenario and --from are both given, or neither; want a scenario, or --from RUN --attempt ID")
    if parsed.run is None:
        return None
    if parsed.until or parsed.set:
        raise InputError("--until or --set with --from; want the run's own scenario, which is walked up to --attempt")
    return read_attempt(parsed.run, parsed.attempt)


def _temporary(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gelombang-try-"))).resolve()


def _order(
    parsed: argparse.Namespace, scenario: Scenario, replayed: Replayed | None, folder: Path, stack: ExitStack
) -> tuple[Order, Event, int]:
    """The orders of the trial, the target made ready, and the run's number."""
    if parsed.target and parsed.profile:
        raise InputError("--target and --profile are both given; want one: your own service, or a site of the reference server")
    if parsed.seed < 0:
        raise InputError(f"--seed is {parsed.seed}; want 0 or more")
    target, profile = parsed.target, parsed.profile
    if target is None and profile is None and replayed is not None:
        target, profile = (replayed.plan.target_url, None) if replayed.is_foreign else (None, replayed.plan.profile)
    site = None if target else load_profile(profile or scenario.profiles[0])
    bytes_ratio = replayed.plan.scale.bytes_ratio if replayed else 1.0
    scale = Scale(Fraction(1), SPEED_OF_REFERENCE_SERVER if site else 1.0, bytes_ratio)
    order = Order(
        scenario=scenario_of_one(scenario, scale, replayed is not None),
        scale=scale,
        seed=replayed.plan.seed if replayed else parsed.seed,
        for_seconds=1.0,
        profile=site,
        target_url=require_permission(scenario, target, parsed.i_own_this_target, agreed=False) if target else None,
        server_processes=1,
        generator_processes=1,
        run_id="try",
        folder=folder,
    )
    # A fresh reference server may meet the same person again; somebody's own service has met them already.
    run = replayed.plan.run if replayed and site else secrets.randbits(40) | 1
    ready = start_server(order, run, stack)
    tell_zero(ready, monotonic_us(), site)
    return order, ready, run


def _follow(folder: Path, console: TrialConsole) -> ExitCode:
    """Show what happens until it has ended. Raises HostError when the process fails, TargetUnreachableError as a run does."""
    command = ["gelombang_loadtests.trying", str(folder / TRIAL_FILE)]
    waits = int((TRIAL_SECONDS_LIMIT + OVERTIME_SECONDS) / EVENT_WAIT_SECONDS)
    with Child("the trial", command, folder / "trial.log") as child:
        silent = 0
        while True:
            running = child.running
            events = child.events()
            for event in events:
                end = _shown(event, console)
                if end is not None:
                    return end.exit_code
            if not running:
                raise child.failure(f"ended with exit code {child.process.returncode}")
            silent = 0 if events else silent + 1
            if silent > waits:
                raise HostError(f"the trial said nothing for {TRIAL_SECONDS_LIMIT + OVERTIME_SECONDS:g} s; want a site that answers")
            wait_readable([child], EVENT_WAIT_SECONDS)


def _shown(event: Event, console: TrialConsole) -> EndEvent | None:
    try:
        said = _EVENT.validate_python(event)
    except ValidationError as error:
        raise HostError(f"the trial said what nobody understands ({error.error_count()} errors); want its own events") from error
    if isinstance(said, EndEvent):
        console.ends(said)
        return said
    console.attempt(said)
    return None
