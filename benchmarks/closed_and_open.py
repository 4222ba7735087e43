"""The same overloaded server, seen by a Locust user's closed loop and by open arrivals: figures, and docs/pictures/closed-and-open.svg.

    python benchmarks/closed_and_open.py

The server (loopback, a process of its own) has 8 places of 40 ms: 200 requests a second at most, and a queue without end. Both locustfiles
have the same one-line task. Closed: up to 100 users who pause 0.3 s, which on a fast server would be 290 requests a second. Open: arrivals
that rise to the same 290 a second. Takes about a minute and a half.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.ledger import GENERATOR_ROW, PERSON_ROW, read_all

RISE_SECONDS, HOLD_SECONDS, TOP_PER_SECOND, USERS, PAUSE_SECONDS = 20, 10, 290, 100, 0.3
CAPACITY_PER_SECOND = 200
STARTING_SECONDS = 10
"""Locust counts its run from before the first user: a shorter one would end inside the picture on a busy machine."""
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "closed-and-open.svg"

SERVER = """
import asyncio
from aiohttp import web

places = None

async def answer(request):
    async with places:
        await asyncio.sleep(0.04)
    return web.Response(text="ok")

async def main():
    global places
    places = asyncio.Semaphore(8)
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
CLOSED = f"""
import os, time
from locust import FastHttpUser, constant, events, task

class Visitor(FastHttpUser):
    wait_time = constant({PAUSE_SECONDS})

    @task
    def look(self):
        self.client.get("/")

lines = open("closed.csv", "w", buffering=1)

@events.request.add_listener
def note(response_time, **_):
    lines.write(f"{{time.monotonic() - response_time / 1000}},{{response_time}}\\n")
"""
OPEN = f"""
from locust import FastHttpUser, constant, task
from gelombang_loadtests.arrivals import OpenUser, hold, ramp

class Visitor(OpenUser, FastHttpUser):
    arrivals = [ramp(1, {TOP_PER_SECOND}, for_seconds={RISE_SECONDS}), hold({TOP_PER_SECOND}, for_seconds={HOLD_SECONDS})]
    wait_time = constant({PAUSE_SECONDS})

    @task
    def look(self):
        self.client.get("/")
"""

Series = NDArray[np.float64]


def seen(folder: Path) -> tuple[Series, Series]:
    """(when sent or due, response) in seconds, closed and then open, each as an array of pairs."""
    (folder / "server.py").write_text(SERVER)
    (folder / "closed.py").write_text(CLOSED)
    (folder / "open.py").write_text(OPEN)
    with subprocess.Popen([sys.executable, "server.py"], cwd=folder, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        host = f"http://127.0.0.1:{int(server.stdout.readline())}"
        length = RISE_SECONDS + HOLD_SECONDS
        rise = f"{USERS / RISE_SECONDS}"
        try:
            locust(folder, "closed.py", host, "-u", str(USERS), "-r", rise, "-t", f"{length + STARTING_SECONDS}s")
            locust(folder, "open.py", host, "--out", "run")
        finally:
            server.kill()
    closed = np.loadtxt(folder / "closed.csv", delimiter=",")
    closed[:, 0] -= closed[:, 0].min()
    closed[:, 1] /= 1_000
    rows = read_all(folder / "run", "ledger-generator-*.bin", GENERATOR_ROW)
    planned = len(read_all(folder / "run", "people-*.bin", PERSON_ROW))
    print(f"open: {planned} planned, {len(rows)} answered; closed: {len(closed)} requests")
    return closed, np.column_stack((rows["due"] / 1e6, (rows["done"] - rows["due"]) / 1e6))


def locust(folder: Path, file: str, host: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "locust", "-f", file, "--headless", "--only-summary", "--host", host, *arguments]
    subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=150)


