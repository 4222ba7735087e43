"""The first rows of "Where uploads fail": the people, the uploads, and the store behind them."""

from gelombang import telemetry
from gelombang.telemetry import REGISTRATION_STEPS
from gelombang_dashboards.panels import Colour, Form, Paint, Panel, Query, Row, Unit
from gelombang_dashboards.promql import counted, now, per_second, quantile, share

_STEP_TITLES = dict(
    zip(
        REGISTRATION_STEPS,
        (
            "Account",
            "E-mail verified",
            "Personal data",
            "OTP confirmed",
            "NIK verified",
            "KTP photo",
            "Selfie with KTP",
            "Test handed in",
            "Joined a wave",
        ),
        strict=True,
    )
)
_TAKEN_IN = 'code!~"photo_too_large|uploads_busy"'
"""Attempts that the site took in: not those whose photo is over the limit, not those told to come back before sending."""
_NOT_COMPLETED = 'outcome!="completed"'
_OUTCOME_COLOURS = {
    "completed": Colour.BLUE,
    "refused": Colour.YELLOW,
    "rejected": Colour.GREY,
    "failed": Colour.VERMILION,
    "abandoned": Colour.PURPLE,
    "completed_unheard": Colour.SKY,
    "shutdown": Colour.ORANGE,
    "process_died": Colour.ORANGE,
}


def _attempts(*where: str) -> str:
    return per_second(telemetry.UPLOAD_ATTEMPTS, *where)


PEOPLE = Row(
    "Do people get through?",
    (
        Panel(
            "People past each step",
            "How many people passed each step in the time shown, in the order of the registration. The first step where the bars break"
            " off is where people are stuck: when it is a photo, read on below; when it is an earlier step, go to 'Is the rest well?'.",
            Unit.PEOPLE,
            tuple(Query(counted(telemetry.PEOPLE_STEPS, f'step="{step}"'), title, instant=True) for step, title in _STEP_TITLES.items()),
            form=Form.BARS,
            columns=10,
            height=10,
            decimals=0,
        ),
        Panel(
            "People passing a step per second",
            "The pace at each step, in wall seconds of the scaled site. Accounts are the people who come; the selfie is the pace that"
            " counts: while it stays below accounts, the crowd before the photos grows. Turn what the rows below point to.",
            Unit.PEOPLE_PER_SECOND,
            (Query(per_second(telemetry.PEOPLE_STEPS, by=("step",)), "{{step}}"),),
            columns=14,
            height=10,
            paints=(
                Paint("^account$", Colour.GREY),
                Paint("^ktp$", Colour.ORANGE),
                Paint("^selfie$", Colour.VERMILION),
                Paint("^join$", Colour.BLUE),
            ),
        ),
    ),
)

