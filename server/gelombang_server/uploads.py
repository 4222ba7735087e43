"""The photo routes of a process that takes uploads: by the profile's protocol, one way or the other, never both."""

from aiohttp import web

from gelombang.profile import UploadProtocol
from gelombang_server.config import CONTEXT
from gelombang_server.keeper import KEEPER, PhotoKeeper
from gelombang_server.multipart import BODIES, Bodies, post_photo
from gelombang_server.routes import Route, RouteRow, add_route
from gelombang_server.ticketed import DESK, ask_for_ticket, put_photo
from gelombang_server.tickets import TicketDesk

PHOTO_PATH = "/api/v1/me/photos/{kind:ktp|selfie}"
TICKETS_PATH = "/api/v1/me/tickets"
UPLOAD_ROUTES = {
    UploadProtocol.MULTIPART: (RouteRow("POST", PHOTO_PATH, post_photo, Route.PHOTO_POST),),
    UploadProtocol.TICKET: (
        RouteRow("POST", TICKETS_PATH, ask_for_ticket, Route.TICKET),
        RouteRow("PUT", PHOTO_PATH, put_photo, Route.PHOTO_PUT),
    ),
}


def add_upload_routes(app: web.Application) -> None:
    """Serve photos; needs a running loop, and one such process in a run, because the modelled store has one owner."""
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
            places = min(profile.store.turns_limit + profile.store.queue_limit, profile.uploads.bodies_limit)
            desk = TicketDesk(profile.store, tickets, places, context.session_key, context.seed, context.metrics, context.now_us)
            app[DESK] = desk

    for row in UPLOAD_ROUTES[profile.uploads.protocol]:
        add_route(app, row)

    async def close(_: web.Application) -> None:
        if DESK in app:
            app[DESK].shut()
        await keeper.close()

    app.on_cleanup.append(close)
