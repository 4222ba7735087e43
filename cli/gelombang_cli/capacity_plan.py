"""`gelombang capacity plan`: how much is enough for a surge, what would help cheaply, and the profile of the site that would be."""

import argparse
from fractions import Fraction
from pathlib import Path

from rich.console import Console

from gelombang.clock import utc_now
from gelombang.errors import ExitCode, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.profile import Profile
from gelombang.runplan import ScaleNumbers, read_model, write_model
from gelombang.scale import Scale, parse_sample
from gelombang.scenario import Scenario
from gelombang.sheet import lines_of
from gelombang_capacity.calibration import Calibration, profile_digest
from gelombang_capacity.profile_text import profile_text
from gelombang_cli.arguments import Commands, positive
from gelombang_cli.expecting import expect_run
from gelombang_cli.gate import parse_ratio
from gelombang_cli.provenance import commit
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_reports.sheet_page import write_sheet

PAGE_FILE = "plan.html"
PROFILE_FILE = "planned.toml"
CONFIRMING_SCENARIO = "opening-hour"
CONFIRMING_SCALE = Scale(Fraction(1, 50), 60.0, 0.1)


def add_command(parts: Commands) -> None:
    parser = parts.add_parser("plan", help="how much is enough, and what helps cheaply", description=__doc__)
    parser.add_argument("scenario", help="a scenario file, or the name of one that comes along, such as surge-2020")
    parser.add_argument("--calibration", type=Path, required=True, metavar="FILE", help="what `gelombang capacity calibrate` wrote")
    parser.add_argument(
        "--profile", action="append", metavar="NAME", help="as it is first, what to build on last (default: the scenario's profiles)"
    )
    parser.add_argument(
        "--through", default="95%", metavar="P", help="of those who could upload, how many shall get through (default 95%%)"
    )
    parser.add_argument(
        "--registry-wait", type=float, default=3_600.0, metavar="SECONDS", help="longest wait for the registry (default 3600)"
    )
    parser.add_argument(
        "--utilisation", metavar="P", help="how much of a core may be used at the peak (default 60%%, or what the calibration bears)"
    )
    parser.add_argument("--sample", default="1/50", metavar="F", help="share of the people in each simulated run (default 1/50)")
    parser.add_argument("--load", type=float, default=1.0, metavar="M", help="people, times this (default 1)")
    parser.add_argument("--worlds", type=int, default=6, metavar="N", help="draws of what is not known (default 6)")
    parser.add_argument("--seed", type=int, default=1, help="of the worlds and their people (default 1)")
    parser.add_argument("--for", dest="for_seconds", type=float, metavar="SECONDS", help="only the first SECONDS of people's time")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a scenario value")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where plan, page and profile go")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    from gelombang_capacity.plan_result import PLAN_FILE, plan_result
    from gelombang_capacity.plan_sheet import plan_sheet
    from gelombang_capacity.planning import Question, make_plan
    from gelombang_capacity.sizing import extrapolation

    console = Console()
    scenario = load_scenario(parsed.scenario, parsed.set)
    profiles = tuple(load_profile(name) for name in parsed.profile or scenario.profiles)
    calibration = usable_calibration(parsed.calibration, profiles)
    if not 1 <= parsed.worlds <= 200:
        raise InputError(f"--worlds is {parsed.worlds}; want 1 to 200")
    if parsed.seed < 0:
        raise InputError(f"--seed is {parsed.seed}; want 0 or more")
    question = Question(
        scenario=scenario,
        profiles=profiles,
        for_seconds=_for_seconds(parsed.for_seconds, scenario),
        through_ratio=parse_ratio("--through", parsed.through),
        registry_wait_seconds=positive("--registry-wait", parsed.registry_wait),
        scale=Scale(parse_sample(parsed.sample), load=positive("--load", parsed.load)),
        worlds=parsed.worlds,
        seed=parsed.seed,
        utilisation=_utilisation(parsed.utilisation, calibration, console),
    )
    extrapolation(calibration, question.utilisation)  # before minutes of simulating
    folder = make_run_folder(parsed.out, f"{new_run_id(scenario.name, profiles[-1].name)}-plan", profiles[-1].name, False)
    plan = make_plan(question, calibration, lambda line: console.print(line, highlight=False, soft_wrap=True, markup=False))
    result = plan_result(plan, question, utc_now().isoformat(timespec="seconds"), commit(), calibration.commit)
    write_model(folder / PLAN_FILE, result)
    sheet = plan_sheet(result, scenario.title)
    write_sheet(sheet, folder / PAGE_FILE)
    for line in lines_of(sheet):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    if plan.planned is not None:
        _write_profile(folder, plan.planned.option.profile, scenario.title, calibration, console)
    console.print(f"Page: {folder / PAGE_FILE}", highlight=False, soft_wrap=True)
    return ExitCode.AS_EXPECTED if plan.planned is not None else ExitCode.FAILED


def usable_calibration(path: Path, profiles: tuple[Profile, ...]) -> Calibration:
    """A calibration that a plan may stand on. Raises InputError with the reason when it may not."""
    if not path.is_file():
        raise InputError(f"--calibration is {path}, which is not there; want the calibration.json of `gelombang capacity calibrate`")
    found = read_model(path, Calibration)
    if found.rejected:
        raise InputError(f"{path} is a rejected calibration: {found.rejected[0]}; want one that holds on the runs it has not seen")
    if found.profile_digest not in {profile_digest(profile) for profile in profiles}:
        names = ", ".join(profile.name for profile in profiles)
        raise InputError(f"{path} was made on a profile {found.profile} that is none of {names} as they are now; want runs of one of them")
    now = commit()
    if now is not None and found.commit is not None and found.commit != now:
        raise InputError(f"{path} was made on server version {found.commit}; this one is {now}: calibrate again")
    return found


def _utilisation(asked: str | None, calibration: Calibration, console: Console) -> float:
    from gelombang_capacity.sizing import UTILISATION, bearable_utilisation

    if asked is not None:
        return parse_ratio("--utilisation", asked)
    found = bearable_utilisation(calibration)
    if found < UTILISATION:
        words = f"no core is planned beyond {found:.0%}: the calibration measured no busier one that could say what {UTILISATION:.0%} costs"
        console.print(words, highlight=False, soft_wrap=True, markup=False)
    return found


def _for_seconds(asked: float | None, scenario: Scenario) -> float:
    whole = scenario.arrivals.for_seconds or sum(phase.for_seconds for phase in scenario.arrivals.phases)
    return whole if asked is None else positive("--for", asked)


def _write_profile(folder: Path, profile: Profile, title: str, calibration: Calibration, console: Console) -> None:
    """The planned site as a file, and what the model expects of a live run of it."""
    path = folder / PROFILE_FILE
    path.write_text(profile_text(profile, f"Worked out by `gelombang capacity plan` for: {title}."), encoding="utf-8")
    again = load_profile(path)
    scenario = load_scenario(CONFIRMING_SCENARIO)
    for_seconds = _for_seconds(None, scenario)
    costs = calibration.costs(1, CONFIRMING_SCALE.speed, calibration.requests_per_second_mean)
    expect_run("plan", scenario, again, CONFIRMING_SCALE, for_seconds, costs)
    scale = ScaleNumbers.of(CONFIRMING_SCALE)
    console.print(
        f"Confirm it live: gelombang run {CONFIRMING_SCENARIO} --profile {path} --sample {scale.sample}, then gelombang capacity score",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
