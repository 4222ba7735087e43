"""A noisy neighbour: a process that hogs one core in bursts, for a time, and ends with whoever started it.

    python neighbour.py SECONDS SEED

Idea: what makes shared machines bad for gates is not a constant load but one that comes and goes within a measurement: bursts and pauses of
0.1 to 1.5 s each. A burst hashes and copies 8 MB at a time, so that it takes cache and memory bandwidth along with the core.
"""

import hashlib
import select
import sys

from gelombang.clock import monotonic_us
from gelombang.seeds import draw

LEAST_SECONDS, MOST_SECONDS = 0.1, 1.5
COPIED_BYTES = 8_000_000


def main() -> None:
    seconds, seed = float(sys.argv[1]), int(sys.argv[2])
    end_us = monotonic_us() + int(seconds * 1e6)
    block = bytearray(COPIED_BYTES)
    turn = 0
    while monotonic_us() < end_us:
        share = draw(seed, 0, 0, turn) / (1 << 64)
        turn += 1
        until_us = monotonic_us() + int((LEAST_SECONDS + share * (MOST_SECONDS - LEAST_SECONDS)) * 1e6)
        if turn % 2:
            while monotonic_us() < until_us:
                hashlib.sha256(bytes(block)).digest()
        elif select.select([sys.stdin], [], [], max(0.0, (until_us - monotonic_us()) / 1e6))[0]:
            return  # whoever started it is gone


if __name__ == "__main__":
    main()
