"""What the log of the server costs a small step with its commit: two sites, one with a log, asked by turns; CPU of the server per request.

python benchmarks/log_cost.py [ROUNDS]
"""

import asyncio
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from server_bench.connection import json_head
from server_bench.site import WAVE, RunningSite, profile, seed_people, serving
from server_bench.steps import ask_all

from gelombang.clock import MICROSECONDS
from gelombang.profile import Log
from gelombang_server.sealing import ensure_key

ROUNDS = 9
STEPS = 3_000
"""In one round, on each site."""
_BODY = b'{"accept_terms":true}'


def main(rounds: int) -> None:
    ensure_key()
    with tempfile.TemporaryDirectory(prefix="log-cost-") as folder, ExitStack() as stack:
        silent = profile("hardened")
        sites = [
            stack.enter_context(serving(Path(folder) / name, site))
            for name, site in (("silent", silent), ("logged", silent.model_copy(update={"log": Log()})))
        ]
        for site in sites:
            seed_people(site, (rounds + 1) * STEPS)
        for site in sites:
            one_round(site, 0)
        ratios = []
        for number in range(1, rounds + 1):
            turns = sites if number % 2 else sites[::-1]
            spent = {site.folder: one_round(site, number) for site in turns}
            ratios.append(spent[sites[1].folder] / spent[sites[0].folder])
            print(
                f"{number:3}  silent {spent[sites[0].folder]:6.1f} µs  logged {spent[sites[1].folder]:6.1f} µs  {ratios[-1] - 1:+.1%}",
                flush=True,
            )
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"a log costs a small step {middle - 1:+.1%} of CPU (median of {rounds}; quartiles {low - 1:+.1%} to {high - 1:+.1%})")


def one_round(site: RunningSite, number: int) -> float:
    """The server's CPU per request in µs."""
    sessions = site.sessions(1 + number * STEPS, STEPS)
    requests = [json_head("POST", f"/api/v1/me/waves/{WAVE}", len(_BODY), session) + _BODY for session in sessions]
    before = site.cpu_seconds()
    asyncio.run(ask_all(site.public_url, requests, 201))
    return (site.cpu_seconds() - before) / STEPS * MICROSECONDS


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
