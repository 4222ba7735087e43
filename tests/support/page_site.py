"""A site with the applicant's pages, as processes of its own, and the inbox of everybody who registers there."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from gelombang.clock import monotonic_us
from gelombang.profile import Profile
from gelombang.resources import profiles_folder
from gelombang.runplan import ScaleNumbers, ServerPlan
from gelombang.toml_file import read_toml
from gelombang_server.sealing import ensure_key

RUN = 77
TOKEN = "a harness token"
SOON = {"median": 0.01, "sigma": 0.1, "limit": 0.05}


class PageSite:
    """Where it is, and what it wrote to people."""

    def __init__(self, folder: Path, ready: Mapping[str, Any]) -> None:
        self.folder = folder
        self.url = str(ready["public_url"])
        self.uploads_url = str(ready["uploads_url"])
        self._harness_url = str(ready["harness_url"])
        self._metrics_urls = [str(url) for url in ready["metrics_urls"]]

    def message(self, address: str) -> dict[str, Any]:
        """The latest message to this address, waited for."""
        after, found = 0, None
        while found is None:
            query = f"{self._harness_url}/messages?after={after}&limit=1000&wait_seconds=20"
            with urlopen(Request(query, headers={"Authorization": f"Bearer {TOKEN}"}), timeout=30) as answer:
                document = json.load(answer)
            assert document["messages"], f"no message to {address} within 20 s"
            after = document["last"]
            found = next((one for one in reversed(document["messages"]) if one["address"] == address), None)
        return dict(found)

    def began(self, seconds_ago: int) -> None:
        """The run's first moment was so long ago: its calendar goes on from there."""
        body = json.dumps({"zero_us": monotonic_us() - seconds_ago * 1_000_000}).encode()
        with urlopen(Request(f"{self._harness_url}/programme/zero", body, {"Authorization": f"Bearer {TOKEN}"}), timeout=30) as answer:
            assert answer.status == 200

    def metrics(self) -> str:
        """The pages of all processes."""
        pages = []
        for url in self._metrics_urls:
            with urlopen(url, timeout=30) as answer:
                pages.append(answer.read().decode())
        return "\n".join(pages)


def page_profile(name: str, **parts: Mapping[str, Any]) -> Profile:
    """A shipped profile whose mail and SMS come at once, with changed numbers of some parts."""
    document = read_toml(profiles_folder() / f"{name}.toml", name).data
    document["messages"] |= {"mail_delay_seconds": SOON, "sms_delay_seconds": SOON}
    document["password"]["memory_bytes"] = 1_048_576
    for part, numbers in parts.items():
        (document["uploads"] if part in document["uploads"] else document)[part] |= numbers
    return Profile.model_validate(document)


@contextmanager
def page_site(folder: Path, profile: Profile, opens_at: str | None = None) -> Iterator[PageSite]:
    """It runs until the end of the block, at full size and in the people's time; with `opens_at`, until it is told when the run begins it
    stands there in its calendar, and nothing is drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    ensure_key()
    orders = ServerPlan(
        run=RUN,
        seed=1,
        scale=ScaleNumbers(),
        profile=profile,
        folder=str(folder),
        zero_us=monotonic_us(),
        processes=1,
        public_port=0,
        harness_port=0,
        harness_token=TOKEN,
        ledger_rows_limit=10_000,
        opens_at=opens_at,
    )
    config = folder / "server.json"
    config.write_text(orders.model_dump_json())
    command = [sys.executable, "-m", "gelombang_server", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield PageSite(folder, json.loads(server.stdout.readline()))
        finally:
            server.terminate()
            server.wait(30)
