"""The page *The people*: how many get through each step, how long they wait, and what the site's partners do to them."""

from gelombang import telemetry
from gelombang.panels import readings
from gelombang.panels.expression import Rest, counted, now, per_minute, per_second, quantile, share
from gelombang.panels.parts import Colour, Form, Page, Paint, Panel, Query, Row, Runbook, Unit
from gelombang.telemetry import Side
from gelombang.telemetry_labels import REGISTRATION_STEPS

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
_STEP_PAINTS = (
    Paint("^account$", Colour.GREY),
    Paint("^ktp$", Colour.ORANGE),
    Paint("^selfie$", Colour.VERMILION),
    Paint("^join$", Colour.BLUE),
)
FINISHING = per_minute(telemetry.PEOPLE_STEPS, 'step="join"')
ARRIVING = per_minute(telemetry.PEOPLE_STEPS, 'step="account"')
_FORM_ROUTES = 'route=~"account|login|email_link|data|otp_send|otp"'
"""Account, log-in, e-mail link, personal data and OTP: everything before the photos."""
_SITE_FAULT = 'status=~"5..|429"'

_THROUGH = Row(
    "Do people get through?",
    (
        Panel(
            "People past each step",
            "How many people passed each step in the time shown, in the order of the registration. The first step where the bars break off"
            " is where people are stuck: when it is a photo, go to the page Where uploads fail; when it is NIK, to the registry below.",
            Unit.PEOPLE,
            tuple(Query(counted(telemetry.PEOPLE_STEPS, f'step="{step}"'), title, instant=True) for step, title in _STEP_TITLES.items()),
            Runbook.PEOPLE_NOT_FINISHING,
            form=Form.BARS,
            columns=10,
            height=10,
            decimals=0,
        ),
        Panel(
            "People passing a step per second",
            "The pace at each step, in wall seconds of the scaled site. Accounts are the people who come; the selfie is the pace that"
            " counts: while it stays below the NIKs verified, the crowd before the photos grows.",
            Unit.PEOPLE_PER_SECOND,
            (Query(per_second(telemetry.PEOPLE_STEPS, by=("step",)), "{{step}}"),),
            Runbook.PEOPLE_NOT_FINISHING,
            record=readings.people_past_steps,
            columns=14,
            height=10,
            paints=_STEP_PAINTS,
        ),
        Panel(
            "People arriving and finishing",
            "Accounts made and waves joined, per minute of wall time. Finishing follows arriving with the length of the whole registration"
            " between them; when arriving falls and finishing does not follow, people are stuck.",
            Unit.PEOPLE_PER_MINUTE,
            (Query(ARRIVING, "arriving"), Query(FINISHING, "finishing")),
            Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
            record=readings.people_finishing,
            paints=(Paint("^arriving$", Colour.GREY), Paint("^finishing$", Colour.BLUE)),
        ),
        Panel(
            "What became of people",
            "Fates that are known, in total. Gave up is people lost to the site; unreachable never read their mail, which no site can help;"
            " rejected had a wrong number.",
            Unit.PEOPLE,
            (Query(counted(telemetry.PEOPLE_FATES, by=("fate",)), "{{fate}}", instant=True),),
            Runbook.PEOPLE_NOT_FINISHING,
            side=Side.GENERATOR,
            form=Form.BARS,
            decimals=0,
        ),
        Panel(
            "People in an exchange and between steps",
            "The crowd: people with a request open, and people who think, wait for a message or are away. A crowd between steps that only"
            " grows comes back as retries.",
            Unit.PEOPLE,
            (
                Query(now(telemetry.PEOPLE_IN_FLIGHT), "in an exchange"),
                Query(now(telemetry.PEOPLE_WAITING), "between steps"),
            ),
            Runbook.SITE_STAYS_DOWN,
            record=readings.people_between_steps,
            side=Side.GENERATOR,
            decimals=0,
        ),
    ),
)

_FELT = Row(
    "What do people feel?",
    (
        Panel(
            "Response p99 as people felt it",
            "From when an attempt was due to its end, wall time, for the slowest hundredth at each step. This holds the wait before a late"
            " start too, so compare with the lateness on the page The instrument.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.RESPONSE_SECONDS, by=("step",)), "{{step}}"),),
            Runbook.PEOPLE_NOT_FINISHING,
            record=readings.response_p99(
                "account", "email-link", "data", "otp-send", "otp", "photo-page", "ktp", "selfie", "test-start", "test", "join"
            ),
            side=Side.GENERATOR,
        ),
        Panel(
            "What people met",
            "Attempts at all steps as people saw them end. Compare with what the server says on the page Where uploads fail: timed_out here"
            " and completed there is an answer that nobody waited for.",
            Unit.ATTEMPTS_PER_SECOND,
            (Query(per_second(telemetry.ATTEMPTS, by=("outcome",)), "{{outcome}}"),),
            Runbook.PEOPLE_NOT_FINISHING,
            side=Side.GENERATOR,
            stacked=True,
            paints=(Paint("^ok$", Colour.BLUE), Paint("^failed$", Colour.VERMILION), Paint("^timed_out$", Colour.PURPLE)),
        ),
        Panel(
            "Pace of people past each step, as the generator saw it",
            "The other end of the pace above. The two differ by answers that people did not wait for.",
            Unit.PEOPLE_PER_SECOND,
            (Query(per_second(telemetry.PEOPLE_PASSED, by=("step",)), "{{step}}"),),
            Runbook.PEOPLE_NOT_FINISHING,
            record=readings.people_past_steps,
            side=Side.GENERATOR,
            paints=_STEP_PAINTS,
        ),
    ),
)

