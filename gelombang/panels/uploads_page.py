"""The page *Where uploads fail*: both photos apart, stage by code, both ends, what is repeated, where the time goes, and the store."""

from gelombang import telemetry
from gelombang.panels import readings
from gelombang.panels.expression import Over, Positive, Read, counted, now, per_second, quantile, share
from gelombang.panels.parts import Colour, Form, Page, Paint, Panel, Query, Row, Runbook, Unit
from gelombang.panels.store_row import STORE
from gelombang.steps import PhotoKind
from gelombang.telemetry import Side

TAKEN_IN = 'code!~"photo_too_large|uploads_busy"'
"""Attempts that the site took in: not those whose photo is over the limit, not those told to come back before sending."""
NOT_COMPLETED = 'outcome!="completed"'
COMPLETED = 'outcome="completed"'
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
_PHOTO_NAMES = {PhotoKind.KTP: "KTP photo", PhotoKind.SELFIE: "Selfie"}


def attempts(*where: str) -> Read:
    """Upload attempts ended per second."""
    return per_second(telemetry.UPLOAD_ATTEMPTS, *where)


def _by_stage(photo: PhotoKind) -> Panel:
    return Panel(
        f"{_PHOTO_NAMES[photo]}: attempts by stage and outcome",
        "Every attempt that ended, by the stage it ended in. Blue is kept and heard; vermilion the site's own failure; yellow told to come"
        " back before sending; purple a person who left; sky stored but the person had left. Turn what the thickest band names: failed at"
        " store means too many turns for the store's bandwidth; abandoned in the body means slow lines.",
        Unit.ATTEMPTS_PER_SECOND,
        (Query(per_second(telemetry.UPLOAD_ATTEMPTS, f'photo="{photo}"', by=("outcome", "stage")), "{{outcome}} at {{stage}}"),),
        Runbook.UPLOADS_FAILING,
        columns=8,
        height=10,
        stacked=True,
        paints=tuple(Paint(f"^{outcome} at ", colour, shades=True) for outcome, colour in _OUTCOME_COLOURS.items()),
    )


_FAILED_SHARE = Panel(
    "Failed share of uploads",
    "Of the attempts that the site took in, the share that did not end kept and heard. Photos over the size limit and people told to come"
    " back before they sent anything are not failures of the upload and have lines of their own, as shares of all attempts. Then look at"
    " the codes and at the store.",
    Unit.RATIO,
    (
        Query(share(attempts(NOT_COMPLETED, TAKEN_IN), attempts(TAKEN_IN)), "failed"),
        Query(share(attempts('code="photo_too_large"'), attempts()), "photo too large"),
        Query(share(attempts('code="uploads_busy"'), attempts()), "told to come back"),
    ),
    Runbook.UPLOADS_FAILING,
    record=readings.uploads_failed,
    columns=8,
    height=10,
    highest=1.0,
    paints=(
        Paint("^failed$", Colour.VERMILION),
        Paint("^photo too large$", Colour.GREY),
        Paint("^told to come back$", Colour.YELLOW),
    ),
)

_WHERE = Row(
    "Where do uploads fail?",
    (
        _by_stage(PhotoKind.KTP),
        _by_stage(PhotoKind.SELFIE),
        _FAILED_SHARE,
        Panel(
            "Codes of attempts that did not complete",
            "The reasons, in total over the time shown; one line is one way to fail. upload_failed at store: the turns are all taken;"
            " upload_timed_out at store: too many turns share the bandwidth; client_left in body: the person's patience or line;"
            " photo_too_large: raise the limit or make the page shrink photos.",
            Unit.COUNT,
            (
                Query(
                    Positive(counted(telemetry.UPLOAD_ATTEMPTS, NOT_COMPLETED, by=("photo", "stage", "outcome", "code"))),
                    "attempts",
                    instant=True,
                ),
            ),
            Runbook.UPLOADS_FAILING,
            form=Form.TABLE,
            columns=16,
            height=9,
            decimals=0,
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
            Runbook.UPLOADS_FAILING,
            columns=8,
            height=9,
        ),
    ),
)

_BOTH_ENDS = Row(
    "Do both ends agree?",
    (
        Panel(
            "Photo attempts as people saw them",
            "The generator's end of the same attempts: how they ended and in which phase. Timed out in wait here and completed at the"
            " server is an answer that nobody waited for; refused or reset in connect never reached the server at all.",
            Unit.ATTEMPTS_PER_SECOND,
            (Query(per_second(telemetry.UPLOADS, by=("outcome", "phase")), "{{outcome}} in {{phase}}"),),
            Runbook.UPLOADS_FAILING,
            side=Side.GENERATOR,
            height=9,
            stacked=True,
            paints=(
                Paint("^ok in ", Colour.BLUE),
                Paint("^failed in ", Colour.VERMILION),
                Paint("^timed_out in ", Colour.PURPLE, shades=True),
                Paint("^refused in ", Colour.YELLOW),
                Paint("^too_large in ", Colour.GREY),
            ),
        ),
        Panel(
            "Attempts per photo acknowledged",
            "How often a photo is sent for each one that is kept and heard. 1 is perfect; 3 means that the site works three times for one"
            " result, and that two of three uploads are repeats which the failures themselves made. Refuse earlier, and tell a time to"
            " come back.",
            Unit.COUNT,
            (Query(Over(attempts(), attempts(COMPLETED)), "attempts per photo acknowledged"),),
            Runbook.UPLOADS_AMPLIFIED,
            record=readings.amplification,
            height=9,
            decimals=1,
            paints=(Paint("^attempts", Colour.VERMILION),),
        ),
        Panel(
            "Time in each phase of an upload, p90",
            "Where people's time goes: connect and send are the person's own line, wait is the site. When send grows alone, the lines are"
            " slow and no setting of the site helps.",
            Unit.SECONDS,
            (Query(quantile(0.9, telemetry.UPLOAD_PHASE_SECONDS, by=("phase",)), "{{phase}}"),),
            Runbook.UPLOADS_FAILING,
            side=Side.GENERATOR,
            height=9,
            paints=(
                Paint("^connect$", Colour.GREY),
                Paint("^send$", Colour.SKY),
                Paint("^wait$", Colour.VERMILION),
                Paint("^receive$", Colour.GREEN),
            ),
        ),
    ),
)

_TIMES = Row(
    "Where does the time go?",
    (
        Panel(
            "Time in each stage, p99",
            "How long the slowest hundredth of uploads spent in each stage, in wall seconds. The stage that grows first is the one that is"
            " short of something: body is the person's line, admission and store are queues, commit is the disk or the database.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.UPLOAD_STAGE_SECONDS, by=("stage",)), "{{stage}}"),),
            Runbook.UPLOADS_FAILING,
            columns=12,
        ),
        Panel(
            "Time in each stage, median",
            "The same for the middle upload. A median that grows concerns everybody; a p99 that grows alone concerns the largest photos"
            " and the slowest lines.",
            Unit.SECONDS,
            (Query(quantile(0.5, telemetry.UPLOAD_STAGE_SECONDS, by=("stage",)), "{{stage}} median"),),
            Runbook.UPLOADS_FAILING,
            columns=12,
        ),
    ),
)

UPLOADS_PAGE = Page(
    uid="gelombang-uploads",
    file="where-uploads-fail",
    title="Where uploads fail",
    description="KTP and selfie apart: stage and code of every attempt, both ends, repeats, time in each stage, and the store behind them.",
    tags=("gelombang", "uploads"),
    rows=(_WHERE, _BOTH_ENDS, _TIMES, STORE),
)
