"""A process that checks photos: a path a line comes in, the name of a code a line goes out, until its input ends.

It gives way to everything else on the machine, and its memory is limited, as is the CPU time that one photo may take: a photo that needs
more ends the process, and no other photo suffers. CPU time and not wall time, because on a busy machine a sound photo waits long for its
turn.
"""

import os
import resource
import signal
import sys
from pathlib import Path

from gelombang.attempt import Code
from gelombang_server.checking.verdict import check_photo

MEMORY_LIMIT_BYTES = 1_073_741_824
"""25 million pixels in colour are 75 MB; a progressive picture's coefficients three times as much."""
NICENESS = 19


def main(pixels_limit: int, cpu_seconds_limit: float) -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds_limit)  # SIGPROF, which nobody handles, ends the process.
        try:
            code = check_photo(Path(line.rstrip("\n")).read_bytes(), pixels_limit)
        except MemoryError:
            code = Code.PHOTO_UNDECODABLE
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        print(code.name, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
