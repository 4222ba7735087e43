"""The photo routes of a process that takes uploads: a form, or tickets with one PUT, and tus beside it where the profile says so."""

from aiohttp import web

from gelombang.profile_uploads import UploadProtocol, Uploads
from gelombang_server.buffers import BUFFERS, Buffers
from gelombang_server.config import CONTEXT
from gelombang_server.door import DOOR
from gelombang_server.keeper import KEEPER, PhotoKeeper
from gelombang_server.multipart import BODIES, Bodies, post_photo
from gelombang_server.routes import Route, RouteRow
from gelombang_server.ticketed import DESK, TUS_PATH, ask_for_ticket, put_photo
from gelombang_server.tickets import TicketDesk
from gelombang_server.tus import requests as tus_requests
from gelombang_server.tus.answers import say_version
from gelombang_server.tus.uploads import TUS, TusUploads

PHOTO_PATH = "/api/v1/me/photos/{kind:ktp|selfie}"
TICKETS_PATH = "/api/v1/me/tickets"
_TUS_UPLOAD = f"{TUS_PATH}/{{upload}}"
_BY_PROTOCOL = {
    UploadProtocol.MULTIPART: (RouteRow("POST", PHOTO_PATH, post_photo, Route.PHOTO_POST),),
    UploadProtocol.TICKET: (
        RouteRow("POST", TICKETS_PATH, ask_for_ticket, Route.TICKET),
        RouteRow("PUT", PHOTO_PATH, put_photo, Route.PHOTO_PUT),
    ),
}
_TUS_ROUTES = (
    RouteRow("OPTIONS", TUS_PATH, tus_requests.options, Route.TUS_OPTIONS),
    RouteRow("POST", TUS_PATH, tus_requests.create, Route.TUS_CREATE),
    RouteRow("OPTIONS", _TUS_UPLOAD, tus_requests.upload_options, Route.TUS_UPLOAD_OPTIONS),
    RouteRow("HEAD", _TUS_UPLOAD, tus_requests.stand, Route.TUS_HEAD),
    RouteRow("PATCH", _TUS_UPLOAD, tus_requests.send, Route.TUS_PATCH),
    RouteRow("DELETE", _TUS_UPLOAD, tus_requests.give_up, Route.TUS_DELETE),
)


def upload_routes(uploads: Uploads) -> tuple[RouteRow, ...]:
    """The ways in that this profile has."""
    return _BY_PROTOCOL[uploads.protocol] + (_TUS_ROUTES if uploads.tus is not None else ())


def add_upload_routes(app: web.Application) -> None:
    """Serve photos; needs a running loop. Of several such processes, each owns its share of the modelled store."""
    context = app[CONTEXT]
    keeper = PhotoKeeper(context)
    app[KEEPER] = keeper
    profile = context.profile
    match profile.uploads.protocol:
        case UploadProtocol.MULTIPART:
            app[BODIES] = Bodies(profile.uploads.bodies_limit, context.metrics)
        case UploadProtocol.TICKET:
            tickets = profile.uploads.tickets
            assert tickets is not None, "a profile with tickets says how many; the profile's check asks for it"
            # Every ticket has a place at the store, and a body: no promise is made that could not be kept.
            store = profile.modelled_store
            places = min(store.turns_limit + store.queue_limit, profile.uploads.bodies_limit)
            desk = TicketDesk(store, tickets, places, context.session_key, context.seed, context.metrics, context.now_us)
            app[DESK] = desk
            app[BUFFERS] = Buffers(profile.uploads)
            if profile.uploads.tus is not None:
                app[TUS] = TusUploads(context, keeper, desk, profile.uploads.tus)
                app[DOOR].finish = say_version
    for row in upload_routes(profile.uploads):
        app[DOOR].ways.add(row)

    async def resume(_: web.Application) -> None:
        await keeper.resume()

    async def close(_: web.Application) -> None:
        if DESK in app:
            app[DESK].shut()
        if TUS in app:
            await app[TUS].close()
        await keeper.close()

    app.on_startup.append(resume)
    app.on_cleanup.append(close)
