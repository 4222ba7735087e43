"""Opens the shop of docs/your-own-service.md on this machine until Ctrl-C or for half an hour.

Usage: python tests/foreign/open_shop.py FOLDER (a new one: its logs, certificates and ledgers)
"""

import contextlib
import signal
import sys
from pathlib import Path

from gelombang.clock import monotonic_us, sleep_seconds

sys.path.insert(0, str(Path(__file__).parents[1]))
from foreign.bed_processes import TOKEN, bed

OPEN_SECONDS = 1_800


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with bed(folder) as shop:
        print(f"export SHOP={shop.url} SHOP_TLS={shop.https_url} CATCHER={shop.catcher_url} CATCHER_TOKEN={TOKEN}", flush=True)
        print(f"export SHOP_LOG={shop.access_log} SHOP_LEDGERS={shop.ledger_folder} SHOP_CA={shop.ca_file}", flush=True)
        until_us = monotonic_us() + OPEN_SECONDS * 1_000_000
        while monotonic_us() < until_us:
            sleep_seconds(0.5)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
