"""How often the gate is wrong, and what naive gates would have said of the same measurements: `make study-gates`.

    python -m gate_study [--minutes M] [--collect-only | --judge-only] [--quick] [--data FILE] [--page FILE]

Resumable over hours: every block is appended to the data as soon as it was measured, and the page is made of everything that is there.
`--quick` measures 8 minutes into a file of its own and prints the table.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from gate_study.blocks import read_blocks
from gate_study.collect import collect
from gate_study.judge import judge
from gate_study.page import empty_page, page_of, table_of

from gelombang.errors import GelombangError
from gelombang_gates.gate_file import load_gate

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "gate-study" / "blocks.jsonl"
PAGE = ROOT / "docs" / "gate-study.md"
MINUTES, QUICK_MINUTES, MINUTES_LIMIT = 60.0, 8.0, 10_080.0


def main() -> int:
    """Measure, judge, tell."""
    parser = argparse.ArgumentParser(prog="python -m gate_study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lengths = f"how long to measure (default {MINUTES:g}; with --quick {QUICK_MINUTES:g})"
    parser.add_argument("--minutes", type=float, default=None, help=lengths)
    parser.add_argument("--judge-only", action="store_true", help="measure nothing: make the page of what is there")
    parser.add_argument("--collect-only", action="store_true", help="judge nothing: leave the page as it is")
    parser.add_argument("--quick", action="store_true", help="a small study of its own, printed and not kept")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FILE", help="where blocks are kept")
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help="the page that is written")
    parsed = parser.parse_args()
    if parsed.quick and (parsed.judge_only or parsed.collect_only):
        parser.error("--quick measures, judges and keeps nothing; want it without --judge-only and --collect-only")
    if parsed.judge_only and parsed.collect_only:
        parser.error("--judge-only and --collect-only stand beside each other; want one of them")
    if parsed.minutes is not None and not 0 < parsed.minutes <= MINUTES_LIMIT:
        parser.error(f"--minutes is {parsed.minutes:g}; want more than 0 and at most {MINUTES_LIMIT:g}")
    table = ROOT / "gelombang.toml"
    try:
        with tempfile.TemporaryDirectory(prefix="gate-study-") as folder:
            data: Path = Path(folder) / "blocks.jsonl" if parsed.quick else parsed.data
            data.parent.mkdir(parents=True, exist_ok=True)
            if not parsed.judge_only:
                minutes = parsed.minutes or (QUICK_MINUTES if parsed.quick else MINUTES)
                collect(ROOT, table, data, minutes, lambda line: print(f"study: {line}", file=sys.stderr, flush=True))
            if parsed.collect_only:
                return 0
            blocks = read_blocks(data)
            if not blocks and parsed.judge_only:
                parsed.page.write_text(empty_page())
                print(f"{parsed.page}: no blocks yet")
                return 0
            found = judge(blocks, load_gate(table))
        if parsed.quick:
            print(f"{found.blocks} blocks of {found.block_seconds:.1f} s, {found.neighbours} of them with a neighbour\n")
            print(table_of(found))
        else:
            parsed.page.write_text(page_of(found))
            print(f"{parsed.page}: {found.blocks} blocks")
    except GelombangError as error:
        print(f"study: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
