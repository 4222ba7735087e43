"""`gelombang dashboards`: build, check and push dashboards, rules and alerts, and ask a past run what was wrong."""

import argparse
from pathlib import Path

from gelombang.errors import ExitCode, InputError
from gelombang.resources import dashboards_folder
from gelombang_cli import dashboard_files, now, past_serving, pushing, watching
from gelombang_cli.arguments import Commands
from gelombang_dashboards.rule_clock import RuleClock
from gelombang_dashboards.rule_files import alerts_file, findings_file, grafana_file, operator_file, recording_file

FORMS = {
    "prometheus": {"recording.yml": recording_file, "findings.yml": findings_file, "alerts.yml": alerts_file},
    "operator": {"prometheusrule.yaml": operator_file},
    "grafana": {"gelombang.yaml": grafana_file},
}


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "dashboards",
        help="build, check and push dashboards and alerts, ask a run what was wrong, open it again",
        description=__doc__,
    )
    parts = parser.add_subparsers(title="what", metavar="WHAT", required=True)
    dashboard_files.add_parts(parts)
    now.add_part(parts)
    watching.add_part(parts)
    pushing.add_part(parts)
    rules = parts.add_parser("rules", help="write recording rules and alerts for a clock: a rehearsal's, or the real day's")
    rules.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into; files of the same names are replaced")
    rules.add_argument("--format", choices=FORMS, default="prometheus", help="for whom (default prometheus)")
    add_clock_options(rules)
    rules.set_defaults(command=_rules)
    past_serving.add_parts(parts)
    where = parts.add_parser("where", help="print the folder with the dashboard, rules and provisioning files")
    where.set_defaults(command=_where)


def add_clock_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--speed", type=float, default=60.0, metavar="K", help="how many times as fast the clock runs (default 60)")
    parser.add_argument("--scrape", type=float, default=1.0, metavar="SECONDS", help="how often Prometheus asks (default 1)")
    parser.add_argument("--real-day", action="store_true", help="no rehearsal: speed 1, and alerts that reach people")
    parser.add_argument("--drill", action="store_true", help="a rehearsal whose alerts reach the people on duty all the same")


def read_clock(parsed: argparse.Namespace) -> RuleClock:
    """Raises InputError."""
    if parsed.real_day and parsed.drill:
        raise InputError("--real-day and --drill are both given; want one: a drill is a rehearsal")
    return RuleClock(1.0 if parsed.real_day else parsed.speed, parsed.scrape, not parsed.real_day, parsed.drill)


def _rules(parsed: argparse.Namespace) -> ExitCode:
    clock = read_clock(parsed)
    try:
        parsed.out.mkdir(parents=True, exist_ok=True)
        for name, write in FORMS[parsed.format].items():
            path = parsed.out / name
            path.write_text(write(clock), encoding="utf-8")
            print(path)
    except OSError as error:
        raise InputError(f"{parsed.out} can't be written ({error.strerror}); want a folder that can") from error
    return ExitCode.AS_EXPECTED


def _where(parsed: argparse.Namespace) -> ExitCode:
    print(dashboards_folder())
    return ExitCode.AS_EXPECTED
