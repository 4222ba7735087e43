"""The page *Now*: nine values that an operator reads first, and what they point to. Every alert links here.

The one sentence with a name for the cause is `gelombang.diagnosis`; here stands as much of it as recording rules can say, so that it is
there on the real day too, when only Prometheus looks.
"""

from gelombang import telemetry
from gelombang.panels import readings
from gelombang.panels.expression import Minus, Over, Ruled, counted, now, per_second, share
from gelombang.panels.parts import Colour, Form, Page, Paint, Panel, Query, Row, Runbook, Unit
from gelombang.panels.people_page import ARRIVING, FINISHING
from gelombang.panels.uploads_page import COMPLETED, NOT_COMPLETED, TAKEN_IN, attempts
from gelombang.telemetry import Side

EXCESS_RULE = "job_stage_code:gelombang_server_upload_attempts_failed_excess:ratio"
FINDINGS_RULE = "job_cause:gelombang_findings:sum"
TREND_RULE = "job:gelombang_server_upload_attempts_failed_per_taken_in:ratio_change"

_BACKLOG = Minus(counted(telemetry.PEOPLE_STEPS, 'step="nik"'), counted(telemetry.PEOPLE_STEPS, 'step="selfie"'))

_VALUES = Row(
    "What is wrong now?",
    (
        Panel(
            "1. Arriving and finishing",
            "People per minute of wall time who make an account and who join a wave. Finishing near zero while people arrive: nobody gets"
            " through.",
            Unit.PEOPLE_PER_MINUTE,
            (Query(ARRIVING, "arriving", instant=True), Query(FINISHING, "finishing", instant=True)),
            Runbook.PEOPLE_NOT_FINISHING,
            record=readings.people_finishing,
            form=Form.NUMBERS,
            columns=6,
            height=5,
            decimals=0,
        ),
        Panel(
            "2. Failing share and trend",
            "Share of the uploads taken in that do not end kept and heard, and by how much it has changed against five windows before:"
            " above zero it gets worse, below zero it recovers by itself.",
            Unit.RATIO,
            (
                Query(share(attempts(NOT_COMPLETED, TAKEN_IN), attempts(TAKEN_IN)), "failing", instant=True),
                Query(Ruled(TREND_RULE, Side.SERVER), "change", instant=True),
            ),
            Runbook.UPLOADS_FAILING,
            form=Form.NUMBERS,
            columns=6,
            height=5,
            lowest=None,
        ),
        Panel(
            "3. Leading stage and code",
            "Of the failures that are more than in the last good time, the share that ended at this stage with this code: the first place"
            " to look.",
            Unit.RATIO,
            (Query(Ruled(EXCESS_RULE, Side.SERVER, by=("stage", "code"), top=True), "{{code}} at {{stage}}", instant=True),),
            Runbook.UPLOADS_FAILING,
            form=Form.NUMBERS,
            columns=6,
            height=5,
        ),
        Panel(
            "4. Whose fault, and what to turn",
            "Every cause that its own measurements show, with who owns it and the setting to turn. Empty: nothing is wrong that the rules"
            " know. More than one: begin with the instrument, then with the machine beneath.",
            Unit.COUNT,
            (Query(Ruled(FINDINGS_RULE, Side.SERVER, by=("cause", "owner", "knob")), "is seen", instant=True),),
            Runbook.UPLOADS_FAILING,
            form=Form.TABLE,
            columns=6,
            height=5,
        ),
        Panel(
            "5. Backlog before the photos",
            "People whose NIK was verified and who are not past the selfie, over the time shown.",
            Unit.PEOPLE,
            (Query(_BACKLOG, "people before the photos", instant=True),),
            Runbook.SITE_STAYS_DOWN,
            form=Form.NUMBERS,
            columns=4,
            height=5,
            decimals=0,
        ),
        Panel(
            "6. Time to drain",
            "How long that crowd needs at the present pace past the selfie, if nobody came any more, in wall time.",
            Unit.SECONDS,
            (
                Query(
                    Over(_BACKLOG, per_second(telemetry.PEOPLE_STEPS, 'step="selfie"')),
                    "to drain",
                    instant=True,
                ),
            ),
            Runbook.SITE_STAYS_DOWN,
            form=Form.NUMBERS,
            columns=4,
            height=5,
        ),
        Panel(
            "7. Acknowledged and not verified",
            "Photos that the site acknowledged in the time shown and that nobody has looked for in the store since. The audit at the end of"
            " a run, or a restore test, brings it to zero; until then it is a promise.",
            Unit.COUNT,
            (
                Query(counted(telemetry.UPLOAD_ATTEMPTS, COMPLETED), "by the server's word", instant=True),
                Query(counted(telemetry.ACKNOWLEDGED), "by the people's word", instant=True),
            ),
            Runbook.STORE_FILLING,
            form=Form.NUMBERS,
            columns=4,
            height=5,
            decimals=0,
        ),
        Panel(
            "8. Shed on purpose",
            "Answers per second that told a time to come back, by code. Shedding is meant and keeps the rest well; when it is all there is,"
            " capacity is missing.",
            Unit.ANSWERS_PER_SECOND,
            (Query(per_second(telemetry.SHED, by=("code",)), "{{code}}", instant=True),),
            Runbook.UPLOADS_FAILING,
            form=Form.NUMBERS,
            columns=6,
            height=5,
        ),
        Panel(
            "9. Is the instrument valid?",
            "What each generator process would call the run so far: 1 for its word. Anything but valid: do not act on the other numbers.",
            Unit.COUNT,
            (Query(now(telemetry.VALIDITY, by=("validity",)), "{{validity}}", instant=True),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            form=Form.NUMBERS,
            columns=6,
            height=5,
            decimals=0,
        ),
    ),
)

_SINCE = Row(
    "Since when, and does it get better by itself?",
    (
        Panel(
            "Failing share over time",
            "The second number above as a line; the marks on the time axis are alerts, phases and faults. A share that stays up after the"
            " arrivals came down does not recover by itself.",
            Unit.RATIO,
            (Query(share(attempts(NOT_COMPLETED, TAKEN_IN), attempts(TAKEN_IN)), "failing"),),
            Runbook.SITE_STAYS_DOWN,
            record=readings.uploads_failed,
            columns=12,
            highest=1.0,
            paints=(Paint("^failing$", Colour.VERMILION),),
        ),
        Panel(
            "Arriving and finishing over time",
            "The first numbers above as lines. Where they part is where people begin to be stuck.",
            Unit.PEOPLE_PER_MINUTE,
            (Query(ARRIVING, "people arriving"), Query(FINISHING, "people finishing")),
            Runbook.PEOPLE_NOT_FINISHING,
            record=readings.people_finishing,
            columns=12,
            paints=(Paint("arriving$", Colour.GREY), Paint("finishing$", Colour.BLUE)),
        ),
        Panel(
            "Excess failures by stage and code",
            "Of the failures that are more than in the last good time, the shares of each stage and code.",
            Unit.RATIO,
            (Query(Ruled(EXCESS_RULE, Side.SERVER, by=("stage", "code")), "{{code}} at {{stage}}"),),
            Runbook.UPLOADS_FAILING,
            columns=12,
            stacked=True,
        ),
        Panel(
            "Causes over time",
            "1 while a cause shows itself in its own measurements: where a line begins is since when.",
            Unit.COUNT,
            (Query(Ruled(FINDINGS_RULE, Side.SERVER, by=("cause",)), "{{cause}}"),),
            Runbook.UPLOADS_FAILING,
            columns=12,
            decimals=0,
        ),
    ),
)

NOW_PAGE = Page(
    uid="gelombang-now",
    file="now",
    title="Now",
    description="Nine values: who gets through, what fails where since when, whose fault it is, and what to turn.",
    tags=("gelombang", "now"),
    rows=(_VALUES, _SINCE),
)
