"""A repository of somebody's own with a service in it, and revisions of that service."""

import subprocess
from pathlib import Path

SERVICES = Path(__file__).parents[1] / "foreign" / "services"
GATE = """
[gate]
command = "python shop.py {port}"
ready = "/items"
budget = 0.05
detect = 0.9
memory_budget = 0.5
memory_detect = 4.0
wall_budget = 5.0
batch_seconds = 0.005
rounds = 2
time_limit_seconds = 90.0

[[gate.route]]
name = "items"
path = "/items"

[[gate.route]]
name = "order"
method = "POST"
path = "/orders"
body = '{"item": {n}}'
headers = { Content-Type = "application/json" }
status = 201
"""


def git(repository: Path, *words: str) -> str:
    identity = ["-c", "user.name=Contoh", "-c", "user.email=contoh@mail.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(repository), *identity, *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def make_repository(folder: Path, service: str) -> Path:
    """With one commit, tagged `base`."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "shop.py").write_text((SERVICES / service).read_text())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "the shop")
    git(folder, "tag", "base")
    return folder


def commit(repository: Path, tag: str, old: str, new: str) -> None:
    """A revision beside `base` in which `old` became `new`, under its tag."""
    git(repository, "checkout", "-q", "base")
    path = repository / "shop.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    git(repository, "commit", "-q", "-a", "-m", tag)
    git(repository, "tag", tag)
    git(repository, "checkout", "-q", "main")
