"""A request and its answer as a trial shows them: shortened, files by their size, every secret masked before anything is cut."""

import re
from dataclasses import dataclass
from pathlib import Path

from gelombang.clock import MICROSECONDS
from gelombang.trial.curl import curl_line, inline_text
from gelombang.trial.events import ShownAnswer, ShownExchange, ShownRequest
from gelombang.trial.masking import Mask
from gelombang_loadtests.exchanged import Answer, Request

SHOWN_BYTES = 500
"""Of a body."""
MASKED_BYTES_LIMIT = 65_536
"""Of a body that is looked through for secrets; the rest is never shown."""

_FILE_TYPES = (b"image/", b"application/octet-stream", b"application/offset+octet-stream")
_PART = re.compile(rb'name="(?P<name>[^"]*)"(?:; filename="(?P<file>[^"]*)")?')
_PART_TYPE = re.compile(rb"content-type: *([^\r\n]+)", re.IGNORECASE)
_BOUNDARY = re.compile(rb'boundary="?([^";]+)')


@dataclass(frozen=True, slots=True)
class Showing:
    """How the exchanges of one trial are shown. `origin` stands for the numeric address that a request goes to."""

    mask: Mask
    origins: dict[tuple[str, int], str]
    keep: Path | None

    def exchange(self, request: Request, answer: Answer, name: str) -> ShownExchange:
        """`name` is that of the file into which a body goes that is no short text."""
        return ShownExchange(request=self._request(request, name), answer=self._answer(answer))

    def _request(self, request: Request, name: str) -> ShownRequest:
        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers]
        body = request.body if isinstance(request.body, bytes) else b"".join(bytes(part) for part in request.body)
        origin = self.origins.get((request.host, request.port), f"http://{request.host}:{request.port}")
        url = origin + request.target.decode("latin-1")
        content_type = next((value for key, value in request.headers if key.lower() == b"content-type"), b"")
        file = f"{name}{_suffix(content_type)}"
        if self.keep is not None and inline_text(body) is None and not self.mask.is_in(body):
            (self.keep / file).write_bytes(body)
            file = str(self.keep / file)
        return ShownRequest(
            method=request.method.decode(),
            url=self.mask.text(url),
            headers=self.mask.headers(headers),
            body=self._body(content_type, body),
            body_bytes=len(body),
            curl=curl_line(request.method.decode(), url, headers, body, file, self.mask),
        )

    def _answer(self, answer: Answer) -> ShownAnswer:
        whole = answer.outcome_error is None
        phases = (("connect", answer.connect_us), ("send", answer.send_us), ("wait", answer.wait_us), ("receive", answer.receive_us))
        return ShownAnswer(
            status=answer.status if whole else 0,
            headers=self.mask.headers((key.decode("latin-1"), value.decode("latin-1")) for key, value in answer.headers.items()),
            body=self._text(answer.body, of_answer=True),
            body_bytes=len(answer.body),
            phase=answer.phase.name.lower(),
            error="" if whole else self.mask.text(answer.error),
            milliseconds={phase: round(us / MICROSECONDS * 1000, 1) for phase, us in phases},
        )

    def _body(self, content_type: bytes, body: bytes) -> str:
        boundary = _BOUNDARY.search(content_type)
        if content_type.startswith(b"multipart/") and boundary is not None:
            return "\n".join(self._part(part) for part in body.split(b"--" + boundary[1])[1:-1])
        if content_type.startswith(_FILE_TYPES):
            return f"({content_type.decode('latin-1')}, {len(body):,} bytes)"
        return self._text(body)

    def _part(self, part: bytes) -> str:
        head, _, content = part.partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        found, kind = _PART.search(head), _PART_TYPE.search(head)
        name = found["name"].decode("utf-8", "replace") if found else "?"
        if found is None or found["file"] is None:
            return f"{name}: {self._text(content)}"
        file = found["file"].decode("utf-8", "replace")
        return f"{name}: file {file}, {kind[1].decode('latin-1') if kind else 'no type'}, {len(content):,} bytes"

    def _text(self, body: bytes, of_answer: bool = False) -> str:
        text = body[:MASKED_BYTES_LIMIT].decode("utf-8", "replace")
        if "\0" in text:
            return f"(no text, {len(body):,} bytes)"
        masked = self.mask.json_text(text) if of_answer else self.mask.text(text)
        return masked if len(masked) <= SHOWN_BYTES else f"{masked[:SHOWN_BYTES]}…"


def _suffix(content_type: bytes) -> str:
    return ".jpg" if content_type.startswith(b"image/jpeg") else ".body"
