"""The figures of docs/scaling.md as lines of Markdown."""

from collections.abc import Sequence

from scaling import bill
from scaling.hosts import ABOVE, BELOW, CORES_PER_HOST, HOSTS, SHARED, Point
from scaling.prices import PerFinished, Prices
from scaling.processes import POINTS
from scaling.rounds import SQLITE, Measured, Round, middle, spread
from server_bench.flow import PHOTO_BYTES

from gelombang.record import RunRecord
from gelombang_capacity.plan_outcome import short
from gelombang_capacity.plan_result import PlanResult
from gelombang_capacity.scalability import scalability

SERIES = {
    "API processes, one upload process": ((1, 1), (2, 1), (3, 1), (4, 1)),
    "upload processes, one API process": ((1, 1), (1, 2), (1, 3), (1, 4)),
    "both": ((1, 1), (2, 2), (3, 3), (4, 4)),
}
"""The number of processes that grows is that of the point's place."""


def process_lines(measured: Measured) -> list[str]:
    """A row for each point: middle of the rounds, least and most."""
    rounds = len({each.number for each in measured.rounds})
    lines = [
        f"Measured {measured.made_at[:10]} on {measured.cores} cores, code {measured.commit or 'unknown'}: {rounds} interleaved rounds, "
        "median (least to most).",
        "",
        "| API, upload processes | people/s | server's CPU, ms a person | client's | cores used | busiest process | writer busy "
        "| writes a commit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(each.database for each in measured.rounds):
        for api, uploads in POINTS:
            found = measured.at(api, uploads, PHOTO_BYTES, kind)
            if found:
                lines.append(_process_row(f"{api}, {uploads}{'' if kind == SQLITE else ', PostgreSQL'}", found))
    return lines


def _process_row(name: str, found: Sequence[Round]) -> str:
    names = [each.busiest[0] for each in found]
    busiest = max(dict.fromkeys(names), key=names.count)
    cells = [
        name,
        spread(found, lambda each: each.per_second, 0),
        spread(found, lambda each: each.server_cpu_ms, 2),
        f"{middle(found, lambda each: each.client_cpu_ms):.2f}",
        f"{middle(found, lambda each: each.cores_used):.2f}",
        f"{busiest}, {middle(found, lambda each: each.busiest[1]):.2f} of a core",
        f"{middle(found, lambda each: each.writer_busy_ratio):.0%}",
        f"{middle(found, lambda each: each.writes_per_commit):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def law_lines(measured: Measured) -> list[str]:
    """The scalability law of each series, as a hint."""
    lines = ["| what grows | contention | coherency | the law's peak |", "|---|---|---|---|"]
    for name, series in SERIES.items():
        points = []
        for number, (api, uploads) in enumerate(series, start=1):
            if found := measured.at(api, uploads, PHOTO_BYTES):
                points.append((float(number), middle(found, lambda each: each.per_second)))
        law = scalability(points)
        if law is None:
            lines.append(f"| {name} | – | – | none: {len(points)} points |")
        else:
            peak = law.peak_requests_in_service
            lines.append(f"| {name} | {law.contention:.2f} | {law.coherency:.3f} | {'none' if peak is None else f'{peak:.1f}'} |")
    return lines


def price_lines(asks: PerFinished, price: Prices) -> list[str]:
    """Where the processor's time of one finished person goes, everybody who does not finish included."""
    cores = asks.cpu_seconds(price)
    parts = (
        ("passwords hashed", asks.passwords, price.password_seconds, cores.passwords),
        ("photos decoded after they were stored", asks.photos_kept, price.decode_seconds, cores.decoding),
        ("photos taken in, tickets included", asks.photo_tries, price.photo_seconds, cores.photos),
        ("small requests", asks.small, price.small_seconds, cores.small),
    )
    lines = ["| work | times for a finished person | ms each | ms of CPU | share |", "|---|---|---|---|---|"]
    for name, times, each, seconds in sorted(parts, key=lambda part: -part[3]):
        lines.append(f"| {name} | {times:.2f} | {1e3 * each:.3g} | {1e3 * seconds:.1f} | {seconds / cores.total:.0%} |")
    lines.append(
        f"| in all | | | {1e3 * cores.total:.1f} | {CORES_PER_HOST / cores.total:.0f} finished people/s from {CORES_PER_HOST} cores |"
    )
    return lines


def host_lines(points: Sequence[Point]) -> list[str]:
    """A row for each number of hosts, a column for each kind of shared parts."""
    lines = [
        f"| hosts of {CORES_PER_HOST} cores | " + " | ".join(shared.name for shared in SHARED) + " |",
        "|---" * (len(SHARED) + 1) + "|",
    ]
    for number in HOSTS:
        cells = [_host_cell(next(each for each in points if (each.hosts, each.shared) == (number, shared.name))) for shared in SHARED]
        lines.append(f"| {number} | " + " | ".join(cells) + " |")
    lines += ["", f"In brackets: simulated, at {BELOW:g} and at {ABOVE:g} times that many."]
    return lines


def _host_cell(point: Point) -> str:
    return f"{short(point.bound)}/s, {point.binds} ({short(point.finished_below)}; {short(point.finished_above)})"


def bill_lines(record: RunRecord, price: Prices) -> list[str]:
    """What a million people cost, by one run."""
    found = bill.bill(record, price)
    scale = record.scale.scale()
    lines = [
        f"From `{record.scenario}`, `{record.profile}`, {scale}, {record.started_at[:10]}, {record.validity}: "
        f"{found.registered:,} registered, {found.finished:,} of them finished.",
        "",
        "| what | for a million who register | for a million who finish | unit |",
        "|---|---|---|---|",
    ]
    for what, registered, finished, unit in bill.rows(found):
        lines.append(f"| {what} | {short(registered)} | {short(finished)} | {unit} |")
    return lines


def plan_lines(found: PlanResult) -> list[str]:
    """What the planner says that each part must carry."""
    planned = found.planned
    if planned is None:
        return [f"The planner found no site that is enough: the best lets {found.best.share_through.median:.1%} through."]
    store = found.store_bandwidth_bytes_per_second or 0.0
    lines = [
        f"Planned: {short(planned.people_through.median)} people past both photos ({short(planned.people_through.low)} to "
        f"{short(planned.people_through.high)}), {planned.share_through.median:.1%} of those who could; they wait "
        f"{short(planned.waited_minutes.median)} minutes each from the NIK on, {short(planned.tries_per_photo.median)} tries a photo.",
        "",
        "| part | must sustain | unit |",
        "|---|---|---|",
        f"| civil registry | {found.registry_lookups_per_second or 0:,.0f} | look-ups per second |",
        f"| photo store | {store / 1e6:,.0f} | MB per second |",
    ]
    for need in found.needs:
        amount = f"{short(need.needed.median)} ({short(need.needed.low)} to {short(need.needed.high)})"
        lines.append(f"| {need.resource} | {amount} | {need.unit} |")
    lines += ["", "What would turn it around:"]
    for each in found.sensitivities:
        words = each.name.partition(": ")[2] or each.name
        lines.append(
            f"- {words}: {each.share_through.median:.0%} of those who could get through, {short(each.waited_minutes.median)} minutes each."
        )
    return lines
