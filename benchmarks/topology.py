"""People who finish per second on one or two server hosts, each a network namespace with a link of its own: docs/topology.md.

    python benchmarks/topology.py --hosts 2 --out DIR      as root; one minute of arrivals, one line of JSON

What is scarce is a host's link (`--link`, in Mbit/s), over which its photos come in and go out again to the store; both hosts share the
machine's cores, so this says nothing about what two machines' processors would do. Finished people are counted from `--warm-up` on, because
nobody can have finished before.
"""

import argparse
import json
import signal
import sys
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from gelombang.attempt import Fate  # noqa: E402
from gelombang.clock import MICROSECONDS  # noqa: E402
from gelombang.errors import ExitCode  # noqa: E402
from gelombang.record import read_record  # noqa: E402
from gelombang.scale import Scale  # noqa: E402
from tests.support.topology.machines import why_not  # noqa: E402
from tests.support.topology.plan import Topology  # noqa: E402
from tests.support.topology.play import Cut, Order, Played, play  # noqa: E402

SPEED, BYTES = 10.0, 0.1
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, choices=[1, 2], default=2, help="server hosts (default 2)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for all files")
    parser.add_argument("--sample", default="1/10", help="share of the people (default 1/10: five a second come)")
    parser.add_argument("--link", type=float, default=8.0, metavar="MBIT", help="a server host's link, Mbit/s (default 8)")
    parser.add_argument("--seconds", type=float, default=75.0, help="wall time of arrivals (default 75)")
    parser.add_argument("--warm-up", type=float, default=40.0, metavar="SECONDS", help="from when on people are counted (default 40)")
    parser.add_argument("--cut", action="store_true", help="pull a host's cable at 20 s, for 30 s")
    parsed = parser.parse_args()
    told: list[int] = []

    def stop(number: int, _: object) -> None:
        """Whoever ends this ends all of it: hosts and their processes go with the blocks that made them, which nobody hurries."""
        for each in SIGNALS:
            signal.signal(each, lambda *_: None)
        told.append(number)
        sys.exit(int(ExitCode.STOPPED))

    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        return measure(parsed)
    except Exception:
        # A library that was at work may have made an error of its own of the end.
        if not told:
            raise
        return int(ExitCode.STOPPED)


def measure(parsed: argparse.Namespace) -> int:
    """One run; the exit code."""
    if reason := why_not():
        print(f"topology: {reason}", file=sys.stderr)
        return 2
    parsed.out.mkdir(parents=True)
    topology = Topology(server_hosts=parsed.hosts, server_bits_per_second=round(parsed.link * 1e6))
    scale = Scale(Fraction(parsed.sample), SPEED, BYTES)
    played = play(Order(topology, scale, parsed.seconds, Cut() if parsed.cut else None), parsed.out.resolve())
    print(json.dumps(found(played, parsed.hosts, parsed.warm_up, parsed.seconds)))
    return 0 if played.verified.returncode == 0 else 1


def found(played: Played, hosts: int, from_seconds: float, until_seconds: float) -> dict[str, object]:
    record, people = read_record(played.folder), played.people()
    done = people["done"][people["fate"] == Fate.FINISHED] / MICROSECONDS
    counted = int(((done >= from_seconds) & (done < until_seconds)).sum())
    return {
        "hosts": hosts,
        "finished_per_second": round(counted / (until_seconds - from_seconds), 2),
        "finished": record.fates["finished"],
        "planned": record.people_planned,
        "validity": record.validity.value,
        "unexplained": record.unexplained,
        "verified": played.verified.stdout.splitlines()[-1].strip() if played.verified.stdout else played.verified.stderr,
    }


if __name__ == "__main__":
    sys.exit(main())
