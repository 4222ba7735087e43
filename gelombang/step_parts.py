"""What a step is made of: bodies, captures, conditions on an answer.

Everything here is data with one meaning, checked when a scenario is read: a pattern that does not compile or a selector that is none is a
fault of the file and not of an attempt.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from gelombang.markup import selector_fault
from gelombang.scale import Dimension, FixedInt, Seconds, SizeBytes

PATTERN_LIMIT = 500
"""Characters of a regular expression."""
REPEATS_LIMIT = 250
"""Exchanges of one attempt that asks again: its row counts up to 255, redirects included."""


PlaceholderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
JsonPointer = Annotated[str, Field(pattern=r"^(/[^/]*)*$")]
MetadataName = Annotated[str, Field(pattern=r"^[!-+.-~-]{1,60}$")]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
PARALLEL_LIMIT = 16
"""Requests of one person at the same time."""
RESUMES_LIMIT = 20
"""Breaks of one upload by tus that are got over in one attempt."""
Target = Annotated[str, Field(pattern=r"^(next|retry|step:[a-z][a-z0-9-]*|fate:(finished|gave_up|rejected|unreachable))$")]
OutcomeName = Literal[
    "ok",
    "refused",
    "failed",
    "too_large",
    "invalid",
    "conflict",
    "expired",
    "timed_out",
    "connect_refused",
    "reset",
    "protocol",
    "tls_failed",
    "proxy_refused",
    "capture_failed",
    "no_message",
    "not_read",
]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r}, which does not compile ({error}); want a regular expression of Python") from None
    return text


def _pattern_of_one_group(text: str) -> str:
    groups = re.compile(_pattern(text)).groups
    if groups != 1:
        raise ValueError(f"{text!r} with {groups} groups; want exactly one (?:…) groups nothing and does not count")
    return text


def _selector(text: str) -> str:
    fault = selector_fault(text)
    if fault:
        raise ValueError(fault)
    return text


Pattern = Annotated[str, Field(max_length=PATTERN_LIMIT), AfterValidator(_pattern)]
PatternOfOneGroup = Annotated[str, Field(max_length=PATTERN_LIMIT), AfterValidator(_pattern_of_one_group)]
Selector = Annotated[str, Field(max_length=PATTERN_LIMIT), AfterValidator(_selector)]


class Strict(BaseModel):
    """No unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Capture(Strict):
    """Where in an answer (or message) a value stands; exactly one way."""

    json_pointer: JsonPointer | None = None
    """RFC 6901."""
    header: str | None = None
    message: str | None = None
    """A field of the awaited message."""
    cookie: str | None = None
    """A cookie that the answer sets, or that the person would send there."""
    regex: PatternOfOneGroup | None = None
    """What the one group of a regular expression finds first in the body."""
    css: Selector | None = None
    """A CSS selector and attribute, such as `input[name=csrf]@value`; without an attribute, the element's text."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"given {len(given)} ways ({', '.join(given) or 'none'}); want exactly one")
        return self


class PhotoKind(StrEnum):
    """Which of the two photos."""

    KTP = "ktp"
    SELFIE = "selfie"


class FilePart(Strict):
    """A file in a multipart body: a photo that is drawn for the person, or one of the operator's own files."""

    photo: PhotoKind | None = None
    """Of the size that `people.photos` says; a smaller copy after too_large."""
    folder: str | None = None
    """A folder beside the scenario; which of its files, is drawn for each person, and stays the same when they try again."""
    filename: str | None = None
    """What the site is told; without it, `ktp.jpg`, `selfie.jpg` or the file's own name."""
    content_type: str | None = None
    """Without it, image/jpeg for a photo and what the file's name suggests otherwise."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.photo is None) == (self.folder is None):
            raise ValueError("given photo and folder both, or neither; want exactly one of them")
        return self


def _part_tag(value: object) -> str:
    return "=text" if isinstance(value, str) else "=file"


class TusUpload(Strict):
    """One photo or file, sent by the tus protocol 1.0 (tus.io): created, sent in chunks, and gone on with where it broke."""

    photo: PhotoKind | None = None
    """Of the size that `people.photos` says; a smaller copy after too_large."""
    folder: str | None = None
    """A folder beside the scenario; which of its files, is drawn for each person, and stays the same when they try again."""
    file: str | None = None
    """One file beside the scenario."""
    metadata: dict[MetadataName, str] | None = None
    """Upload-Metadata; without it, `filename` and `filetype`, as upload pages send them."""
    chunk_bytes: Annotated[SizeBytes, Field(gt=0)] | None = None
    """Of one PATCH; without it, one PATCH carries all that is left."""
    checksum: Literal["sha1", "sha256", "md5"] | None = None
    """Upload-Checksum of each chunk."""
    resumes_limit: Annotated[FixedInt, Field(ge=0, le=RESUMES_LIMIT)] = 3
    """Breaks of one attempt that are got over: the site is asked where the upload stands, and it goes on from there."""
    resume_seconds: Annotated[Seconds, Field(ge=0)] = 1.0
    """From a break to that question."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("photo", "folder", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"given {len(given)} of photo, folder and file; want exactly one of them")
        return self


