"""What a person sees without changing anything: how far they are, how photos are sent, and that the site is up."""

from aiohttp import web

from gelombang.attempt import Code
from gelombang.profile_uploads import UploadProtocol
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import Applicant, find_applicant
from gelombang_server.config import CONTEXT
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session
from gelombang_server.ticketed import TUS_PATH


async def health(request: web.Request) -> Answer:
    """GET /healthz"""
    return json_answer({"status": "ok", "profile": request.app[CONTEXT].profile.name})


async def ready(request: web.Request) -> Answer:
    """GET /readyz: whether this process should be sent people. Alive and not ready: it drains, or can't read or queue for its database."""
    context = request.app[CONTEXT]
    if context.stopping.is_set():
        raise Problem(Code.SHUTTING_DOWN, "the process drains")
    context.database.require_room()
    await context.database.read(lambda cursor: cursor.execute("SELECT 1").fetchone())
    return json_answer({"status": "ready", "profile": context.profile.name})


async def status(request: web.Request) -> Answer:
    """GET /api/v1/me"""
    applicant, context = await _asker(request), request.app[CONTEXT]
    steps = {
        "account": True,
        "email-link": applicant.email_verified,
        "data": applicant.nik is not None,
        "otp": applicant.phone_verified,
        "nik": applicant.nik_state == "verified",
        "ktp": "ktp" in applicant.photos,
        "selfie": "selfie" in applicant.photos,
        "test": applicant.has_done_test(context.profile.test, context.now_us()),
        "join": applicant.joined_wave is not None,
    }
    return json_answer(
        {
            "email": applicant.email,
            "steps": steps,
            "nik_state": applicant.nik_state,
            "photos": {kind: "rejected" if kind in applicant.rejected_photos else state for kind, state in applicant.photo_states.items()},
            "send_again": applicant.rejected_photos,
            "wave": applicant.joined_wave,
        }
    )


async def upload_page(request: web.Request) -> Answer:
    """GET /api/v1/me/uploads: how the site's page sends a photo, and what is stored already."""
    applicant = await _asker(request)
    context = request.app[CONTEXT]
    uploads = context.profile.uploads
    path = "/api/v1/me/photos" if uploads.protocol is UploadProtocol.MULTIPART else "/api/v1/me/tickets"
    return json_answer(
        {
            "protocol": uploads.protocol.value,
            "url": context.front_url + path,
            "tus_url": context.front_url + TUS_PATH if uploads.tus is not None else None,
            "shows_progress": uploads.shows_progress,
            "photo_limit_bytes": uploads.photo_limit_bytes,
            "stored": sorted(applicant.photos),
            "send_again": applicant.rejected_photos,
        }
    )


async def _asker(request: web.Request) -> Applicant:
    applicant_id = require_session(request)
    return await request.app[CONTEXT].database.read(lambda cursor: find_applicant(cursor, applicant_id))
