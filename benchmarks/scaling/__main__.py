"""Where this design scales to, and what stops it: the figures of docs/scaling.md, one part or all.

    PYTHONPATH=benchmarks:. python -m scaling [--rounds N] [--people N] [--only PART ...] [--run RUN] [--postgres] [--write]

Parts: processes (live, minutes of a quiet machine), hosts and ten-million (simulated with the prices that processes measured), bill (from
the record of a run, the published one unless `--run` says otherwise; nothing is measured for it). Each other part leaves its figures as
JSON beside the others in `--figures`; `--write` puts all that are there into the pages and draws the picture.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from between_marks import write_between
from pydantic import TypeAdapter
from scaling import hosts, pages, picture, ten_million
from scaling.prices import prices
from scaling.processes import PEOPLE, measure
from scaling.rounds import Measured, read_measured

from gelombang.errors import GelombangError
from gelombang.record import read_record
from gelombang.runplan import read_model, write_model
from gelombang_capacity.plan_result import PlanResult

PARTS = ("processes", "hosts", "ten-million", "bill")
DOCS = Path(__file__).parents[2] / "docs"
PAGE, TEN_MILLION_PAGE = DOCS / "scaling.md", DOCS / "ten-million.md"
PICTURE, FIGURES = DOCS / "pictures" / "scaling.svg", DOCS / "scaling"
PUBLISHED = DOCS.parent / "reports" / "published" / "full-surge"
ROUNDS_FILE, HOSTS_FILE, PLAN_FILE = "rounds.json", "hosts.json", "ten-million.json"
RUNS = Path("runs")
_POINTS = TypeAdapter(list[hosts.Point])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"in each round (default {PEOPLE})")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--worlds", type=int, default=3, help="in which the ten million are planned (default 3)")
    parser.add_argument("--run", type=Path, default=PUBLISHED, metavar="RUN", help="a live run: what a million people cost (part bill)")
    parser.add_argument("--postgres", action="store_true", help="measure two points on a PostgreSQL of this benchmark's own as well")
    parser.add_argument("--figures", type=Path, default=FIGURES, metavar="DIR", help="where the figures are kept (default: docs/scaling)")
    parser.add_argument("--write", action="store_true", help="put what is in the figures into docs/scaling.md, and draw the picture")
    options = parser.parse_args()
    try:
        _measure(options)
        if options.write:
            _write(options.figures, options.run)
    except GelombangError as error:
        raise SystemExit(str(error)) from None


def _measure(options: argparse.Namespace) -> None:
    figures: Path = options.figures
    figures.mkdir(parents=True, exist_ok=True)
    if "processes" in options.only:
        # On this disk, and where neither `git clean` nor `git stash -u` looks.
        RUNS.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="scaling-", dir=RUNS.resolve()) as folder, _database(options.postgres) as url:
            write_model(figures / ROUNDS_FILE, measure(Path(folder), options.rounds, options.people, url, _tell))
    if "hosts" in options.only:
        _, found = hosts.points(prices(read_measured(figures / ROUNDS_FILE)))
        (figures / HOSTS_FILE).write_bytes(_POINTS.dump_json(found, indent=1) + b"\n")
    if "ten-million" in options.only:
        measured = read_measured(figures / ROUNDS_FILE)
        write_model(figures / PLAN_FILE, ten_million.plan(measured, prices(measured), options.worlds, _tell))


@contextmanager
def _database(is_wanted: bool) -> Iterator[str | None]:
    """The address of a PostgreSQL that is there as long as it is needed."""
    if not is_wanted:
        yield None
        return
    from tests.support.postgres import postgres_cluster

    with postgres_cluster() as cluster:
        yield cluster.url


def _tell(line: str) -> None:
    print(f"{line} [{os.getloadavg()[0]:.1f} tasks]", flush=True)


def _write(figures: Path, run: Path) -> None:
    measured: Measured = read_measured(figures / ROUNDS_FILE)
    price = prices(measured)
    parts: dict[str, Sequence[str]] = {"processes": pages.process_lines(measured), "law": pages.law_lines(measured)}
    points: list[hosts.Point] = []
    if (figures / HOSTS_FILE).is_file():
        points = _POINTS.validate_json((figures / HOSTS_FILE).read_bytes())
        parts |= {"prices": pages.price_lines(hosts.asked(), price), "hosts": pages.host_lines(points)}
    if (figures / PLAN_FILE).is_file():
        parts["ten-million"] = pages.plan_lines(read_model(figures / PLAN_FILE, PlanResult))
    parts["bill"] = pages.bill_lines(read_record(run), price)
    for name, lines in parts.items():
        write_between(TEN_MILLION_PAGE if name == "ten-million" else PAGE, f"scaling-{name}", lines)
    PICTURE.write_text(picture.svg(measured, points))


if __name__ == "__main__":
    main()
