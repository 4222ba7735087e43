"""`gelombang dashboards`: put the Grafana dashboard where it belongs."""

import argparse
import os
from pathlib import Path

from gelombang.errors import ExitCode, InputError
from gelombang.resources import dashboards_folder
from gelombang_cli import now, past_serving
from gelombang_cli.arguments import Commands
from gelombang_dashboards.push import push_dashboard

TOKEN_VARIABLE = "GRAFANA_TOKEN"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser(
        "dashboards", help="push the Grafana dashboard, open a past run again, or say where the files are", description=__doc__
    )
    parts = parser.add_subparsers(title="what", metavar="WHAT", required=True)
    push = parts.add_parser("push", help=f"create or replace it in a Grafana; the token comes from ${TOKEN_VARIABLE}")
    push.add_argument("--url", required=True, help="such as http://127.0.0.1:3000")
    push.add_argument("--folder", default="gelombang", help="title of the Grafana folder (default gelombang)")
    push.add_argument("--file", type=Path, help="another dashboard file than the one that comes along")
    push.set_defaults(command=_push)
    now.add_part(parts)
    past_serving.add_parts(parts)
    where = parts.add_parser("where", help="print the folder with the dashboard, rules and provisioning files")
    where.set_defaults(command=_where)


def _push(parsed: argparse.Namespace) -> ExitCode:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise InputError(f"{TOKEN_VARIABLE} is not set; want a Grafana service account token in it")
    result = push_dashboard(parsed.url, token, parsed.folder, parsed.file or dashboards_folder() / "grafana" / "where-uploads-fail.json")
    print(result)
    return ExitCode.AS_EXPECTED


def _where(parsed: argparse.Namespace) -> ExitCode:
    print(dashboards_folder())
    return ExitCode.AS_EXPECTED
