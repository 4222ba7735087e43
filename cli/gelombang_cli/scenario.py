"""`gelombang scenario`: check a scenario, begin one of your own, and the schema that editors complete from."""

import argparse
from collections.abc import Iterator

import orjson

from gelombang.arrivals import planned_people
from gelombang.errors import ExitCode
from gelombang.feeds import FeedMode
from gelombang.loading import load_scenario
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang.schema import scenario_schema
from gelombang.templates import secret_references, texts_below
from gelombang_cli import recorded
from gelombang_cli.arguments import Commands


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("scenario", help="check a scenario, begin one of your own, or print the schema", description=__doc__)
    parts = parser.add_subparsers(title="what", metavar="WHAT", required=True)
    check = parts.add_parser("check", help="name every fault of a scenario (exit 2), or say what it is")
    check.add_argument("scenario", help="a scenario file, or the name of one that comes along")
    check.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value first")
    check.set_defaults(command=_check)
    schema = parts.add_parser("schema", help="print the JSON Schema of scenario files")
    schema.set_defaults(command=_schema)
    recorded.add_parts(parts)


def _check(parsed: argparse.Namespace) -> ExitCode:
    scenario = load_scenario(parsed.scenario, parsed.set)
    for_seconds = scenario.arrivals.for_seconds or sum(phase.for_seconds for phase in scenario.arrivals.phases)
    people = planned_people(scenario, Scale(), for_seconds)
    print(f"{scenario.name}: {scenario.title}")
    print(f"  {people:,} people in {_duration(for_seconds)}, {len(scenario.journey)} steps, profiles {', '.join(scenario.profiles)}")
    for line in _outside(scenario, people):
        print(f"  {line}")
    print(f"  {len(scenario.objective)} objectives; no faults")
    return ExitCode.AS_EXPECTED


def _outside(scenario: Scenario, people: int) -> Iterator[str]:
    """What it needs from outside its file: feeds and secrets."""
    texts = [text for _, text in texts_below(scenario.model_dump(mode="json", by_alias=True, exclude_none=True), "")]
    for name, feed in scenario.feed.items():
        assert feed.content is not None
        enough = feed.mode is not FeedMode.UNIQUE or feed.content.rows > people
        yield f"feed.{name}: {feed.content.rows:,} rows, {feed.mode}" + ("" if enough else ", fewer than people: a run needs --sample")
    secrets = list(dict.fromkeys(reference for text in texts for reference in secret_references(text)))
    if secrets:
        yield f"secrets: {', '.join(secrets)}"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def _schema(parsed: argparse.Namespace) -> ExitCode:
    print(orjson.dumps(scenario_schema(), option=orjson.OPT_INDENT_2).decode())
    return ExitCode.AS_EXPECTED
