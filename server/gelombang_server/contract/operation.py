"""What an operation of the contract is: what it takes and answers, beyond what a table of routes holds by itself.

Answers of 400 and above are problem documents. An operation names the codes that are its own; `COMMON`, `JSON_BODY` and `SESSION` are those
that come with a door, a body and a login.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gelombang.attempt import Code
from gelombang_server.bodies import Fields

Schema = Mapping[str, object]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
YES_OR_NO: Schema = {"type": "boolean"}
TEXTS_BY_NAME: Schema = {"type": "object", "additionalProperties": {"type": "string"}}

DATABASE = (Code.DATABASE_BUSY, Code.DATABASE_GONE)
COMMON = (Code.MALFORMED_REQUEST, Code.TOO_MANY_REQUESTS_IN_PROGRESS, *DATABASE, Code.SHUTTING_DOWN, Code.INTERNAL_ERROR)
WRITE = (Code.DATABASE_FULL,)
ONCE = (Code.IDEMPOTENCY_KEY_INVALID, Code.IDEMPOTENCY_KEY_REUSED)
JSON_BODY = (Code.BODY_TOO_LARGE, Code.BODY_TOO_SLOW, Code.WRONG_TYPE, Code.FIELD_MISSING, Code.FIELD_INVALID)
SESSION = (Code.SESSION_MISSING, Code.SESSION_INVALID, Code.SESSION_EXPIRED)
WALK = (Code.PHOTO_WRONG_FORMAT, Code.PHOTO_TRUNCATED, Code.PHOTO_TOO_MANY_PIXELS, Code.PHOTO_POLYGLOT)
OBJECTS = (Code.OBJECTS_GONE, Code.OBJECTS_SLOW, Code.OBJECTS_REFUSED)
KEEPING = (Code.UPLOAD_FAILED, Code.UPLOAD_TIMED_OUT, Code.STORE_FULL, Code.SYNC_FAILED, Code.COMMITS_BUSY, Code.BODY_TOO_SLOW, *OBJECTS)


def known(**fields: Schema) -> Schema:
    """An object with these members, all of them there."""
    return {"type": "object", "properties": dict(fields), "required": list(fields)}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


@dataclass(frozen=True)
class Operation:
    """One route."""

    summary: str
    answers: Mapping[int, Schema | None]
    """None: an answer without a body."""
    codes: tuple[Code, ...] = ()
    body: type[Fields] | None = None
    media: str | None = None
    """Of a body that is no JSON."""
    needs_session: bool = True
    writes: bool = False
    takes_key: bool = False
    """Sent again with the same Idempotency-Key it is done once and answered alike."""
    query: tuple[str, ...] = field(default=())
    headers: tuple[str, ...] = field(default=())
    """Without these nothing is done."""
    optional_headers: tuple[str, ...] = field(default=())
    """Seconds, each; a request may go without."""

    def all_codes(self) -> tuple[Code, ...]:
        parts = [COMMON, self.codes]
        parts += [codes for codes, has in self._by_trait() if has]
        return tuple(sorted({code for part in parts for code in part}))

    def _by_trait(self) -> Iterator[tuple[tuple[Code, ...], bool]]:
        yield WRITE, self.writes
        yield ONCE, self.takes_key
        yield JSON_BODY, self.body is not None
        yield SESSION, self.needs_session
