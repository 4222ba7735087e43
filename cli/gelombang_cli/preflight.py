"""`gelombang preflight`: send one person, and show what a run would do to somebody's service, for its security officer as well.

`gelombang run --target` does the same before every run against a service that is not the reference server, and then asks.
"""

import argparse
import secrets
import sys
from fractions import Fraction
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console
from rich.text import Text

from gelombang.arrivals import planned_people
from gelombang.canary import canary_people
from gelombang.clock import utc_now
from gelombang.errors import ExitCode, InputError, PreflightError
from gelombang.feeds import require_rows
from gelombang.inbox import require_own_inboxes
from gelombang.loading import load_scenario, require_secrets
from gelombang.preflight import Preflight, SentStep, accounts, ending, no_block, plan_numbers, refusals, sent_steps, write_preflight
from gelombang.runplan import RunPlan, ScaleNumbers, write_model
from gelombang.scale import Scale, parse_sample
from gelombang.scenario import Scenario
from gelombang.target import PlanNumbers, allowed_hosts, host_breaches, host_of, is_loopback_host, limit_breaches
from gelombang.trial.events import AttemptEvent, EndEvent
from gelombang.trial.one_person import TRIAL_SECONDS_LIMIT, scenario_of_one
from gelombang.trial.order import TRIAL_FILE, TrialOrder
from gelombang_cli.arguments import Commands, add_scale_options, positive, read_scale, read_target
from gelombang_cli.certificate import certificate_seen, hosts_seen
from gelombang_cli.child import Child
from gelombang_cli.execution import Order, require_answering
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_reports.preflight_page import preflight_lines, write_preflight_page

PAGE_FILE = "preflight.html"
OVERTIME_SECONDS = 60.0

_EVENT: TypeAdapter[AttemptEvent | EndEvent] = TypeAdapter(AttemptEvent | EndEvent)


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("preflight", help="send one person, and show what a run would do", description=__doc__)
    parser.add_argument("scenario", help="a scenario file, or the name of one that comes along")
    parser.add_argument("--target", required=True, metavar="URL", help="your own service")
    parser.add_argument("--i-own-this-target", metavar="HOST", help="needed for a target that is not this machine")
    add_scale_options(parser)
    parser.add_argument("--seed", type=int, default=1, help="the seed that the run will have (default 1)")
    parser.add_argument("--for", dest="for_seconds", type=float, metavar="SECONDS", help="only the first SECONDS of people's time")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a scenario value")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of preflight.html (default: a new one in runs/)")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    scenario = load_scenario(parsed.scenario, parsed.set)
    require_secrets(scenario, parsed.scenario, parsed.set)
    scale = read_scale(parsed, scenario, lambda: parse_sample(scenario.scale.sample_smallest))
    whole = scenario.arrivals.for_seconds or sum(phase.for_seconds for phase in scenario.arrivals.phases)
    for_seconds = whole if parsed.for_seconds is None else positive("--for", parsed.for_seconds)
    if parsed.seed < 0:
        raise InputError(f"--seed is {parsed.seed}; want 0 or more")
    target = require_permission(scenario, parsed.target, parsed.i_own_this_target, agreed=False)
    run_id = new_run_id(scenario.name, "preflight")
    order = Order(
        scenario=scenario,
        scale=scale,
        seed=parsed.seed,
        for_seconds=for_seconds,
        profile=None,
        target_url=target,
        server_processes=1,
        generator_processes=1,
        run_id=run_id,
        folder=make_run_folder(parsed.out, run_id, "foreign", several=False),
    )
    require_answering(order)
    found = look(order, Console(highlight=False))
    if found.breaches:
        return ExitCode.WRONG_INPUT
    return ExitCode.AS_EXPECTED if found.person_went_well else ExitCode.FAILED


def require_permission(scenario: Scenario, target: str, owned: str | None, agreed: bool) -> str:
    """The target's URL. Raises InputError for one off this machine that no `[target]` block allows or that nobody claimed, and when people
    would wait for mail that only the reference server hands out."""
    host, block = host_of(target), scenario.target
    url = read_target(target, host if agreed else owned)
    if not is_loopback_host(host) and block is None:
        raise InputError(no_block(host))
    if block is not None and (faults := host_breaches(block, url)):
        raise InputError("\n".join(faults))
    require_own_inboxes(scenario.journey)
    return url


def require_limits(order: Order) -> PlanNumbers:
    """What the plan is. Raises InputError, with all numbers, when it is over a maximum or outside the window of time."""
    people = planned_people(order.scenario, order.scale, order.for_seconds)
    numbers = plan_numbers(order.scenario, order.scale, order.for_seconds, people)
    assert order.target_url is not None
    if faults := refusals(order.scenario, order.target_url, numbers, utc_now()):
        raise InputError("\n".join(faults))
    return numbers


