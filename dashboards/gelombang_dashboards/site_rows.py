"""The later rows of "Where uploads fail": the rest of the site, its partners, the generator, and the machine."""

from gelombang import telemetry
from gelombang.telemetry import Side
from gelombang_dashboards.panels import Colour, Paint, Panel, Query, Row, Unit
from gelombang_dashboards.promql import now, per_second, quantile, share

_FORM_ROUTES = 'route=~"account|login|email_link|data|otp_send|otp"'
"""Account, log-in, e-mail link, personal data and OTP: everything before the photos."""
_SITE_FAULT = 'status=~"5..|429"'

REST = Row(
    "Is the rest well?",
    (
        Panel(
            "Requests that succeed: account, e-mail, data, OTP",
            "Share of answers that are no failure of the site (5xx) and no refusal (429). Near 1 while uploads fail means that the"
            " photo path is the patient, as in 2020. When it falls too, uploads take something from everybody: give them a process of"
            " their own.",
            Unit.RATIO,
            (
                Query(
                    "1 - "
                    + share(
                        per_second(telemetry.REQUESTS, _FORM_ROUTES, _SITE_FAULT, by=("route",)),
                        per_second(telemetry.REQUESTS, _FORM_ROUTES, by=("route",)),
                    ),
                    "{{route}}",
                ),
            ),
            highest=1.0,
        ),
        Panel(
            "Answer time p99: account, e-mail, data, OTP",
            "From headers read to answer written, in wall seconds, for the slowest hundredth. When it grows with the loop's lag below,"
            " the process is short of CPU; when it grows alone, look at the database's and the password queue.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.REQUEST_SECONDS, _FORM_ROUTES, by=("route",)), "{{route}}"),),
        ),
        Panel(
            "Problems answered",
            "Answers that were problem documents, by code, uploads included. A code that jumps names the limit that was hit.",
            Unit.ANSWERS_PER_SECOND,
            (Query(per_second(telemetry.PROBLEMS, by=("code",)), "{{code}}"),),
            stacked=True,
        ),
    ),
)

PARTNERS = Row(
    "Do the partners keep up?",
    (
        Panel(
            "People waiting for the civil registry",
            "The queue before the registry, whose look-ups are capped. It grows whenever more people hand in data than the cap: nobody"
            " fails, they wait. Ask the partner for a higher cap, or tell people when to expect the answer.",
            Unit.PEOPLE,
            (Query(now(telemetry.REGISTRY_WAITING), "waiting"),),
            decimals=0,
        ),
        Panel(
            "Registry look-ups",
            "Answers of the registry, by result. A flat top is its cap; a growing share of unknown means that wrong NIKs come in.",
            Unit.PER_SECOND,
            (Query(per_second(telemetry.REGISTRY_LOOKUPS, by=("result",)), "{{result}}"),),
            stacked=True,
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
        ),
    ),
)

INSTRUMENT = Row(
    "Is the generator honest?",
    (
        Panel(
            "People offered and started",
            "People whose due time came, and people who were started. The lines must lie on each other: when started falls below"
            " offered, the generator is the bottleneck and the run proves nothing. Use more generator processes or a smaller sample.",
            Unit.PEOPLE_PER_SECOND,
            (
                Query(per_second(telemetry.ARRIVALS_OFFERED), "offered"),
                Query(per_second(telemetry.ARRIVALS_STARTED), "started"),
            ),
            side=Side.GENERATOR,
            paints=(Paint("^offered$", Colour.GREY, dashed=True), Paint("^started$", Colour.BLUE)),
        ),
        Panel(
            "Lateness p99",
            "How late first steps were sent, wall time. Above 5 ms the generator adds waits of its own to what people feel:"
            " look at its CPU.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.LATENESS_SECONDS), "lateness p99"),),
            side=Side.GENERATOR,
        ),
        Panel(
            "Generator CPU",
            "Cores that each generator process uses. One process can use one core: near 1 it is late, whatever the site does.",
            Unit.CORES,
            (Query(per_second(telemetry.GENERATOR_CPU_SECONDS, by=("instance",)), "{{instance}}"),),
            side=Side.GENERATOR,
            decimals=2,
        ),
        Panel(
            "What people met",
            "Attempts at all steps as people saw them end. Compare with what the server says above: timed_out here and completed there"
            " is an answer that nobody waited for.",
            Unit.ATTEMPTS_PER_SECOND,
            (Query(per_second(telemetry.ATTEMPTS, by=("outcome",)), "{{outcome}}"),),
            side=Side.GENERATOR,
            columns=12,
            stacked=True,
            paints=(Paint("^ok$", Colour.BLUE), Paint("^failed$", Colour.VERMILION), Paint("^timed_out$", Colour.PURPLE)),
        ),
        Panel(
            "People in an exchange and between steps",
            "The crowd: people with a request open, and people who think, wait for a message or are away. A crowd between steps that"
            " only grows comes back as retries.",
            Unit.PEOPLE,
            (
                Query(now(telemetry.PEOPLE_IN_FLIGHT), "in an exchange"),
                Query(now(telemetry.PEOPLE_WAITING), "between steps"),
            ),
            side=Side.GENERATOR,
            columns=12,
            decimals=0,
        ),
    ),
)

MACHINE = Row(
    "Is it the server's machine?",
    (
        Panel(
            "Loop lag p99",
            "How late the event loop woke a timer. Above 0.05 s something blocks the loop or the CPU is used up, and every time on this"
            " page grows with it.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.LOOP_LAG_SECONDS, by=("instance",)), "{{instance}}"),),
            columns=6,
        ),
        Panel(
            "Server CPU",
            "Cores that each server process uses. Near 1 the process is at its end: add processes, unless the store is the bottleneck;"
            " then more processes make it worse.",
            Unit.CORES,
            (Query(per_second(telemetry.SERVER_CPU_SECONDS, by=("instance",)), "{{instance}}"),),
            columns=6,
            decimals=2,
        ),
        Panel(
            "Memory",
            "Resident memory of each server process. Photos held whole in memory show here: it must level off at the limit of bodies"
            " times the size of a photo.",
            Unit.BYTES,
            (Query(now(telemetry.SERVER_RESIDENT_BYTES, by=("instance",)), "{{instance}}"),),
            columns=6,
        ),
        Panel(
            "Database and password queues",
            "Operations waiting for the database writer, and passwords waiting to be hashed. A queue that does not empty delays account"
            " and data first: raise the batch limit or the hashing threads.",
            Unit.COUNT,
            (
                Query(now(telemetry.DATABASE_QUEUE), "database"),
                Query(now(telemetry.HASH_QUEUE), "passwords"),
            ),
            columns=6,
        ),
        Panel(
            "Operations per database commit",
            "How many operations share a commit. It rises with load, which is the point of grouping; at the batch limit the"
            " writer is full.",
            Unit.COUNT,
            (Query(f"{per_second(telemetry.DATABASE_OPERATIONS)} / ({per_second(telemetry.DATABASE_COMMITS)} > 0)", "operations"),),
            columns=12,
            decimals=1,
        ),
        Panel(
            "Open descriptors",
            "Files and sockets open in each server process. Near the limit of the process, connections are refused before"
            " the site sees them.",
            Unit.COUNT,
            (Query(now(telemetry.SERVER_DESCRIPTORS, by=("instance",)), "{{instance}}"),),
            columns=12,
            decimals=0,
        ),
    ),
)
