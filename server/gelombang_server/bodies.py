"""JSON in: bounded, strictly typed, and never echoing what was sent (it may hold a password)."""

import asyncio
from typing import TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.attempt import Code, Stage
from gelombang_server.config import ATTEMPT, CONTEXT
from gelombang_server.problem import Problem


class Fields(BaseModel):
    """The base of all request bodies: strict types, unknown members ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


F = TypeVar("F", bound=Fields)


async def read_json(request: web.Request, kind: type[F]) -> F:
    """The body as `kind`. Raises Problem: wrong_type, body_too_large, body_too_slow, malformed_request, field_missing, field_invalid."""
    content_type = request.headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(Code.WRONG_TYPE, "the body's type is not understood; want application/json", stage=Stage.HEADERS)
    context = request.app[CONTEXT]
    limit_bytes = context.profile.api.body_limit_bytes
    length = request.content_length
    if length is not None and length > limit_bytes:
        raise Problem(Code.BODY_TOO_LARGE, f"the body has {length} bytes; want {limit_bytes} at most", stage=Stage.HEADERS)
    request[ATTEMPT].stage = Stage.BODY
    try:
        if request.content.is_eof():
            # It came with its head, as most do: there is nothing to wait for.
            data = request.content.read_nowait()
            if len(data) > limit_bytes:
                raise web.HTTPRequestEntityTooLarge(limit_bytes)
        else:
            async with asyncio.timeout(context.profile.uploads.body_stall_seconds):
                data = await request.read()
    except TimeoutError:
        raise Problem(Code.BODY_TOO_SLOW, "the body did not come in time") from None
    except web.HTTPRequestEntityTooLarge:
        raise Problem(Code.BODY_TOO_LARGE, f"the body is too large; want {limit_bytes} bytes at most") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise Problem(Code.MALFORMED_REQUEST, "the body can't be decoded") from None
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise _body_problem(kind, error) from None


def _body_problem(kind: type[Fields], error: ValidationError) -> Problem:
    """What is wrong with the first faulty field. Its description says what is wanted where its rule can't: a pattern is for programs."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if not where or first["type"] == "json_invalid":
        return Problem(Code.MALFORMED_REQUEST, "the body is not a JSON object")
    if first["type"] == "missing":
        return Problem(Code.FIELD_MISSING, f"{where} is missing")
    wanted = kind.model_fields[str(first["loc"][0])].description
    return Problem(Code.FIELD_INVALID, f"{where}: want {wanted}" if wanted else f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}")
