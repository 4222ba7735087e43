"""The reference server's API process by itself, as the gates of this repository measure it: which site, how large, where its data lie.

Idea: what is gated is what a request costs the process that answers it. The command, the supervisor and the process of the uploads cost
five times as much to start and answer none of the gated routes; three starts a pair are most of what a pair takes.
"""

import os
import socket
from base64 import urlsafe_b64encode
from pathlib import Path

from gelombang.loading import load_profile
from gelombang.runplan import ScaleNumbers, ServerPlan
from gelombang_server.config import SITE_FOLDER
from gelombang_server.schema import DATABASE_FILE, create_tables
from gelombang_server.sessions import make_session_key

HOST = "127.0.0.1"
NOBODY = f"http://{HOST}:9"
"""Where uploads would be taken; no gated route goes there."""
LEDGER_ROWS_LIMIT = 1_000_000


def prepared(folder: Path) -> ServerPlan:
    """A twentieth of the hardened site, 60 times as fast as `gelombang serve` has it; its key and tables are in this folder.

    The key that seals what it keeps of people is put into the environment, spelled out: a base may be older than the server's name for it.
    """
    os.environ["GELOMBANG_DATA_KEY"] = urlsafe_b64encode(bytes(64)).decode()
    site = folder / SITE_FOLDER
    site.mkdir(parents=True)
    make_session_key(site)
    create_tables(site / DATABASE_FILE)
    return ServerPlan(
        run=77,
        seed=1,
        scale=ScaleNumbers(sample="1/20", speed=60.0, bytes_ratio=0.1),
        profile=load_profile("hardened"),
        folder=str(folder),
        zero_us=0,
        processes=1,
        public_port=0,
        harness_port=0,
        harness_token="not-a-secret",
        ledger_rows_limit=LEDGER_ROWS_LIMIT,
    )


def bound(port: int) -> socket.socket:
    """A socket on this port (0: any) that does not listen yet."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener
