"""A run that somebody starts with `locust -f surge.py` instead of the `gelombang` command: arguments in, a run's plan and folder out."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from gelombang.arrivals import make_plan, planned_people
from gelombang.canary import canary_people
from gelombang.clock import utc_now
from gelombang.curve import rate_of
from gelombang.errors import InputError
from gelombang.loading import load_scenario
from gelombang.preflight import plan_numbers, refusals
from gelombang.runplan import PLAN_FILE, RunPlan, ScaleNumbers, run_number, write_model
from gelombang.scale import Scale, parse_sample
from gelombang.scenario import Scenario
from gelombang.target import is_loopback_host
from gelombang_loadtests.target import base_of

PROFILE_BY_HAND = "by-hand"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of a run by hand, beside Locust's own."""
    group = parser.add_argument_group("gelombang", "A run by hand. Sizes and times of the scenario are full size; these scale them.")
    group.add_argument("--scenario", default="smoke", help="name or path of a scenario")
    group.add_argument("--sample", default="", help="share of the people, such as 1/50; the scenario's smallest when not given")
    group.add_argument("--speed", type=float, default=0.0, help="how many times as fast as in real time; the scenario's when not given")
    group.add_argument("--bytes", type=float, default=0.0, help="size of photos, 1 is full size; the scenario's when not given")
    group.add_argument("--seed", type=int, default=1, help="same seed, same people")
    group.add_argument("--harness-url", default="", help="where the reference server delivers mail and SMS")
    group.add_argument("--harness-token", default="", help="what its phone asks for; ${env:NAME} keeps it out of sight")
    group.add_argument(
        "--run-number",
        type=int,
        metavar="N",
        help="the number that stands in the trace ids: that of the servers whose ledgers are to be joined",
    )
    group.add_argument("--out", default="", help="the run's folder; runs/<id> when not given")
    group.add_argument(
        "--i-own-this-target", default="", metavar="HOST", help="the host of a target that is not this machine, to show that it is meant"
    )


def plan_by_hand(options: Namespace, host: str | None, run_time_seconds: float | None, processes: int = 1) -> tuple[RunPlan, Path]:
    """The plan and a fresh folder with it; the run time, wall seconds, bounds the arrivals. Raises InputError."""
    if not host:
        raise InputError("--host is missing; want the target, such as --host http://127.0.0.1:8080")
    refuse_strangers(host, "--host", options.i_own_this_target)
    if options.harness_url:
        refuse_strangers(options.harness_url, "--harness-url", options.i_own_this_target)
    scenario = load_scenario(options.scenario)
    scale = _scale(options, scenario)
    for_seconds = rate_of(scenario.arrivals).duration_seconds
    if run_time_seconds:
        for_seconds = min(for_seconds, scale.people_seconds(run_time_seconds))
    numbers = plan_numbers(scenario, scale, for_seconds, planned_people(scenario, scale, for_seconds))
    here = bool(options.harness_url) and is_loopback_host(base_of(host, "--host").host)  # the reference server asks for no block
    if not here and (faults := refusals(scenario, host, numbers, utc_now())):
        raise InputError("\n".join(faults))
    run_id = f"{utc_now():%Y%m%d-%H%M%S}-{scenario.name}-{PROFILE_BY_HAND}"
    arrivals = make_plan(scenario, scale, options.seed, for_seconds)
    plan = RunPlan(
        run_id=run_id,
        run=run_number(options.run_number),
        seed=options.seed,
        plan_digest=arrivals.digest,
        scale=ScaleNumbers.of(scale),
        scenario=scenario,
        profile=PROFILE_BY_HAND,
        target_url=host,
        harness_url=options.harness_url or None,
        harness_token=options.harness_token,
        zero_us=0,
        for_seconds=for_seconds,
        generator_processes=processes,
        canary_people=0 if here else canary_people(arrivals.people),
    )
    folder = fresh_folder(Path(options.out) if options.out else Path("runs") / run_id)
    write_model(folder / PLAN_FILE, plan)
    return plan, folder


def refuse_strangers(url: str, setting: str, owned: str) -> None:
    """Raises InputError for a host that is not this machine and that nobody claimed."""
    host = base_of(url, setting).host
    if not is_loopback_host(host) and host != owned:
        raise InputError(f"{setting} is {url}, which is not this machine; want --i-own-this-target {host} to send load there")


def _scale(options: Namespace, scenario: Scenario) -> Scale:
    default = scenario.scale
    if options.speed < 0 or not 0 <= options.bytes <= 1:
        raise InputError(f"--speed is {options.speed:g} and --bytes is {options.bytes:g}; want a speed above 0 and bytes above 0, up to 1")
    sample = options.sample or (default.sample_smallest if default.sample == "auto" else default.sample)
    return Scale(parse_sample(sample), options.speed or default.speed, options.bytes or default.bytes_ratio)


def fresh_folder(folder: Path) -> Path:
    """The folder, made. Raises InputError when it can't be made or holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not an empty folder; want a new one, so that no earlier run is lost")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be made ({error.strerror}); want a folder that can be written") from error
    return folder.resolve()