_REST = Row(
    "Is the rest well?",
    (
        Panel(
            "Requests that succeed: account, e-mail, data, OTP",
            "Share of answers that are no failure of the site (5xx) and no refusal (429). Near 1 while uploads fail means that the photo"
            " path is the patient, as in 2020. When it falls too, uploads take something from everybody: give them a process of their own.",
            Unit.RATIO,
            (
                Query(
                    Rest(
                        share(
                            per_second(telemetry.REQUESTS, _FORM_ROUTES, _SITE_FAULT, by=("route",)),
                            per_second(telemetry.REQUESTS, _FORM_ROUTES, by=("route",)),
                        )
                    ),
                    "{{route}}",
                ),
            ),
            Runbook.PEOPLE_NOT_FINISHING,
            highest=1.0,
        ),
        Panel(
            "Answer time p99: account, e-mail, data, OTP",
            "From headers read to answer written, in wall seconds, for the slowest hundredth. When it grows with the loop's lag, the"
            " process is short of CPU; when it grows alone, look at the database's and the password queue.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.REQUEST_SECONDS, _FORM_ROUTES, by=("route",)), "{{route}}"),),
            Runbook.PEOPLE_NOT_FINISHING,
        ),
        Panel(
            "Problems answered",
            "Answers that were problem documents, by code, uploads included. A code that jumps names the limit that was hit.",
            Unit.ANSWERS_PER_SECOND,
            (Query(per_second(telemetry.PROBLEMS, by=("code",)), "{{code}}"),),
            Runbook.PEOPLE_NOT_FINISHING,
            stacked=True,
        ),
    ),
)

_PARTNERS = Row(
    "Do the partners keep up?",
    (
        Panel(
            "People waiting for the civil registry",
            "The queue before the registry, whose look-ups are capped, and how long it may get (dashed). It grows whenever more people hand"
            " in data than the cap: nobody fails, they wait. Ask the partner for a higher cap, or tell people when to expect the answer.",
            Unit.PEOPLE,
            (
                Query(now(telemetry.REGISTRY_WAITING), "waiting"),
                Query(now(telemetry.REGISTRY_WAITING_LIMIT), "limit of the queue"),
            ),
            Runbook.REGISTRY_SATURATED,
            decimals=0,
            paints=(Paint("limit", Colour.GREY, dashed=True),),
        ),
        Panel(
            "Registry look-ups",
            "Answers of the registry, by result, against its cap (dashed). A growing share of unknown means that wrong NIKs come in.",
            Unit.PER_SECOND,
            (
                Query(per_second(telemetry.REGISTRY_LOOKUPS, by=("result",)), "{{result}}"),
                Query(now(telemetry.REGISTRY_LIMIT_PER_SECOND), "limit"),
            ),
            Runbook.REGISTRY_SATURATED,
            paints=(Paint("limit", Colour.GREY, dashed=True),),
        ),
        Panel(
            "Mail and SMS",
            "Messages waiting in the outbox, and messages sent per second, by kind. Waiting that grows delays the e-mail and OTP steps:"
            " raise the partner's rate, or lengthen the life of the codes.",
            Unit.COUNT,
            (
                Query(now(telemetry.MESSAGES_WAITING, by=("kind",)), "{{kind}} waiting"),
                Query(per_second(telemetry.MESSAGES_SENT, by=("kind",)), "{{kind}} sent per second"),
            ),
            Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
        ),
        Panel(
            "Payments",
            "What became of payments when their wallet partner was asked, a second. Empty where the site has no programme. A growing share"
            " of again: a partner does not say whether the money moved; it is asked once more with the same key, and nobody is paid twice.",
            Unit.PER_SECOND,
            (Query(per_second(telemetry.PAYMENT_ANSWERS, by=("became",)), "{{became}}"),),
            Runbook.PEOPLE_FINISHING_TOO_SLOWLY,
        ),
    ),
)

PEOPLE_PAGE = Page(
    uid="gelombang-people",
    file="the-people",
    title="The people",
    description="Who gets through, how long people wait, whether the other steps are well, and whether the partners keep up.",
    tags=("gelombang", "people"),
    rows=(_THROUGH, _FELT, _REST, _PARTNERS),
)
