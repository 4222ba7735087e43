"""A process that checks photos: a path a line comes in, the name of a code a line goes out, until its input ends.

It gives way to everything else on the machine, and its memory is limited: a photo that needs more than the limit ends as undecodable or
ends the process, and no other photo suffers.
"""

import os
import resource
import sys
from pathlib import Path

from gelombang.attempt import Code
from gelombang_server.checking.verdict import check_photo

MEMORY_LIMIT_BYTES = 1_073_741_824
"""25 million pixels in colour are 75 MB; a progressive picture's coefficients three times as much."""
NICENESS = 19


def main(pixels_limit: int) -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    for line in sys.stdin:
        try:
            code = check_photo(Path(line.rstrip("\n")).read_bytes(), pixels_limit)
        except MemoryError:
            code = Code.PHOTO_UNDECODABLE
        print(code.name, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