def per_second(pairs: Series, length: int, what: str) -> list[float]:
    """Requests, or the response p99, of each second."""
    found = []
    for second in range(length):
        mine = pairs[(pairs[:, 0] >= second) & (pairs[:, 0] < second + 1), 1]
        found.append(float(len(mine)) if what == "count" else float(np.quantile(mine, 0.99)) if len(mine) else float("nan"))
    return found


WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 320, 56, 44, 70
NAMED_AT = 0.78
CLOSED_COLOUR, OPEN_COLOUR = "#8a6d1d", "#0b5cad"


def panel(x: int, title: str, lines: Sequence[tuple[str, str, list[float]]], top: float, unit: str, mark: float | None = None) -> str:
    """One diagram; lines are (name, colour, a value a second)."""
    width, height = (WIDTH - LEFT - GAP - 30) // 2, HEIGHT - TOP - 46
    parts = [f'<g transform="translate({x},{TOP})"><text x="0" y="-22" class="title">{title}</text>']
    for step in range(5):
        value = top * step / 4
        y = height * (1 - step / 4)
        parts.append(f'<line x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="-8" y="{y + 4:.1f}" class="tick" text-anchor="end">{value:g}{unit}</text>')
    seconds = len(lines[0][2])
    for second in range(0, seconds + 1, 10):
        parts.append(f'<text x="{width * second / seconds:.1f}" y="{height + 18}" class="tick" text-anchor="middle">{second} s</text>')
    if mark is not None:
        y = height * (1 - mark / top)
        parts.append(f'<line x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" class="mark"/>')
        parts.append(f'<text x="4" y="{y - 5:.1f}" class="tick">what the server can do: {mark:g}/s</text>')
    for name, colour, values in lines:
        points = [(width * (i + 0.5) / seconds, height * (1 - min(value, top) / top)) for i, value in enumerate(values) if value == value]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2.2" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>'
        )
        name_x, name_y = points[int(NAMED_AT * len(points))]
        parts.append(f'<text x="{name_x - 6:.1f}" y="{name_y - 10:.1f}" style="fill:{colour}" class="name" text-anchor="end">{name}</text>')
    return "".join([*parts, "</g>"])


def drawn(closed: Series, open_: Series) -> str:
    """The picture as SVG."""
    length = RISE_SECONDS + HOLD_SECONDS
    rates = [("closed", CLOSED_COLOUR, per_second(closed, length, "count")), ("open", OPEN_COLOUR, per_second(open_, length, "count"))]
    waits = [("closed", CLOSED_COLOUR, per_second(closed, length, "p99")), ("open", OPEN_COLOUR, per_second(open_, length, "p99"))]
    worst = max(value for _, _, values in waits for value in values if value == value)
    top = next(nice for nice in (1, 2, 4, 8, 12, 16, 20, 30, 40, 60) if nice >= worst)
    second = LEFT + (WIDTH - LEFT - GAP - 30) // 2 + GAP
    style = (
        "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:14px}.name{font-weight:600}"
        ".tick{fill:#666;font-size:11px}.grid{stroke:#e3e3e3}.mark{stroke:#b3261e;stroke-dasharray:4 3}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="Closed users and open arrivals on the same overloaded server">'
        f'<style>{style}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        + panel(LEFT, "Requests that people make, a second", rates, 320.0, "", CAPACITY_PER_SECOND)
        + panel(second, "Response, 99 of 100 are faster", waits, float(top), " s")
        + "</svg>\n"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        closed, open_ = seen(Path(folder))
    for name, pairs in (("closed", closed), ("open", open_)):
        last = pairs[(pairs[:, 0] >= RISE_SECONDS) & (pairs[:, 0] < RISE_SECONDS + HOLD_SECONDS)]
        print(f"{name}: {len(last) / HOLD_SECONDS:.0f} requests/s in the last {HOLD_SECONDS} s, p99 {np.quantile(last[:, 1], 0.99):.2f} s")
    PICTURE.write_text(drawn(closed, open_))
    print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()
