"""`gelombang capacity history`: fit the site of April 2020 to the published counts, and say what they can't tell apart."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from gelombang.clock import utc_now
from gelombang.errors import ExitCode, InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale, parse_sample
from gelombang.sheet import Section, Sheet, Table, Tone, lines_of
from gelombang_capacity.published import HISTORY_AT
from gelombang_cli.arguments import Commands
from gelombang_cli.provenance import commit
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_reports.sheet_page import write_sheet

PAGE_FILE = "history.html"
RESULT_FILE = "history.json"
SCENARIO, PROFILE = "surge-2020", "april-2020"
SMALLEST_SAMPLE = "1/50"


def add_command(parts: Commands) -> None:
    parser = parts.add_parser("history", help="fit the site of April 2020 to the published counts", description=__doc__)
    parser.add_argument("--sample", default=SMALLEST_SAMPLE, metavar="F", help=f"share of the people (default {SMALLEST_SAMPLE}, not less)")
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="how many crowds the fit is judged with (default 20)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the page goes")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    from gelombang_capacity.history import Crowd, calibrate_history

    console = Console()
    sample = parse_sample(parsed.sample)
    if sample < parse_sample(SMALLEST_SAMPLE):
        raise InputError(
            f"--sample is {parsed.sample}; want {SMALLEST_SAMPLE} or more, because smaller samples pass other shares of people"
        )
    if not 1 <= parsed.seeds <= 1_000:
        raise InputError(f"--seeds is {parsed.seeds}; want 1 to 1000")
    folder = make_run_folder(parsed.out, f"{new_run_id(SCENARIO, PROFILE)}-history", PROFILE, False)

    def tell(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    found = calibrate_history(Crowd(load_scenario(SCENARIO), load_profile(PROFILE), Scale(sample), tell), range(1, parsed.seeds + 1))
    (folder / RESULT_FILE).write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    fitted, missed = found.fitted, [each for each in found.judged if not each.is_met]
    rows = tuple(
        (
            f"{each.target.number}: {each.target.step}, {each.target.at_seconds / 3_600:g} h",
            f"{each.target.count:,}",
            f"{each.mean:,.0f} ± {each.spread:,.0f}",
            f"{each.mean / each.target.count - 1:+z.1%}",
            f"{each.target.tolerance_ratio:.1%}" + (" (soft)" if each.target.is_soft else ""),
            f"{each.within_ratio:.0%}",
            "met" if each.is_met else "missed",
        )
        for each in found.judged
    )
    head = ("target", "published", f"simulated, {found.seeds} seeds", "off by", "tolerance", "seeds within", "verdict")
    others = tuple((each.words, _count(each.wanted), _count(each.shows)) for each in found.alternatives)
    sheet = Sheet(
        kind="The site of April 2020, fitted to the published counts",
        title="What the counts say, and what they can't",
        scene=f"{sample} of the people, {HISTORY_AT[-1] / 3_600:g} hours, simulated; code {commit() or 'unknown'}; "
        f"{utc_now().isoformat(timespec='seconds')}.",
        verdict=f"With {fitted.places} upload places ({found.places_low} to {found.places_high} are within the tolerance), a registry of "
        f"{fitted.lookups_per_second:.3g} look-ups a second and a store {fitted.store_ratio_later:.3g} times as fast after the 21st hour, "
        f"{len(found.judged) - len(missed)} of {len(found.judged)} published counts are met over {found.seeds} seeds.",
        tone=Tone.GOOD if not missed else Tone.BAD,
        doubts=("It shows which mechanism can show these counts; it is no claim about the real site.",),
        sections=(
            Section("Published and simulated", tables=(Table(head, rows),)),
            Section("What the counts can't tell apart", tables=(Table(("this shows the same", "wanted", "shows"), others),)),
        ),
    )
    write_sheet(sheet, folder / PAGE_FILE)
    for line in lines_of(sheet):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Page: {folder / PAGE_FILE}", highlight=False, soft_wrap=True)
    return ExitCode.FAILED if missed else ExitCode.AS_EXPECTED


def _count(found: float) -> str:
    """People as a whole number, people a second with two places."""
    return f"{found:,.0f}" if found >= 100 else f"{found:.2f}"