FormPart = Annotated[Annotated[str, Tag("=text")] | Annotated[FilePart, Tag("=file")], Discriminator(_part_tag)]


class Body(Strict):
    """What a request carries; at most one form."""

    json_fields: Annotated[dict[str, Any] | None, Dimension.FIXED] = Field(default=None, alias="json")
    form: dict[str, str] | None = None
    """Fields of a page's form, sent as application/x-www-form-urlencoded."""
    multipart: dict[str, FormPart] | None = None
    """Fields, sent as multipart/form-data: texts, photos and files."""
    raw: str | None = None
    """A text as it is."""
    file: str | None = None
    """One file beside the scenario, with its own bytes."""
    tus: TusUpload | None = None
    """One photo or file by the tus protocol: several exchanges of one attempt."""
    content_type: str | None = None
    """Of `raw` and `file`: without it, text/plain and what the file's name suggests."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [(name, info) for name, info in type(self).model_fields.items() if name != "content_type"]
        given = [info.alias or name for name, info in forms if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"given {len(given)} forms ({', '.join(given)}); want at most one")
        if self.content_type is not None and self.raw is None and self.file is None:
            raise ValueError("given content_type without raw or file; want one of them, the other forms have a type of their own")
        return self

    @property
    def has_photo(self) -> bool:
        """Whether it carries a photo that is drawn."""
        parts = [part for part in (self.multipart or {}).values() if isinstance(part, FilePart)]
        return any(part.photo is not None for part in parts) or (self.tus is not None and self.tus.photo is not None)

    @property
    def is_upload(self) -> bool:
        """Whether it carries a photo or file, for which people wait as long as for an upload."""
        return self.file is not None or self.tus is not None or any(isinstance(part, FilePart) for part in (self.multipart or {}).values())


def require_post(method: str, body: Body | None) -> None:
    """Raises ValueError for an upload by tus that another method is to create."""
    if body is not None and body.tus is not None and method != "POST":
        raise ValueError(f"a tus body with method {method}; want POST, which creates the upload (its chunks go out by PATCH)")


Judged = Literal["refused", "failed", "too_large", "invalid", "conflict", "expired"]
"""What an answer can mean that does not hold what it should."""
Value = Annotated[str | bool | int | float | None, Dimension.FIXED]


class Condition(Strict):
    """What an answer holds: somewhere (a header, a place in its JSON, otherwise the whole body), something; exactly one of the three."""

    header: str | None = None
    json_pointer: JsonPointer | None = None
    contains: str | None = None
    matches: Pattern | None = None
    """A regular expression that fits somewhere."""
    equals: Value = None

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if self.header is not None and self.json_pointer is not None:
            raise ValueError("given header and json_pointer both; want at most one of them")
        given = [name for name in ("contains", "matches", "equals") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"given {len(given)} of contains, matches and equals; want exactly one")
        return self


class Rule(Condition):
    """What an answer must hold to be ok, beside its status."""

    otherwise: Judged = "invalid"
    leads_to: Target | None = None
    """Where a breach of this rule leads; without it, where that outcome leads."""


class Success(Strict):
    """Which answers mean which outcome, where the default of `gelombang.journey` does not fit."""

    status: dict[Annotated[str, Field(pattern=r"^[1-5][0-9x]{2}$")], OutcomeName] = Field(default_factory=dict)
    rules: dict[RuleName, Rule] = Field(default_factory=dict)
    """Of an answer whose status is ok, in this order; the first one that does not hold decides."""


class ParallelRequest(Strict):
    """A request that goes out at the same time as its step's own, on another connection of the same person."""

    method: Method
    path: str
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Body | None = None
    success: Success = Field(default_factory=Success)
    capture: dict[PlaceholderName, Capture] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_way_of_its_own(self) -> Self:
        require_post(self.method, self.body)
        leading = [name for name, rule in self.success.rules.items() if rule.leads_to is not None]
        if leading:
            raise ValueError(f"a rule ({leading[0]}) with leads_to; want it at the step's own request, which alone leads somewhere")
        return self


class RepeatUntil(Condition):
    """Ask again, as one attempt, until the answer holds something; an answer that is not ok ends it."""

    every_seconds: Seconds
    """From an answer to the next question."""
    times_limit: Annotated[FixedInt, Field(gt=0, le=REPEATS_LIMIT)]
    """Questions in all."""
    otherwise: Judged = "failed"
    """What it comes to when the last answer does not hold it either."""
