"""Memory of the site while 2,000 people send a photo of 2 MB each over a slow line: what its processes hold when half of each is here."""

import asyncio
import json
import resource
from pathlib import Path

from server_bench.connection import Connection, head, json_head, open_connection
from server_bench.site import NO_STORE, ROOMY, RunningSite, profile, serving

PHOTO_BYTES = 2_000_000
SENT_BYTES = 1_000_000
PIECE_BYTES = 50_000
PAUSE_SECONDS = 0.25
"""Between two pieces of a person's: 200 KB/s each at most, and the server falls behind before that."""
_DESCRIPTORS = 20_000
_START = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"\xff\xc0\x00\x0b\x08\x00\x40\x00\x40\x01\x01\x11\x00"
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def rows(folder: Path, people: int) -> dict[str, float]:
    """Megabytes held before anybody came, and with everybody in the middle of their photo."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, _DESCRIPTORS), hard), hard))
    slow = profile("hardened", store=NO_STORE, tickets=ROOMY, uploads={"body_stall_seconds": 120.0})
    with serving(folder / "slow", slow) as site:
        return asyncio.run(_half_sent(site, people))


async def _half_sent(site: RunningSite, people: int) -> dict[str, float]:
    before = site.memory_bytes()
    sessions = site.sessions(1, people)
    body = (_START + _SCAN).ljust(SENT_BYTES, b"\x55")
    clients = []
    for n in range(people):
        client = await open_connection(site.uploads_url)
        clients.append(client)
        wish = json.dumps({"kind": "ktp", "bytes": PHOTO_BYTES, "sha256": f"{n:064x}"}).encode()
        status, answer = await client.ask(json_head("POST", "/api/v1/me/tickets", len(wish), sessions[n]), wish)
        assert status == 201, (status, answer)
        url: str = json.loads(answer)["url"]
        client.send(head("PUT", url[url.index("/api/") :], PHOTO_BYTES, "Content-Type: image/jpeg"))
    await asyncio.gather(*(_send_half(client, body) for client in clients))
    during = await _settled(site)
    assert all(client.is_open for client in clients), "the server hung up on somebody"
    for client in clients:
        client.leave()
    return {"before": before / 1e6, "with everybody in mid-photo": during / 1e6}


async def _send_half(client: Connection, body: bytes) -> None:
    for at in range(0, len(body), PIECE_BYTES):
        client.send(body[at : at + PIECE_BYTES])
        await asyncio.sleep(PAUSE_SECONDS)


async def _settled(site: RunningSite) -> float:
    """The memory once the server has nothing left to read: its CPU stands still."""
    largest, idle = 0.0, 0
    while idle < 3:
        cpu = site.cpu_seconds()
        await asyncio.sleep(0.5)
        largest = max(largest, site.memory_bytes())
        idle = idle + 1 if site.cpu_seconds() - cpu < 0.1 else 0
    return largest