UPLOADS = Row(
    "Where do uploads fail?",
    (
        Panel(
            "Upload attempts by stage and outcome",
            "Every upload attempt that ended, by the stage it ended in. Blue is kept and heard; vermilion the site's own failure;"
            " yellow told to come back before sending; purple a person who left; sky stored but the person had left. Turn what the"
            " thickest band names: failed at admission or store means too many turns for the store's bandwidth; abandoned in the body"
            " means slow lines or a body limit.",
            Unit.ATTEMPTS_PER_SECOND,
            (Query(per_second(telemetry.UPLOAD_ATTEMPTS, by=("outcome", "stage")), "{{outcome}} at {{stage}}"),),
            columns=14,
            height=10,
            stacked=True,
            paints=tuple(Paint(f"^{outcome} at ", colour, shades=True) for outcome, colour in _OUTCOME_COLOURS.items()),
        ),
        Panel(
            "Failed share of uploads",
            "Failed: of the attempts that the site took in, the share that did not end kept and heard. Photos over the size limit and"
            " people told to come back before sending are no failures of the upload and have lines of their own, as shares of all"
            " attempts. Above half for a minute fires the alert UploadsFailing; then look at the codes and at the store.",
            Unit.RATIO,
            (
                Query(share(_attempts(_NOT_COMPLETED, _TAKEN_IN), _attempts(_TAKEN_IN)), "failed"),
                Query(share(_attempts('code="photo_too_large"'), _attempts()), "photo too large"),
                Query(share(_attempts('code="uploads_busy"'), _attempts()), "told to come back"),
            ),
            columns=10,
            height=10,
            highest=1.0,
            paints=(
                Paint("^failed$", Colour.VERMILION),
                Paint("^photo too large$", Colour.GREY),
                Paint("^told to come back$", Colour.YELLOW),
            ),
        ),
        Panel(
            "Codes of attempts that did not complete",
            "The reasons, in total over the time shown; one line is one way to fail. upload_failed at admission: the upload slots are"
            " all taken; upload_timed_out at store: too many turns share the bandwidth; client_left in body: the person's patience or"
            " line; photo_too_large: raise the limit or make the page shrink photos.",
            Unit.COUNT,
            (
                Query(
                    f"{counted(telemetry.UPLOAD_ATTEMPTS, _NOT_COMPLETED, by=('photo', 'stage', 'outcome', 'code'))} > 0",
                    "attempts",
                    instant=True,
                ),
            ),
            form=Form.TABLE,
            columns=10,
            height=9,
            decimals=0,
        ),
        Panel(
            "Time in each stage, p99",
            "How long the slowest hundredth of uploads spent in each stage, in wall seconds. The stage that grows first is the one that"
            " is short of something: body is the person's line, admission and store are queues, commit is the disk or the database.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.UPLOAD_STAGE_SECONDS, by=("stage",)), "{{stage}}"),),
            columns=7,
            height=9,
        ),
        Panel(
            "Uploads begun, ended, and in flight",
            "Begun and ended per second, and how many are open. In flight that grows while ended stays flat is a queue without an end:"
            " lower the turns limit or refuse earlier.",
            Unit.COUNT,
            (
                Query(per_second(telemetry.UPLOAD_ATTEMPTS_STARTED), "begun per second"),
                Query(per_second(telemetry.UPLOAD_ATTEMPTS), "ended per second"),
                Query(now(telemetry.UPLOAD_ATTEMPTS_IN_FLIGHT), "in flight"),
            ),
            columns=7,
            height=9,
        ),
    ),
)

_LIMIT = Paint("limit|bandwidth|capacity", Colour.GREY, dashed=True)

STORE = Row(
    "Is it the photo store?",
    (
        Panel(
            "Store turns",
            "Uploads that have a turn, wait for one, and the limit (dashed). All turns taken all the time while the failed share is"
            " high means that each turn gets too small a share of the bandwidth to end within people's patience: fewer turns let more"
            " people through.",
            Unit.COUNT,
            (
                Query(now(telemetry.STORE_TURNS), "turns"),
                Query(now(telemetry.STORE_WAITING), "waiting"),
                Query(now(telemetry.STORE_TURNS_LIMIT), "limit of turns"),
            ),
            paints=(_LIMIT,),
        ),
        Panel(
            "Store bandwidth",
            "Bytes moved per second, commit cost included, against what the store can move (dashed). At the dashed line the store is"
            " the bottleneck: what counts then is that it moves photos that are kept, so compare with the next panel before buying a"
            " bigger store.",
            Unit.BYTES_PER_SECOND,
            (
                Query(per_second(telemetry.STORE_MOVED_BYTES), "moved"),
                Query(now(telemetry.STORE_BANDWIDTH_BYTES_PER_SECOND), "bandwidth"),
            ),
            paints=(_LIMIT,),
        ),
        Panel(
            "Bytes received per byte kept",
            "What is wasted: 1 means that every byte received was kept and heard. 5 means that people send a photo five times over, or"
            " that the store works for people who left. Refuse before the body, keep partial uploads, cancel when the person leaves.",
            Unit.COUNT,
            (
                Query(
                    f"{per_second(telemetry.UPLOAD_RECEIVED_BYTES)} / ({per_second(telemetry.UPLOAD_KEPT_BYTES)} > 0)",
                    "received per kept",
                ),
            ),
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
            paints=(_LIMIT,),
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
            paints=(_LIMIT,),
        ),
        Panel(
            "Photo bytes per second",
            "Bytes that arrive and bytes that are kept. The gap between the lines is work thrown away.",
            Unit.BYTES_PER_SECOND,
            (
                Query(per_second(telemetry.UPLOAD_RECEIVED_BYTES), "received"),
                Query(per_second(telemetry.UPLOAD_KEPT_BYTES), "kept"),
            ),
            paints=(Paint("^received$", Colour.ORANGE), Paint("^kept$", Colour.BLUE)),
        ),
    ),
)
