"""`gelombang dashboards push`: folder, data source, dashboards, alert rules and a run's marks into a Grafana; safe to repeat."""

import argparse
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gelombang.clock import MICROSECONDS
from gelombang.errors import ExitCode, InputError
from gelombang.panels.catalogue import PAGES
from gelombang.resources import dashboards_folder
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ServerPlan, read_model
from gelombang.series_file import SERIES_FILE, read_series
from gelombang_cli.arguments import Commands
from gelombang_cli.runfolder import existing_run_folder
from gelombang_dashboards.alert_rules import alert_rules
from gelombang_dashboards.grafana_by_api import ByGrafanaApi
from gelombang_dashboards.grafana_by_client import ByGrafanaClient
from gelombang_dashboards.grafana_port import GrafanaPort
from gelombang_dashboards.push import ANSWER_WITHIN_SECONDS, base_url, carry_out, plan, read_dashboard
from gelombang_dashboards.push_changes import Action, Json, Mark, Wanted
from gelombang_dashboards.rule_clock import RuleClock
from gelombang_dashboards.rule_files import DATA_SOURCE_UID, grafana_rule

TOKEN_VARIABLE = "GRAFANA_TOKEN"
LIBRARIES: dict[str, type[ByGrafanaClient] | type[ByGrafanaApi]] = {"grafana-client": ByGrafanaClient, "grafana-api": ByGrafanaApi}


def add_part(parts: Commands) -> None:
    push = parts.add_parser("push", help=f"put everything into a Grafana; the token comes from ${TOKEN_VARIABLE}", description=__doc__)
    push.add_argument("--url", required=True, help="such as http://127.0.0.1:3000")
    push.add_argument("--folder", default="gelombang", help="title of the Grafana folder (default gelombang)")
    push.add_argument("--file", type=Path, action="append", metavar="FILE", help="a dashboard file instead of the pages that come along")
    push.add_argument("--data-source", metavar="URL", help="also make the data source: the address of Prometheus, as Grafana sees it")
    push.add_argument("--alerts", action="store_true", help="also the alert rules, for Grafana's own alerting (9 or later)")
    push.add_argument("--run", action="append", default=[], metavar="RUN", help="also mark the phases and faults of this run")
    push.add_argument("--dry-run", action="store_true", help="write nothing; print what would change, line by line")
    push.add_argument("--library", choices=LIBRARIES, default="grafana-client", help="who speaks with Grafana (default grafana-client)")
    push.add_argument("--speed", type=float, default=60.0, metavar="K", help="clock of the alert rules (default 60)")
    push.add_argument("--real-day", action="store_true", help="alert rules of the real day: speed 1, and they reach people")
    push.set_defaults(command=_push)


def _push(parsed: argparse.Namespace) -> ExitCode:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise InputError(f"{TOKEN_VARIABLE} is not set; want a Grafana service account token in it")
    base = base_url(parsed.url)
    wanted = _wanted(parsed)
    library: GrafanaPort = LIBRARIES[parsed.library](base, token, ANSWER_WITHIN_SECONDS)
    with closing(library) as grafana:
        found = plan(grafana, base, wanted)
        for change in found.changes:
            print(change)
            if parsed.dry_run and change.action is Action.UPDATE:
                print(change.difference())
        for words in found.left_out:
            print(f"left out  {words}")
        if parsed.dry_run:
            print("dry run: nothing was written")
            return ExitCode.AS_EXPECTED
        carry_out(grafana, base, found, wanted)
    uids = [str(dashboard["uid"]) for dashboard in wanted.dashboards]
    print(f"{base}/d/{'gelombang-now' if 'gelombang-now' in uids else uids[0]}")
    return ExitCode.AS_EXPECTED


def _wanted(parsed: argparse.Namespace) -> Wanted:
    clock = RuleClock(1.0 if parsed.real_day else parsed.speed, is_rehearsal=not parsed.real_day)
    return Wanted(
        folder=parsed.folder,
        dashboards=[read_dashboard(text, name) for name, text in _texts(parsed.file)],
        data_source=data_source(parsed.data_source) if parsed.data_source else None,
        alert_rules=[dict[str, object](grafana_rule(alert, clock)) for alert in alert_rules(clock)] if parsed.alerts else [],
        marks=[mark for run in parsed.run for mark in marks_of(existing_run_folder(run))],
    )


def data_source(url: str) -> Json:
    """The data source that dashboards and alert rules ask, as Grafana's API has it."""
    return {
        "uid": DATA_SOURCE_UID,
        "name": "gelombang",
        "type": "prometheus",
        "access": "proxy",
        "url": base_url(url),
        "jsonData": {"httpMethod": "POST", "timeInterval": "1s"},
    }


def marks_of(folder: Path) -> list[Mark]:
    """The phases of a run, and the faults that a drill set off in it, on the wall's clock. Raises RecordError."""
    run_plan = read_model(folder / PLAN_FILE, RunPlan)
    zero_ms = round(read_series(folder / SERIES_FILE).zero_at_seconds * 1_000)
    arrivals_ms = round(run_plan.scale.scale().wall_seconds(run_plan.for_seconds) * 1_000)
    run_id = run_plan.run_id
    marks = [Mark(f"{run_plan.scenario.title}: people arrive ({run_plan.profile})", "phase", zero_ms, zero_ms + arrivals_ms, run_id)]
    if (folder / SERVER_FILE).exists():
        server = read_model(folder / SERVER_FILE, ServerPlan)
        # The server's zero lies before the run's, on the same monotonic clock.
        server_zero_ms = zero_ms - round((run_plan.zero_us - server.zero_us) / MICROSECONDS * 1_000)
        for fault in server.faults:
            at_ms = server_zero_ms + round(fault.at_seconds * 1_000)
            marks.append(Mark(f"{fault.setting} becomes {fault.value:g}", "fault", at_ms, at_ms, run_id))
        for stall in server.profile.store.stalls if server.profile.store is not None else ():
            speed = server.scale.scale().speed
            at_ms = server_zero_ms + round(stall.at_seconds / speed * 1_000)
            until_ms = at_ms + round(stall.for_seconds / speed * 1_000)
            marks.append(Mark(f"the store moves {100 * stall.bandwidth_ratio:g} % of its bandwidth", "fault", at_ms, until_ms, run_id))
    return marks


def _texts(files: list[Path] | None) -> Iterator[tuple[str, str]]:
    """Each dashboard's name and text."""
    if files is None:
        folder = dashboards_folder() / "grafana"
        yield from ((page.file, _read(folder / f"{page.file}.json")) for page in PAGES)
        return
    for path in files:
        yield str(path), _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; want a dashboard's JSON file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as JSON ({error}); want a dashboard's JSON file") from error