def look(order: Order, console: Console) -> Preflight:
    """Send one person, show what the run would do, and leave `preflight.html` in the run's folder. Raises as a run does."""
    numbers = require_limits(order)
    require_rows(order.scenario.feed, numbers.people + 1)
    console.print("preflight: one person is sent first", highlight=False)
    attempts, end = _send_one(order, numbers.people)
    found = _found(order, numbers, sent_steps(attempts), end)
    write_preflight(order.folder, found)
    page = order.folder / PAGE_FILE
    write_preflight_page(found, page)
    for line in preflight_lines(found):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"for whoever answers for it: {page}", highlight=False, soft_wrap=True, markup=False)
    return found


def clear(order: Order, console: Console, agreed: bool) -> None:
    """The preflight of a run, and the question whether to go on; `agreed` is --yes. Raises InputError, PreflightError."""
    require_limits(order)
    require_answering(order)
    can_ask = sys.stdin.isatty() and console.is_terminal
    if not (agreed or can_ask):
        raise InputError("nobody can be asked whether to go on, and --yes is not given; want a terminal, or --yes")
    found = look(order, console)
    if found.breaches:
        raise InputError("\n".join(found.breaches))
    if agreed and not found.person_went_well:
        raise PreflightError(f"the preflight's person {found.fate}: {found.reason}; want one who finishes before {found.people:,} are sent")
    if not agreed and not _agrees(console, f"send {found.people:,} people to {found.target_url}? [y/N] "):
        raise PreflightError("the run was not begun: nobody agreed")


def _agrees(console: Console, question: str) -> bool:
    try:
        return console.input(Text(question)).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _send_one(order: Order, person: int) -> tuple[list[AttemptEvent], EndEvent | None]:
    """Somebody whom the run itself does not have walks the journey."""
    folder = order.folder / "preflight"
    folder.mkdir()
    scale = Scale(Fraction(1), 1.0, order.scale.bytes_ratio)
    assert order.target_url is not None
    plan = RunPlan(
        run_id=order.run_id,
        run=secrets.randbits(40) | 1,
        seed=order.seed,
        plan_digest="",
        scale=ScaleNumbers.of(scale),
        scenario=scenario_of_one(order.scenario, scale, replayed=False),
        profile="foreign",
        target_url=order.target_url,
        harness_url=None,
        harness_token="",
        zero_us=0,
        for_seconds=1.0,
        generator_processes=1,
    )
    write_model(folder / TRIAL_FILE, TrialOrder(plan=plan, person=person, until=None, keep=None, show_captures=False))
    attempts: list[AttemptEvent] = []
    with Child("the preflight", ["gelombang_loadtests.trying", str(folder / TRIAL_FILE)], folder / "trial.log") as child:
        while True:
            said = _EVENT.validate_python(child.next_event(TRIAL_SECONDS_LIMIT + OVERTIME_SECONDS))
            if isinstance(said, EndEvent):
                return attempts, said
            attempts.append(said)


def _found(order: Order, numbers: PlanNumbers, steps: list[SentStep], end: EndEvent | None) -> Preflight:
    scenario, block = order.scenario, order.scenario.target
    assert order.target_url is not None
    requests, bytes_sent = sum(step.requests for step in steps), sum(step.bytes_sent for step in steps)
    whole = PlanNumbers(numbers.people, numbers.peak_arrivals_per_second, numbers.arrivals_wall_seconds, bytes_sent * numbers.people)
    fate, reason = ending(end)
    return Preflight(
        run_id=order.run_id,
        scenario=scenario.name,
        title=scenario.title,
        target_url=order.target_url,
        made_at=utc_now().isoformat(timespec="seconds"),
        scale=ScaleNumbers.of(order.scale),
        block=block,
        stops=scenario.stop,
        person=numbers.people,
        fate=fate,
        reason=reason,
        steps=steps,
        people=numbers.people,
        arrivals_wall_seconds=numbers.arrivals_wall_seconds,
        peak_arrivals_per_second=numbers.peak_arrivals_per_second,
        requests=requests * numbers.people,
        peak_requests_per_second=numbers.peak_arrivals_per_second * requests,
        bytes_sent=bytes_sent * numbers.people,
        messages=numbers.people * sum(step.form == "message" for step in scenario.journey),
        accounts=accounts(scenario, numbers.people),
        canary_people=canary_people(numbers.people),
        hosts=hosts_seen(sorted(allowed_hosts(order.target_url, block)), order.target_url, scenario.network),
        certificate=certificate_seen(order.target_url, scenario.network),
        breaches=limit_breaches(block, whole) if block is not None else [],
    )
