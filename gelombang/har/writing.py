"""The scenario of a guessed journey as TOML that people go on editing: every guess is in sight, every doubt a comment above its step."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote

from gelombang.har.asked import URL, Place, form_of, is_image, json_leaves, json_of, kept_headers
from gelombang.har.guessing import Draft, Guess
from gelombang.har.people import FEED
from gelombang.har.recording import Exchange, Part
from gelombang.har.repeating import repeat_of
from gelombang.har.sifting import Sifted
from gelombang.har.toml_text import fits_toml, toml_value
from gelombang.ledger import MILESTONE_LIMIT
from gelombang.target import is_loopback_host

JOURNEY_MARK = "# ---- the journey ----"
"""In the template: what stands before it is common to all scenarios of one's own service."""
THINK_SIGMA = 0.5
PHOTO_FILE = "photo.jpg"

_FACE = re.compile(r"selfie|face|swafoto|wajah|portrait", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a scenario, what it needs beside it, and what is left to do by hand."""

    text: str
    left: tuple[str, ...]
    photo_bytes: int
    """Size of the photo that a step sends as a file, 0 for none."""


def write_scenario(name: str, title: str, template: str, sifted: Sifted, guess: Guess, source: str = "a recording") -> Written:
    """The whole file. `template` is the one that `scenario new` writes, of which the part before the journey is kept."""
    writer = _Writer(sifted, guess)
    steps = [writer.step(draft) for draft in guess.drafts]
    lines = [_preamble(template, name, title, sifted, guess, source), *writer.feed(), *writer.inbox(), *steps]
    return Written("\n".join(lines), tuple(writer.left), writer.photo_bytes)


def _preamble(template: str, name: str, title: str, sifted: Sifted, guess: Guess, source: str) -> str:
    text = template.partition(JOURNEY_MARK)[0]
    for key, value in (("name", name), ("title", title)):
        text = _with_line(text, f"{key} = ", toml_value(value))
    text = _with_line(text, "# allowed_hosts = ", toml_value(list(sifted.hosts)))
    text = text.replace("own-service.toml", f"{name}.toml").replace("http://127.0.0.1:8000", sifted.origin)
    secrets = [f"# Secrets, from the environment: {', '.join(guess.secrets)}", ""] if guess.secrets else []
    return text + "\n".join([*secrets, f"{JOURNEY_MARK[:-5]}, from {source} ----", ""])


def _with_line(text: str, begin: str, value: str) -> str:
    """The text with the first line that begins so given another value."""
    return re.sub(rf"^{re.escape(begin)}.*$", lambda _: f"{begin}{value}", text, count=1, flags=re.MULTILINE)


class _Writer:
    def __init__(self, sifted: Sifted, guess: Guess) -> None:
        self._origin = sifted.origin
        self._guess = guess
        self.left = list(guess.left)
        self.photo_bytes = 0
        if any(not is_loopback_host(host) for host in sifted.hosts):
            self.left.append("the block [target]: its owner fills it in; without it nothing is sent off this machine")
        elif len(sifted.hosts) > 1:
            self.left.append("the block [target]: without it nothing is sent to a second host")
        if len(guess.drafts) > MILESTONE_LIMIT:
            self.left.append(f"{len(guess.drafts)} steps, and a journey has at most {MILESTONE_LIMIT}: take out what does not matter")

    def feed(self) -> list[str]:
        """The feed of accounts, when people who exist already log in."""
        if not self._guess.feed_columns:
            return []
        columns = ",".join(self._guess.feed_columns)
        self.left.append(f"{FEED}.csv beside the scenario: a header {columns}, and a row for each person")
        return [f"[feed.{FEED}]", f'file = "{FEED}.csv"', 'mode = "unique"', ""]

    def inbox(self) -> list[str]:
        """An inbox to fill in, when a value looks as if it came by mail or SMS."""
        if not self._guess.waits_for_message:
            return []
        return [
            "# A code or link that came by mail or SMS needs an inbox (docs/your-own-service.md) and a message step before its use:",
            "# [inbox.mail]",
            '# source = "fixed"                                               # or http, imap, hook',
            '# code = "123456"',
            "#",
            "# [[journey]]",
            '# step = "mail"',
            '# form = "message"',
            '# inbox = "mail"',
            '# kind = "code"',
            '# address = "{email}"',
            "# within_seconds = 300.0",
            '# capture = { code = { message = "code" } }',
            "",
        ]

    def step(self, draft: Draft) -> str:
        """One table of `[[journey]]`."""
        asked = draft.visit.asked
        query = self._query(draft)
        body = self._body(draft)
        lines = [
            *(f"# {' '.join(note.split())}" for note in draft.notes),
            "[[journey]]",
            f"step = {toml_value(draft.name)}",
            'form = "request"',
        ]
        if asked.method != "GET":
            lines.append("milestone = true")
        if draft.think_seconds is not None:
            lines.append(f"think_seconds = {{ median = {draft.think_seconds:.1f}, sigma = {THINK_SIGMA} }}")
        lines += [f"method = {toml_value(asked.method)}", f"path = {toml_value(self._path(draft, in_path=query is None))}"]
        if query:
            lines.append(f"query = {toml_value(query)}")
        headers = self._headers(draft)
        if headers:
            lines.append(f"headers = {toml_value(headers)}")
        if body is not None:
            lines.append(f"body = {toml_value(body)}")
        if draft.visit.redirected:
            lines.append('redirects = "follow"')
        lines += self._success(draft)
        repeat = repeat_of(draft.visit)
        if repeat is not None:
            lines.append(f"repeat_until = {toml_value(repeat)}")
        if draft.captures:
            captures = {name: {rule.way: rule.rule} for name, rule in draft.captures.items()}
            lines.append(f"capture = {toml_value(captures)}")
        return "\n".join([*lines, ""])

    def _success(self, draft: Draft) -> list[str]:
        status = draft.visit.answered.status
        if 200 <= status < 300 or status == 304:  # nobody has a cache here: what was not modified then is sent whole
            return []
        return [f'success = {{ status = {{ "{status}" = "ok" }} }}  # as recorded']

    def _path(self, draft: Draft, in_path: bool) -> str:
        if URL in draft.replaced:
            return draft.replaced[URL]
        parts = draft.visit.asked.split
        segments = []
        for i, segment in enumerate(parts.path.split("/")):
            segments.append(draft.replaced.get(("path", str(i)), segment))
        path = ("" if draft.visit.asked.origin == self._origin else draft.visit.asked.origin) + ("/".join(segments) or "/")
        return f"{path}?{self._query_text(draft)}" if in_path and parts.query else path

    def _query(self, draft: Draft) -> dict[str, str] | None:
        """The query as a table; None when it names something twice and has to stay in the path."""
        pairs = draft.visit.asked.query
        if URL in draft.replaced:
            return {}
        if len({name for name, _ in pairs}) != len(pairs):
            return None
        return {name: draft.replaced.get(("query", name), value) for name, value in pairs}

    def _query_text(self, draft: Draft) -> str:
        texts = [(name, draft.replaced.get(("query", name))) for name, _ in draft.visit.asked.query]
        pairs = zip(texts, draft.visit.asked.query, strict=True)
        return "&".join(f"{quote(name)}={replaced if replaced is not None else quote(value)}" for (name, replaced), (_, value) in pairs)

    def _headers(self, draft: Draft) -> dict[str, str]:
        return {name: draft.replaced.get(("header", name), value) for name, value in kept_headers(draft.visit.asked).items()}

    def _body(self, draft: Draft) -> dict[str, object] | None:
        asked = draft.visit.asked
        if is_image(asked):
            self.photo_bytes = max(self.photo_bytes, asked.body_bytes)
            return {"file": PHOTO_FILE, "content_type": asked.mime_type}
        form = form_of(asked)
        if form is not None:
            return {"form": _replaced("form", form, draft.replaced)}
        if asked.is_multipart:
            return {"multipart": {part.name: self._part(draft, part) for part in asked.parts}}
        if not asked.text:
            return None
        value = json_of(asked)
        if value is not None:
            return _json_body(asked, value, draft.replaced)
        if asked.mime_type == "application/x-www-form-urlencoded":
            draft.notes.append("a form that names a field twice is sent as a text")
            pairs = parse_qsl(asked.text, keep_blank_values=True)
            return {"raw": "&".join(f"{quote(name)}={quote(text)}" for name, text in pairs), "content_type": asked.mime_type}
        return {"raw": draft.replaced.get(("raw", ""), asked.text), "content_type": asked.mime_type or "text/plain"}

    def _part(self, draft: Draft, part: Part) -> object:
        if part.file_name is None:
            return draft.replaced.get(("part", part.name), part.value)
        if part.content_type.startswith("image/") or re.search(r"\.(jpe?g|png|webp|heic)$", part.file_name, re.IGNORECASE):
            return {"photo": "selfie" if _FACE.search(f"{part.name} {part.file_name}") else "ktp"}
        self.left.append(f"step {draft.name}: the file {part.name}: put one or more of yours into the folder files/ beside the scenario")
        return {"folder": "files", "content_type": part.content_type or "application/octet-stream"}


def _replaced(kind: str, values: Mapping[str, str], replaced: Mapping[Place, str]) -> dict[str, str]:
    return {name: replaced.get((kind, name), value) for name, value in values.items()}


def _json_body(asked: Exchange, value: object, replaced: Mapping[Place, str]) -> dict[str, object]:
    """As a table where TOML can hold it and no number is captured; otherwise as the text that is sent."""
    leaves = json_leaves(value)
    numbers = {place: text for (kind, place), text in replaced.items() if kind == "json" and not isinstance(leaves.get(place), str)}
    filled = _with_leaves(value, "", {place: text for (kind, place), text in replaced.items() if kind == "json"})
    if isinstance(value, dict) and not numbers and fits_toml(filled):
        return {"json": filled}
    text = json.dumps(filled, ensure_ascii=False)
    for placeholder in numbers.values():
        text = text.replace(json.dumps(placeholder), placeholder, 1)
    return {"raw": text, "content_type": asked.mime_type}


def _with_leaves(value: object, pointer: str, replaced: Mapping[str, str]) -> object:
    if pointer in replaced and isinstance(value, str | int | float):
        return replaced[pointer]
    if isinstance(value, dict):
        return {
            key: _with_leaves(item, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", replaced) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_leaves(item, f"{pointer}/{i}", replaced) for i, item in enumerate(value)]
    return value


def scenario_name(output: Path) -> str:
    """A scenario's name after its file."""
    name = re.sub(r"[^a-z0-9]+", "-", output.stem.lower()).strip("-")
    return (name if name[:1].isalpha() else f"my-{name}")[:31].rstrip("-") or "my-scenario"
