"""A driver of the instruction lane, as somebody would write one for a library of theirs: `python drive.py ORDERS`.

Its "routes" are functions of the module `answers` in the revision's files.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import answers

orders = json.loads(Path(sys.argv[1]).read_text())


def ask(counts: dict[str, int]) -> None:
    for route in orders["route"]:
        for _ in range(counts[route["name"]]):
            getattr(answers, route["name"])()


for place, counts in enumerate(orders["runs"]):
    if orders["trace"]:
        found: dict[str, Counter[str]] = {}
        for route in orders["route"]:
            calls: Counter[str] = Counter()
            sys.setprofile(lambda frame, event, _, calls=calls: calls.update([frame.f_code.co_name]) if event == "call" else None)
            ask({**dict.fromkeys(counts, 0), route["name"]: counts[route["name"]]})
            sys.setprofile(None)
            found[route["name"]] = calls
        print(json.dumps({name: {of: n / counts[name] for of, n in calls.items()} for name, calls in found.items()}))
        continue
    pid = os.fork()
    if pid == 0:
        ask(counts)
        os._exit(0)
    os.waitpid(pid, 0)
    print(json.dumps({"run": place, "pid": pid}), flush=True)
