"""`gelombang serve`: only the reference server, until Ctrl-C, with the locust line to paste.

As it stands it is for this machine. In a container its ports are fixed, its log is on standard error and its harness token comes from
outside (`docs/deploy.md`).
"""

import argparse
import secrets
import shlex
import signal
import threading
from fractions import Fraction
from pathlib import Path

from pydantic import ValidationError

from gelombang.clock import monotonic_us
from gelombang.errors import ExitCode, InputError
from gelombang.loading import load_profile
from gelombang.resources import locustfiles_folder
from gelombang.run_labels import parse_labels
from gelombang.runplan import SERVER_FILE, ScaleNumbers, ServerPlan, run_number, write_model
from gelombang.scale import Scale, parse_sample
from gelombang.templates import secret_references
from gelombang_cli.arguments import Commands, positive
from gelombang_cli.child import Child, Event
from gelombang_cli.execution import SERVER_READY_WITHIN_SECONDS
from gelombang_cli.runfolder import make_run_folder, new_run_id
from gelombang_cli.site_stores import add_store_options, with_stores


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="only the reference server, with the locust line to paste", description=__doc__)
    parser.add_argument("--profile", default="hardened", metavar="NAME", help="the site (default hardened)")
    parser.add_argument("--port", type=int, default=8080, help="public port (default 8080)")
    parser.add_argument("--harness-port", type=int, default=8081, help="port of the applicants' phone and /metrics (default 8081)")
    parser.add_argument("--sample", default="1/50", metavar="F", help="size of the site, as a share of the full one (default 1/50)")
    parser.add_argument("--speed", type=float, default=60.0, metavar="K", help="how many times as fast its clock runs (default 60)")
    parser.add_argument("--bytes", type=float, default=0.1, metavar="B", help="size of a photo, times this (default 0.1)")
    parser.add_argument("--server-processes", type=int, default=1, metavar="N", help="API processes (default 1)")
    add_store_options(parser)
    hosts = parser.add_argument_group("a site on several hosts", "Behind a proxy, with --database and --objects: docs/topology.md.")
    hosts.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="the IPv4 address to listen on (default 127.0.0.1)")
    hosts.add_argument("--site-url", metavar="URL", help="how people reach the site through the proxy (default: this server's address)")
    hosts.add_argument("--uploads-url", metavar="URL", help="how people reach the uploads of this host and no other")
    hosts.add_argument("--run-number", type=int, metavar="N", help="the number that stands in the trace ids; alike on all hosts")
    _add_container_options(parser)
    parser.add_argument("--seed", type=int, default=1, help="seed of the site's own randomness (default 1)")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="put on its info metric; may be repeated")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of its data (default: a new one in runs/)")
    parser.set_defaults(command=_command)


def _add_container_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("in a container", "What is fixed from outside: docs/deploy.md.")
    group.add_argument("--uploads-port", type=int, default=0, metavar="PORT", help="of the first process that takes uploads (default any)")
    group.add_argument("--metrics-port", type=int, default=0, metavar="PORT", help="of the second process's metrics (default any)")
    group.add_argument("--harness-token", metavar="TOKEN", help="what the harness asks for, as ${env:NAME} (default: a new one)")
    group.add_argument("--log-to-stderr", action="store_true", help="the server's log goes there, not into server.log")


def _command(parsed: argparse.Namespace) -> ExitCode:
    for option in ("--port", "--harness-port", "--uploads-port", "--metrics-port"):
        port = getattr(parsed, option.removeprefix("--").replace("-", "_"))
        if not 0 <= port <= 65_535:
            raise InputError(f"{option} is {port}; want 0 to 65535, where 0 picks a free one")
    if parsed.harness_token is not None and not secret_references(parsed.harness_token):
        raise InputError("--harness-token is a token; want a reference to one, such as ${env:NAME}, because others read process lists")
    labels = parse_labels(parsed.label)
    profile = with_stores(load_profile(parsed.profile), parsed)
    scale = Scale(parse_sample(parsed.sample), positive("--speed", parsed.speed), positive("--bytes", parsed.bytes))
    folder = make_run_folder(parsed.out, new_run_id("serve", profile.name), profile.name, several=False)
    plan = ServerPlan(
        run=run_number(parsed.run_number),
        seed=parsed.seed,
        scale=ScaleNumbers.of(scale),
        profile=profile,
        folder=str(folder),
        zero_us=monotonic_us(),
        processes=parsed.server_processes,
        public_port=parsed.port,
        harness_port=parsed.harness_port,
        uploads_port=parsed.uploads_port,
        metrics_port=parsed.metrics_port,
        harness_token=parsed.harness_token or secrets.token_urlsafe(24),
        labels=labels,
    )
    plan = _on_addresses(plan, parsed)
    write_model(folder / SERVER_FILE, plan)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    command = ["gelombang_server", "--config", str(folder / SERVER_FILE), "--until-input-ends"]
    with Child("the reference server", command, None if parsed.log_to_stderr else folder / "server.log") as child:
        ready = child.wait_for("ready", SERVER_READY_WITHIN_SECONDS)
        print(banner(profile.name, scale, ready, plan.harness_token, folder), flush=True)
        while child.running and not stop.wait(0.5):
            pass
        if not child.running:
            raise child.failure(f"ended with exit code {child.process.returncode}")
    return ExitCode.AS_EXPECTED


def _on_addresses(plan: ServerPlan, parsed: argparse.Namespace) -> ServerPlan:
    """The orders with the addresses of a site on several hosts. Raises InputError."""
    addresses = {"host": parsed.host, "site_url": parsed.site_url, "uploads_url": parsed.uploads_url}
    try:
        return ServerPlan.model_validate(plan.model_dump(by_alias=True) | addresses)
    except ValidationError as error:
        option = f"--{str(error.errors()[0]['loc'][0]).replace('_', '-')}"
        wanted = "an IPv4 address such as 10.0.0.5" if option == "--host" else "http://HOST:PORT or https://HOST, without a path"
        raise InputError(f"{option} is {error.errors()[0]['input']!r}; want {wanted}") from None


def banner(profile: str, scale: Scale, ready: Event, token: str, folder: Path) -> str:
    """What the operator needs to know, ending with a line that can be pasted into a shell."""
    sample = scale.sample if scale.sample != Fraction(1) else "1"
    return "\n".join(
        [
            f"{profile} is up: {scale}",
            f"  site     {ready['public_url']}",
            f"  phone    {ready['harness_url']} (harness only)",
            *(f"  metrics  {url}" for url in ready["metrics_urls"]),
            f"  data     {folder}",
            "Ctrl-C ends it. To send people from another terminal:",
            "",
            f"  locust -f {shlex.quote(str(locustfiles_folder() / 'surge.py'))} --headless -t 20s --host {ready['public_url']} "
            f"--harness-url {ready['harness_url']} --harness-token={shlex.quote(token)} --sample {sample} --speed {scale.speed:g} "
            f"--bytes {scale.bytes_ratio:g}",
        ]
    )
