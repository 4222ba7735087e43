"""Stock tus clients against three server processes over a line that breaks, and one corpus of requests against @tus/server and ours.

    PYTHONPATH=benchmarks python -m tus_clients --tools DIR [--install] [--only clients|corpus]

`--install` puts tus-js-client and @tus/server (npm) and tuspy (pip) into DIR. Each client sends a photo of 400 kB; its first connection
that carries more than 150 kB is broken, and every new connection goes to the next of three upload processes. Exit code 1: a client failed,
or the two servers differ in something that nobody explained.
"""

import argparse
import sqlite3
import sys
import tempfile
from pathlib import Path

from server_bench.photos import drawn, numbered
from server_bench.site import NO_STORE, RunningSite, profile, serving
from server_bench.uploads import tus_server
from tus_clients.clients import CLIENTS, ClientError, Tools, install
from tus_clients.corpus import Server, ask, differences
from tus_clients.line import line

PHOTO_BYTES = 400_000
CUT_BYTES = 150_000
PROCESSES = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="tus_clients", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--only", choices=["clients", "corpus"])
    options = parser.parse_args()
    tools = install(options.tools) if options.install else Tools(options.tools, options.tools / "py" / "bin" / "python")
    if not (tools.modules / "node_modules").exists() or not tools.python.exists():
        print(f"--tools {options.tools}: no clients are there; want --install, or a folder that it filled", file=sys.stderr)
        return 2
    is_well = True
    with tempfile.TemporaryDirectory(prefix="tus-clients-") as name:
        folder = Path(name)
        site_of = profile("hardened", store=NO_STORE, uploads={"processes": PROCESSES})
        with serving(folder / "ours", site_of, core=None) as site:
            if options.only != "corpus":
                is_well = _clients(site, tools, folder)
            if options.only != "clients":
                is_well = _corpus(site, tools, folder) and is_well
    return 0 if is_well else 1


def _clients(site: RunningSite, tools: Tools, folder: Path) -> bool:
    is_well = True
    photo = folder / "ktp.jpg"
    for person, (name, send) in enumerate(CLIENTS.items(), 1):
        body = numbered(drawn(PHOTO_BYTES), person)
        photo.write_bytes(body)
        with line(site.uploads_urls, CUT_BYTES) as way:
            try:
                send(tools, way.url, photo, site.sessions(person, 1)[0])
                said = "done"
            except ClientError as error:
                said = f"FAILED: {error}"
        stored = _stored(site, person) == body
        is_well = is_well and said == "done" and stored and way.cuts == 1
        print(f"{name:16} {said}; {'the bytes are those of the file' if stored else 'NOT STORED'}; {way.cuts} cut, processes {way.served}")
    return is_well


def _corpus(site: RunningSite, tools: Tools, folder: Path) -> bool:
    photo = drawn(PHOTO_BYTES)
    session = {"Authorization": f"Bearer {site.sessions(99, 1)[0]}"}
    ours = ask(Server("ours", f"{site.uploads_urls[0]}/api/v1/me/tus", session), photo)
    with tus_server(folder / "theirs", tools.modules, life_seconds=3_600.0) as peer:
        theirs = ask(Server("@tus/server", f"{peer.url}/files", {}), photo)
    same = sum(answer.shown() == theirs[name].shown() for name, answer in ours.items())
    print(f"\ncorpus: {len(ours)} requests, {same} answered alike")
    return differences(ours, theirs, print)


def _stored(site: RunningSite, person: int) -> bytes:
    connection = sqlite3.connect(site.database)
    try:
        row = connection.execute("SELECT path FROM photos WHERE applicant = ?", (person,)).fetchone()
    finally:
        connection.close()
    return b"" if row is None else (site.database.parent / "photos" / row[0]).read_bytes()


if __name__ == "__main__":
    sys.exit(main())
