"""From two recordings of the shop to a journey that one person walks: at most five edits by hand, as docs/your-own-service.md has them."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from foreign.bed_processes import TOKEN, Bed

RECORDING = Path(__file__).with_name("recording.py")
pytestmark = [pytest.mark.foreign, pytest.mark.timeout(180)]

TARGET = """
[target]
allowed_hosts = ["127.0.0.1", "127.0.0.2"]
owner = "The shop"
authorisation = "docs/your-own-service.md"
contact = "nobody@shop.example"
max_arrivals_per_second = 10.0
max_people = 500
max_bytes = 1_000_000_000
window = { from = "2020-01-01T00:00:00+00:00", until = "2099-01-01T00:00:00+00:00" }
"""
INBOX = """
[inbox.mail]
source = "http"
url = "${env:CATCHER}/api/messages?limit=500"
headers = { authorization = "Bearer ${env:CATCHER_TOKEN}" }
messages = "/messages"
id = "/ID"
address = "/To/0/Address"
kind = "/Subject"
kinds = { email-link = "confirm", otp = "SMS" }
text = "/Snippet"
pattern = '(?P<link>https?://\\S+)|code is (?P<code>\\d{6})'
"""
WAIT = """
[[journey]]
step = "wait-{found}"
form = "message"
inbox = "mail"
kind = "{kind}"
address = "{address}"
within_seconds = 30.0
capture = {{ {found} = {{ message = "{found}" }} }}

"""


def command(words: Sequence[str], cwd: Path, shop: Bed) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CATCHER_TOKEN": TOKEN, "CATCHER": shop.catcher_url}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=150, check=False)


class Editor:
    """The operator's hands, counted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.edits = 0

    def before(self, mark: str, *added: str) -> None:
        assert self.text.count(mark) == 1, mark
        self.text = self.text.replace(mark, "".join(added) + mark)
        self.edits += 1

    def message(self, step: str, wait: str, pattern: str, written: str) -> None:
        """A message step before another one, whose recorded value becomes what the message held."""
        head, mark, tail = self.text.partition(f'[[journey]]\nstep = "{step}"')
        tail, found = re.subn(pattern, written, tail, count=1)
        assert found == 1, pattern
        self.text = head + wait + mark + tail
        self.edits += 1


def test_two_recordings_become_a_journey_that_one_person_finishes(shop: Bed, tmp_path: Path) -> None:
    done = command([str(RECORDING), shop.url, shop.catcher_url, "one.har", "two.har"], tmp_path, shop)
    assert done.returncode == 0, done.stderr
    made = command(["-m", "gelombang_cli", "scenario", "from-har", "one.har", "two.har", "-o", "mine.toml"], tmp_path, shop)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "step confirm: segment 2 of the path" in made.stdout
    assert "step code: the field code" in made.stdout
    mine = tmp_path / "mine.toml"
    editor = Editor(mine.read_text())
    editor.before("# ---- the journey", TARGET, "\n")
    editor.before("# A code or link", INBOX, "\n")
    link, code = (WAIT.format(found=f, kind=k, address=a) for f, k, a in (("link", "email-link", "{email}"), ("code", "otp", "{phone}")))
    editor.message("confirm", link, r'path = "/confirm/[^"]*"', 'path = "{link}"')
    editor.message("code", code, r'code = "\d{6}"', 'code = "{code}"')
    assert editor.edits <= 5
    mine.write_text(editor.text)
    walked = command(["-m", "gelombang_cli", "try", "mine.toml", "--target", shop.url], tmp_path, shop)
    assert walked.returncode == 0, walked.stdout[-3000:] + walked.stderr
    assert "finished: 11 steps passed" in walked.stdout
    assert TOKEN not in walked.stdout + walked.stderr
