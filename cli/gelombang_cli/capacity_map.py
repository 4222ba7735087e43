"""`gelombang capacity map`: over load, trigger and retries, does a site come back by itself?"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from gelombang.clock import utc_now
from gelombang.errors import ExitCode, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale, parse_sample
from gelombang.sheet import Curve, Plot, Section, Sheet, Table, Tone, lines_of
from gelombang_cli.arguments import Commands
from gelombang_cli.provenance import commit
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_reports.sheet_page import write_sheet

if TYPE_CHECKING:
    from gelombang_capacity.metastability import Place

PAGE_FILE = "map.html"
SCENARIO = "opening-hour"


def add_command(parts: Commands) -> None:
    parser = parts.add_parser("map", help="does the site come back by itself after a trouble?", description=__doc__)
    parser.add_argument("--profile", default="april-2020", metavar="NAME", help="the site (default april-2020)")
    parser.add_argument("--loads", default="0.3,0.5,0.7", metavar="L,L", help="shares of what the store can carry (default 0.3,0.5,0.7)")
    parser.add_argument("--stalls", default="0,60,300", metavar="S,S", help="seconds of trigger, 0 for none (default 0,60,300)")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="crowds for each place of the map (default 5)")
    parser.add_argument("--sample", default="3/10", metavar="F", help="share of the people; small ones fall sooner (default 3/10)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the page goes")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    from gelombang_capacity.metastability import Place, Trial, walk

    console = Console()
    scenario, profile = load_scenario(SCENARIO), load_profile(parsed.profile)
    loads, stalls = _numbers("--loads", parsed.loads, 0.01, 2.0), _numbers("--stalls", parsed.stalls, 0.0, 3_600.0)
    if not 1 <= parsed.seeds <= 100:
        raise InputError(f"--seeds is {parsed.seeds}; want 1 to 100")
    scale = Scale(parse_sample(parsed.sample))
    folder = make_run_folder(parsed.out, f"{new_run_id(SCENARIO, profile.name)}-map", profile.name, False)
    places: list[Place] = []
    for tries_again in (True, False):
        for stall in stalls:
            for load in loads:
                trial = Trial(load, stall, tries_again)
                places.append(Place(trial, tuple(walk(scenario, profile, trial, scale, seed) for seed in range(1, parsed.seeds + 1))))
                console.print(" ".join(_row(places[-1])), highlight=False)
    stuck = [place for place in places if place.trial.tries_again and place.trial.stall_seconds and place.stuck_ratio > 0.5]
    freed = [place for place in places if not place.trial.tries_again and place.trial.stall_seconds and place.stuck_ratio > 0.5]
    verdict = (
        f"{profile.name} does not come back by itself from {len(stuck)} of the places with a trigger; without anybody trying again, from "
        f"{len(freed)}."
    )
    head = (
        "load, of its limit",
        "trigger",
        "people try again",
        "passed before",
        "passed an hour and more after",
        "well again after",
        "stuck",
    )
    sheet = Sheet(
        kind="A map of what comes back by itself",
        title=f"Does {profile.name} recover?",
        scene=f"Simulated, {parsed.sample} of the people, {parsed.seeds} crowds each; one hour, the trigger (a store at 2 %), two hours at "
        f"the same arrivals, then three hours of stairs down; code {commit() or 'unknown'}; {utc_now().isoformat(timespec='seconds')}.",
        verdict=verdict,
        tone=Tone.BAD if stuck else Tone.GOOD,
        sections=(Section("The map", plot=_plot(places), tables=(Table(head, tuple(_row(place) for place in places)),)),),
    )
    write_sheet(sheet, folder / PAGE_FILE)
    for line in lines_of(sheet):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Page: {folder / PAGE_FILE}", highlight=False, soft_wrap=True)
    return ExitCode.AS_EXPECTED


def _numbers(option: str, text: str, low: float, high: float) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(low <= each <= high for each in found):
        raise InputError(f"{option} is {text!r}; want numbers from {low:g} to {high:g} with commas between them")
    return found


def _row(place: "Place") -> tuple[str, ...]:
    trial, came = place.trial, place.came
    again = [each.well_after_seconds for each in came if each.well_after_seconds is not None]
    stairs = [each.well_on_stair for each in came if each.well_after_seconds is None]
    down = [stair for stair in stairs if stair is not None]
    well = f"{sorted(again)[len(again) // 2] / 60:.0f} min" if again else f"only at {max(down):g} of the load" if down else "not at all"
    return (
        f"{trial.load:.0%}",
        f"{trial.stall_seconds:g} s" if trial.stall_seconds else "none",
        "yes" if trial.tries_again else "no",
        f"{sum(each.passed_before_ratio for each in came) / len(came):.0%}",
        f"{place.passed_after_ratio:.0%}",
        well,
        f"{sum(each.well_after_seconds is None for each in came)} of {len(came)}",
    )


def _plot(places: list["Place"]) -> Plot:
    lines: dict[tuple[float, bool], list[tuple[float, float]]] = {}
    for place in places:
        lines.setdefault((place.trial.stall_seconds, place.trial.tries_again), []).append((place.trial.load, place.passed_after_ratio))
    curves = tuple(
        Curve(f"trigger {stall:g} s, {'with' if again else 'without'} retries", tuple(sorted(points)), is_reference=not again)
        for (stall, again), points in lines.items()
    )
    return Plot("Of those who arrive after the trigger, who gets through", "load, of what the store can carry", "share", curves)
