"""The row of the page *Where uploads fail* that asks whether it is the photo store: turns, line, bytes moved, the waiting room."""

from gelombang import telemetry
from gelombang.panels import readings
from gelombang.panels.expression import Over, now, per_minute, per_second
from gelombang.panels.parts import Colour, Paint, Panel, Query, Row, Runbook, Unit

LIMIT = Paint("limit|bandwidth|capacity", Colour.GREY, dashed=True)

STORE = Row(
    "Is it the photo store?",
    (
        Panel(
            "Store turns",
            "Uploads that have a turn, wait for one, and the limits (dashed). All turns taken all the time while the failed share is high"
            " means that each turn gets too small a share of the bandwidth to end within people's patience: fewer turns let more people"
            " through.",
            Unit.COUNT,
            (
                Query(now(telemetry.STORE_TURNS), "turns"),
                Query(now(telemetry.STORE_WAITING), "waiting"),
                Query(now(telemetry.STORE_TURNS_LIMIT), "limit of turns"),
                Query(now(telemetry.STORE_WAITING_LIMIT), "limit of the line"),
            ),
            Runbook.UPLOADS_FAILING,
            paints=(LIMIT,),
        ),
        Panel(
            "Store bandwidth",
            "Bytes moved per second, commit cost included, against what the store can move (dashed). At the dashed line the store is the"
            " bottleneck: what counts then is that it moves photos that are kept, so compare with the next panel before buying a bigger"
            " store. Far below it with turns in progress: the store itself is slower than it should be.",
            Unit.BYTES_PER_SECOND,
            (
                Query(per_second(telemetry.STORE_MOVED_BYTES), "moved"),
                Query(now(telemetry.STORE_BANDWIDTH_BYTES_PER_SECOND), "bandwidth"),
            ),
            Runbook.UPLOADS_FAILING,
            paints=(LIMIT,),
        ),
        Panel(
            "Bytes received per byte kept",
            "What is wasted: 1 means that every byte received was kept and heard. 5 means that people send a photo five times over, or that"
            " the store works for people who left. Refuse before the body, keep partial uploads, cancel when the person leaves.",
            Unit.COUNT,
            (
                Query(
                    Over(per_second(telemetry.UPLOAD_RECEIVED_BYTES), per_second(telemetry.UPLOAD_KEPT_BYTES)),
                    "received per kept",
                ),
            ),
            Runbook.UPLOADS_AMPLIFIED,
            record=readings.received_per_kept,
            decimals=1,
        ),
        Panel(
            "Ticket budgets",
            "Bytes admitted by ticket, and bytes received and not yet durable, against their limits (dashed). Only a site that gives"
            " tickets has them. At the limit people are told to come back before they send: that is meant; raise the limit only when the"
            " store is below its bandwidth.",
            Unit.BYTES,
            (
                Query(now(telemetry.TICKET_BUDGET_USED_BYTES, by=("budget",)), "{{budget}}"),
                Query(now(telemetry.TICKET_BUDGET_LIMIT_BYTES, by=("budget",)), "limit of {{budget}}"),
            ),
            Runbook.UPLOADS_FAILING,
            paints=(LIMIT,),
        ),
        Panel(
            "As applicants' pages say",
            "How uploads ended per minute as the applicants' pages in browsers reported it, by outcome and phase, and reports that were"
            " counted and no longer written down. A reset in send that the server calls abandoned is a lost line; a page that nobody opens"
            " again reports nothing. Only a site with pages has these.",
            Unit.COUNT,
            (
                Query(
                    per_minute(telemetry.CLIENT_UPLOAD_OUTCOMES, by=("client_outcome", "client_phase")),
                    "{{client_outcome}} in {{client_phase}}",
                ),
                Query(per_minute(telemetry.CLIENT_REPORTS_UNWRITTEN), "not written down"),
            ),
            Runbook.UPLOADS_FAILING,
        ),
        Panel(
            "Waiting room",
            "People with a place, and people let in per minute by whether the time that they had been told was true: within a fifth of it."
            " Broken promises, or people told again, mean that the store is slower than the profile says: lower capacity_ratio. Only a site"
            " with a waiting room has these.",
            Unit.COUNT,
            (
                Query(now(telemetry.ROOM_PEOPLE), "people with a place"),
                Query(per_minute(telemetry.ROOM_ADMITTED, by=("promise",)), "let in, promise {{promise}}"),
                Query(per_minute(telemetry.ROOM_TOLD_AGAIN), "told again"),
            ),
            Runbook.UPLOADS_FAILING,
        ),
        Panel(
            "Store fill",
            "Bytes in the store against what it holds (dashed). A full store refuses every photo with store_full: enlarge it before the"
            " line arrives.",
            Unit.BYTES,
            (
                Query(now(telemetry.STORE_USED_BYTES), "used"),
                Query(now(telemetry.STORE_CAPACITY_BYTES), "capacity"),
            ),
            Runbook.STORE_FILLING,
            paints=(LIMIT,),
        ),
        Panel(
            "Looked at after the acknowledgement",
            "Photos that wait to be decoded whole, and what was found per second, by verdict. Only a site that checks photos has them. A"
            " verdict other than validated is a photo that its person is asked to send again: many at once mean a client that breaks them.",
            Unit.COUNT,
            (
                Query(now(telemetry.PHOTO_CHECKS_WAITING), "waiting"),
                Query(per_second(telemetry.PHOTO_CHECKS, by=("verdict",)), "{{verdict}} per second"),
            ),
            Runbook.UPLOADS_FAILING,
        ),
        Panel(
            "Photo bytes per second",
            "Bytes that arrive and bytes that are kept. The gap between the lines is work thrown away.",
            Unit.BYTES_PER_SECOND,
            (
                Query(per_second(telemetry.UPLOAD_RECEIVED_BYTES), "received"),
                Query(per_second(telemetry.UPLOAD_KEPT_BYTES), "kept"),
            ),
            Runbook.UPLOADS_AMPLIFIED,
            record=readings.photo_bytes,
            paints=(Paint("^received$", Colour.ORANGE), Paint("^kept$", Colour.BLUE)),
        ),
    ),
)
