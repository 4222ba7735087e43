"""Where a run comes from and how honest it was: what a reader needs before believing it, or to run it again."""

from dataclasses import dataclass

from gelombang.network_facts import NetworkHost
from gelombang.record import RunRecord, Validity
from gelombang_reports.figures import Figures, clock_text, day_text
from gelombang_reports.people import arrived
from gelombang_reports.response import value
from gelombang_reports.story import scale_words
from gelombang_reports.texts import Texts


@dataclass(frozen=True, slots=True)
class Belief:
    """Whether one run can be believed, in short texts."""

    validity: Validity
    words: str
    lateness: str
    lateness_enough: bool
    offered: str
    unexplained: str
    explained: bool
    coverage: str
    cut: str
    """Empty unless the run was cut short."""


def belief(record: RunRecord, texts: Texts, figures: Figures) -> Belief:
    """The evidence for and against believing a run."""
    mild = record.validity is Validity.VALID and record.doubts
    late = value(record.host.lateness, "p99")
    started, offered = sum(record.windows.started), sum(record.windows.offered)
    unsent = record.people_planned - arrived(record)
    words = f"{figures.count(started)} / {figures.count(offered)} ({figures.share(started, offered)})"
    if unsent:
        words += "; " + texts.unsent_note.format(unsent=figures.count(unsent))
    cut = texts.cut_short.format(clock=clock_text(record.opens_at, record.ended_seconds)) if record.cut_short else ""
    return Belief(
        validity=record.validity,
        words=texts.believed_with_remarks if mild else texts.believed_words[record.validity.value],
        lateness=figures.milliseconds(late.seconds),
        lateness_enough=late.enough,
        offered=words,
        unexplained=figures.count(record.unexplained),
        explained=record.unexplained == 0,
        coverage=record.coverage,
        cut=cut,
    )


def scene(record: RunRecord, texts: Texts) -> str:
    """Which moments the page tells of."""
    begin, end = clock_text(record.opens_at, 0.0), clock_text(record.opens_at, record.for_seconds)
    return texts.scene.format(title=record.title, day=day_text(record.opens_at), begin=begin, end=end)


def rows(record: RunRecord, texts: Texts, figures: Figures) -> list[tuple[str, str]]:
    """Title and text of each line of the provenance."""
    host = record.host
    names = texts.provenance_rows
    people_time = texts.people_time.format(
        day=day_text(record.opens_at),
        begin=clock_text(record.opens_at, 0.0),
        end=clock_text(record.opens_at, record.for_seconds),
        closed=clock_text(record.opens_at, record.ended_seconds),
    )
    cpu = texts.cpu.format(
        generator=figures.decimal(host.generator_cpu_ratio),
        generator_max=figures.decimal(host.generator_cpu_max_ratio),
        server=figures.decimal(host.server_cpu_ratio),
        machine=figures.decimal(host.machine_cpu_ratio),
    )
    known = host.listen_overflows is not None and host.listen_drops is not None
    listen = texts.listen.format(overflows=host.listen_overflows, drops=host.listen_drops) if known else texts.unknown
    return [
        (names["run"], record.run_id if record.kind == "live" else f"{record.run_id} ({record.kind})"),
        (names["scenario"], f"{record.scenario}: {record.title}"),
        (names["profile"], f"{record.profile}: {record.profile_title}"),
        (names["started"], record.started_at),
        (names["people_time"], people_time),
        (names["scale"], scale_words(record, texts, figures)),
        (names["seed"], str(record.seed)),
        (names["digest"], record.plan_digest),
        (names["commit"], record.commit or texts.unknown),
        (names["host"], texts.host.format(cores=host.cores, memory=figures.size(host.memory_bytes))),
        (names["kernel"], f"{host.kernel}, {host.python}"),
        (names["processes"], texts.processes.format(generator=host.generator_processes, server=host.server_processes)),
        (names["cpu"], cpu),
        (names["listen"], listen),
        *((names["network"], network_words(seen, record, texts, figures)) for seen in host.network),
    ]


def network_words(seen: NetworkHost, record: RunRecord, texts: Texts, figures: Figures) -> str:
    """One host: the protocol that was spoken, whether it offered a newer one, by which way, and how TLS went."""
    form = texts.spoken if seen.tls_version is None else texts.spoken_tls
    words = form.format(protocol=seen.protocol, version=seen.tls_version, host=seen.host, port=seen.port)
    if seen.offered_http2 is not None:
        words += texts.offered_http2[seen.offered_http2]
    if seen.proxy is not None:
        words += texts.through_proxy.format(proxy=seen.proxy)
    if seen.handshake_p99_seconds is not None:
        words += texts.handshakes.format(
            full=figures.count(seen.full_handshakes),
            resumed=figures.count(seen.resumed_handshakes),
            p99=figures.milliseconds(seen.handshake_p99_seconds),
        )
    for sentence, count in seen.failures.items():
        words += texts.network_failures.format(count=figures.count(count), sentence=sentence)
    return words + (texts.library_client if record.host.client == "library" else "")
