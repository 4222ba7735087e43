"""The page *The instrument*: whether the generator can be believed. On the real day there is none, and the page says so."""

from gelombang import telemetry
from gelombang.panels import readings
from gelombang.panels.expression import now, per_second, quantile
from gelombang.panels.parts import Colour, Page, Paint, Panel, Query, Row, Runbook, Unit
from gelombang.telemetry import Side

_MACHINE = telemetry.GENERATOR_MACHINE
_LIMIT = Paint("limit", Colour.GREY, dashed=True)

_HONEST = Row(
    "Is the generator honest?",
    (
        Panel(
            "People offered and started",
            "People whose due time came, and people who were started. The lines must lie on each other: when started falls below offered,"
            " the generator is the bottleneck and the run proves nothing. Use more generator processes or a smaller sample.",
            Unit.PEOPLE_PER_SECOND,
            (
                Query(per_second(telemetry.ARRIVALS_OFFERED), "offered"),
                Query(per_second(telemetry.ARRIVALS_STARTED), "started"),
            ),
            Runbook.GENERATOR_INVALID,
            record=readings.people_offered,
            side=Side.GENERATOR,
            paints=(Paint("^offered$", Colour.GREY, dashed=True), Paint("^started$", Colour.BLUE)),
        ),
        Panel(
            "Lateness p99",
            "How late first steps were sent, wall time. Above 5 ms the generator adds waits of its own to what people feel, and above 50 ms"
            " no verdict can be drawn: look at its CPU.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.LATENESS_SECONDS), "lateness p99"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
        ),
        Panel(
            "What the run would be called now",
            "1 for the word that each generator process would say of the run so far. Anything but valid: do not act on the other pages"
            " before the generator is well.",
            Unit.COUNT,
            (Query(now(telemetry.VALIDITY, by=("validity", "instance")), "{{validity}} by {{instance}}"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            decimals=0,
            paints=(
                Paint("^valid ", Colour.BLUE),
                Paint("^suspect ", Colour.YELLOW),
                Paint("^invalid ", Colour.VERMILION),
            ),
        ),
        Panel(
            "Doubts",
            "1 while a generator process has this reason not to believe the run. The name of the doubt says what to turn.",
            Unit.COUNT,
            (Query(now(telemetry.DOUBT, by=("doubt",)), "{{doubt}}"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            decimals=0,
        ),
        Panel(
            "People planned",
            "People that are to be started in this run, over all its processes. Compare with what was offered so far: the rest is to come.",
            Unit.PEOPLE,
            (Query(now(telemetry.PEOPLE_PLANNED), "planned"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            decimals=0,
        ),
        Panel(
            "Bytes sent",
            "What the generator sends per second, all processes. A flat top below the lines' speed means that the generator's own network"
            " or CPU is the limit.",
            Unit.BYTES_PER_SECOND,
            (Query(per_second(telemetry.SENT_BYTES), "sent"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
        ),
    ),
)

_COST = Row(
    "Has the generator enough of everything?",
    (
        Panel(
            "Generator CPU",
            "Cores that each generator process uses. One process can use one core: near 1 it is late, whatever the site does.",
            Unit.CORES,
            (Query(per_second(telemetry.GENERATOR_CPU_SECONDS, by=("instance",)), "{{instance}}"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=6,
            decimals=2,
        ),
        Panel(
            "Generator loop lag p99",
            "How late the generator's loop woke a timer: each of its people waited as long. It must stay far below people's patience.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.GENERATOR_LOOP_LAG_SECONDS, by=("instance",)), "{{instance}}"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=6,
        ),
        Panel(
            "Generator memory",
            "Resident memory of each generator process, and what the machine could still give (dashed).",
            Unit.BYTES,
            (
                Query(now(telemetry.GENERATOR_RESIDENT_BYTES, by=("instance",)), "{{instance}}"),
                Query(now(_MACHINE.memory_available_bytes), "limit: available"),
                Query(now(_MACHINE.memory_bytes), "limit: machine"),
            ),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=6,
            paints=(_LIMIT,),
        ),
        Panel(
            "Generator descriptors and exchanges",
            "Files and sockets that are open, and people in an exchange, each with its limit (dashed). At a limit people wait inside the"
            " generator, and what they feel is not the site's.",
            Unit.COUNT,
            (
                Query(now(telemetry.GENERATOR_DESCRIPTORS), "descriptors"),
                Query(now(telemetry.GENERATOR_DESCRIPTORS_LIMIT), "limit of descriptors"),
                Query(now(telemetry.PEOPLE_IN_FLIGHT_LIMIT), "limit of people in an exchange"),
            ),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=6,
            paints=(_LIMIT,),
        ),
        Panel(
            "Generator machine: CPU",
            "Cores by what they do, and how many there are (dashed). Steal means that a neighbour on the same host takes them away.",
            Unit.CORES,
            (
                Query(per_second(_MACHINE.cpu_seconds, 'mode!="idle"', by=("mode",)), "{{mode}}"),
                Query(now(_MACHINE.cores), "limit: cores"),
            ),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=12,
            paints=(_LIMIT,),
        ),
        Panel(
            "Generator machine: waiting and lost",
            "Share of the time in which some task waited for CPU, disk or memory, and TCP segments sent again per second. Above 0.1 the"
            " machine is too small for what runs on it.",
            Unit.COUNT,
            (
                Query(per_second(_MACHINE.stalled_seconds, by=("resource",)), "waiting for {{resource}}"),
                Query(per_second(_MACHINE.retransmits), "segments again per second"),
            ),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=12,
        ),
    ),
)

_SCALE = Row(
    "What does the run stand for?",
    (
        Panel(
            "Clock of the run",
            "Seconds of the people's time in a second of wall time, on both ends. They must be the same; all durations on these pages are"
            " wall time.",
            Unit.COUNT,
            (Query(now(telemetry.GENERATOR_SPEED, by=("instance",)), "{{instance}}"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=12,
        ),
        Panel(
            "Sample of the run",
            "Share of the people that are sent. 0.02 means that one person stands for fifty.",
            Unit.COUNT,
            (Query(now(telemetry.GENERATOR_SAMPLE, by=("instance",)), "{{instance}}"),),
            Runbook.GENERATOR_INVALID,
            side=Side.GENERATOR,
            columns=12,
            decimals=3,
        ),
    ),
)

INSTRUMENT_PAGE = Page(
    uid="gelombang-instrument",
    file="the-instrument",
    title="The instrument",
    description="Whether the generator can be believed: late or not, its doubts, and whether it has enough of everything.",
    tags=("gelombang", "instrument"),
    rows=(_HONEST, _COST, _SCALE),
)
