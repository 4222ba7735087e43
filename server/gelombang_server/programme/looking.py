"""A look over HTTP."""

from aiohttp import web

from gelombang_server.answers import JSON_TYPE, Answer
from gelombang_server.config import CONTEXT
from gelombang_server.programme.parts import PROGRAMME
from gelombang_server.sessions import require_session


async def look(request: web.Request) -> Answer:
    """GET /api/v1/me/programme"""
    applicant = require_session(request)
    body = await request.app[PROGRAMME].looks.body(applicant, request.app[CONTEXT].now_us())
    return Answer(200, body, JSON_TYPE)
