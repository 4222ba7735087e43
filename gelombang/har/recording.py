"""Reading a HAR file: the exchanges of a browser in the order in which they began.

HAR 1.2 (Odvarko et al., W3C Web Performance draft, 2012) as Chrome and Firefox write it. Only what a scenario can use is read;
whatever else stands there is passed over. Recordings hold passwords and sessions: errors show places and names, never values.
"""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.errors import InputError

HAR_BYTES_LIMIT = 200_000_000
ENTRIES_LIMIT = 20_000
ANSWER_CHARACTERS_LIMIT = 2_000_000
"""Of one answer: more of it is not searched for captures."""
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class _Har(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Pair(_Har):
    name: str
    value: str = ""


class _Param(_Har):
    name: str = ""
    value: str = ""
    file_name: str | None = Field(default=None, alias="fileName")
    content_type: str | None = Field(default=None, alias="contentType")


class _PostData(_Har):
    mime_type: str = Field(default="", alias="mimeType")
    text: str = ""
    params: list[_Param] = Field(default_factory=list)


class _Request(_Har):
    method: str
    url: str
    headers: list[_Pair] = Field(default_factory=list)
    post_data: _PostData | None = Field(default=None, alias="postData")
    body_size: float = Field(default=-1, alias="bodySize")


class _Content(_Har):
    mime_type: str = Field(default="", alias="mimeType")
    text: str = ""
    encoding: str = ""


class _Response(_Har):
    status: int = 0
    headers: list[_Pair] = Field(default_factory=list)
    content: _Content = Field(default_factory=_Content)
    redirect_url: str = Field(default="", alias="redirectURL")


class _Entry(_Har):
    started: str = Field(alias="startedDateTime")
    time: float | None = 0.0
    page: str | None = Field(default=None, alias="pageref")
    resource: str = Field(default="", alias="_resourceType")
    request: _Request
    response: _Response


class _Page(_Har):
    id: str
    title: str = ""


class _Log(_Har):
    pages: list[_Page] = Field(default_factory=list)
    entries: list[_Entry]


class _File(_Har):
    log: _Log


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a multipart form; a file when it has a name of one."""

    name: str
    value: str
    file_name: str | None = None
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of the browser and its answer. Header names are in lower case; times are seconds since the recording began."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    mime_type: str
    text: str
    parts: tuple[Part, ...]
    body_bytes: int
    began_seconds: float
    ended_seconds: float
    page: str
    resource: str
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer_type: str
    answer: str
    redirect_url: str

    @property
    def split(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        return (self.split.hostname or "").lower()

    @property
    def origin(self) -> str:
        return f"{self.split.scheme}://{self.split.netloc}"

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.split.query, keep_blank_values=True)

    @property
    def is_multipart(self) -> bool:
        return self.mime_type == FORM_TYPES[1] and bool(self.parts)

    @property
    def is_document(self) -> bool:
        """Whether it is a page of its own: what the browser's address line showed."""
        fetched = any(name == "x-requested-with" for name, _ in self.headers)
        return self.resource == "document" or (not self.resource and not fetched and self.answer_type.startswith("text/html"))


@dataclass(frozen=True, slots=True)
class Recording:
    """One visit, from the first request to the last."""

    name: str
    exchanges: tuple[Exchange, ...]
    titles: dict[str, str] = field(default_factory=dict)


def read_recording(path: Path) -> Recording:
    """The exchanges of a HAR file. Raises InputError, which names the place and never a value."""
    try:
        if path.stat().st_size > HAR_BYTES_LIMIT:
            raise InputError(f"{path} has {path.stat().st_size:,} bytes; want a recording of at most {HAR_BYTES_LIMIT:,}")
        log = _File.model_validate_json(path.read_bytes()).log
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); want a HAR file, as a browser's network tab saves it") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path}: {where}: {first['msg']}; want a HAR file, as a browser's network tab saves it") from None
    if not 0 < len(log.entries) <= ENTRIES_LIMIT:
        raise InputError(f"{path} has {len(log.entries)} requests; want 1 to {ENTRIES_LIMIT}: clear the network tab before recording")
    begins = [_moment(path, i, entry.started) for i, entry in enumerate(log.entries)]
    first_begin = min(begins)
    timed = sorted(zip(begins, range(len(begins)), log.entries, strict=True), key=lambda row: row[:2])
    exchanges = tuple(_exchange(entry, began - first_begin) for began, _, entry in timed)
    return Recording(path.name, exchanges, {page.id: page.title for page in log.pages})


def _moment(path: Path, index: int, text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise InputError(f"{path}: log.entries.{index}.startedDateTime is {text!r}; want a moment in ISO 8601") from None


def _exchange(entry: _Entry, began_seconds: float) -> Exchange:
    request, response = entry.request, entry.response
    post = request.post_data or _PostData()
    mime_type = post.mime_type.partition(";")[0].strip().lower()
    content = response.content
    return Exchange(
        method=request.method.upper(),
        url=request.url.partition("#")[0],
        headers=_lower(request.headers),
        mime_type=mime_type,
        text=post.text,
        parts=_parts(post, mime_type),
        body_bytes=max(int(request.body_size), len(post.text), 0),
        began_seconds=began_seconds,
        ended_seconds=began_seconds + max(entry.time or 0.0, 0.0) / 1000,
        page=entry.page or "",
        resource=entry.resource,
        status=response.status,
        answer_headers=_lower(response.headers),
        answer_type=content.mime_type.partition(";")[0].strip().lower(),
        answer=_text_of(content)[:ANSWER_CHARACTERS_LIMIT],
        redirect_url=response.redirect_url or next((pair.value for pair in response.headers if pair.name.lower() == "location"), ""),
    )


def _lower(pairs: list[_Pair]) -> tuple[tuple[str, str], ...]:
    return tuple((pair.name.lower(), pair.value) for pair in pairs if not pair.name.startswith(":"))


def _text_of(content: _Content) -> str:
    if content.encoding != "base64":
        return content.text
    try:
        return base64.b64decode(content.text, validate=False).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return ""


def _parts(post: _PostData, mime_type: str) -> tuple[Part, ...]:
    if mime_type not in FORM_TYPES:
        return ()
    if post.params or mime_type == FORM_TYPES[0]:
        return tuple(Part(p.name, p.value, p.file_name, (p.content_type or "").lower()) for p in post.params)
    _, _, boundary = post.mime_type.partition("boundary=")
    found = []
    for piece in post.text.split("--" + boundary.strip('"; '))[1:] if boundary else []:
        head, _, value = piece.replace("\r\n", "\n").partition("\n\n")
        words = dict(word.strip().split("=", 1) for word in head.replace("\n", ";").split(";") if "=" in word)
        kind = next((line.partition(":")[2].strip().lower() for line in head.split("\n") if line.lower().startswith("content-type:")), "")
        if "name" in words:
            file_name = words["filename"].strip('"') if "filename" in words else None
            found.append(Part(words["name"].strip('"'), value.removesuffix("\n"), file_name, kind))
    return tuple(found)
