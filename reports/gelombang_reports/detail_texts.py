"""The sentences about what stands beside a record, several runs side by side, complaints, and of the live page; `texts` has all others."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DetailTexts:
    """The defaults are English."""

    # Both ends
    ends: str = "Both ends on one axis"
    ends_note: str = (
        "The same attempts, timed by the person’s end (sent to done) and by the server (headers read to answer written). The shaded gap is "
        "the line, the kernel’s queue and the generator; where the server’s line is the upper one, it worked on for people who had left. "
        "Columns with too few attempts are left out."
    )
    client_end: str = "the person’s end"
    server_end: str = "the server’s end"
    # Complaints
    complaints: str = "Complaints in public"
    complaints_note: str = (
        "Whom failed tries make complain where everybody reads it, and which step made them; how many do and how soon is the scenario’s "
        "assumption. It changes nothing that people do here. Clock times are those at which a window begins. Who was told when to "
        "come back has not failed, and a window with fewer than 10 upload attempts gives no signal."
    )
    complaints_people: str = "{profile}: {people} people complained ({full} at full size), {later} more only after the end."
    complaints_after: str = (
        "Complaints first passed {limit} a minute at {clock}, {span} after the server’s own signal: from {signal} more than half of the "
        "uploads failed."
    )
    complaints_before: str = (
        "Complaints first passed {limit} a minute at {clock}, {span} before the server’s own signal: from {signal} more than half of the "
        "uploads failed."
    )
    complaints_together: str = "Complaints first passed {limit} a minute at {clock}, when more than half of the uploads first failed."
    complaints_alone: str = "Complaints first passed {limit} a minute at {clock}; at no time did more than half of the uploads fail."
    complaints_never: str = (
        "Complaints never passed {limit} a minute; from {signal} more than half of the uploads failed, which is the server’s own signal."
    )
    complaints_nothing: str = "Complaints never passed {limit} a minute, and at no time did more than half of the uploads fail."
    complaints_line: str = "complaints"
    complaints_failed_line: str = "uploads that failed"
    complaints_step: str = "Step that made people complain"
    unit_complaints: str = "complaints per minute, full size"
    unit_failed: str = "percent of upload attempts"
    # Machine
    machine: str = "What it cost"
    machine_note: str = "Samples of each second of wall time. Kernel: {drops}."
    machine_cpu: str = "CPU"
    machine_memory: str = "Resident memory"
    machine_drops: str = "Connections that the kernel dropped"
    no_drops: str = "no connection was dropped before a server saw it"
    some_drops: str = "{profile} lost {drops} connections before a server saw them"
    whole_machine: str = "whole machine"
    server: str = "server"
    generator: str = "generator"
    kernel_drops: str = "dropped since the start"
    unit_cores: str = "cores"
    unit_resident: str = "MB"
    unit_drops: str = "connections"
    # Single attempts
    traces: str = "Single attempts, stage by stage"
    traces_note: str = (
        "The slowest uploads that got through, and the slowest of each place where most failed. Above what the person’s end measured, "
        "below what the server did with the same attempt; the line is the moment at which the person was done."
    )
    traces_note_steps: str = (
        "The slowest attempts of all steps. Above what the person’s end measured, below what the server did with the same attempt; "
        "the line is the moment at which the person was done."
    )
    trace_heading: str = "{title}, try {number} of person {person}"
    trace_took: str = "{took} from due to done"
    server_unseen: str = "the server never saw it"
    span_words: dict[str, str] = field(
        default_factory=lambda: {
            "late": "late",
            "connect": "connect",
            "send": "send",
            "wait": "wait",
            "receive": "receive",
            "admission": "admission",
            "body": "body",
            "store_wait": "wait for the store",
            "store": "store",
            "commit": "commit",
            "other": "rest",
        }
    )
    # Marks on every time axis
    mark_phase: str = "phase"
    mark_arrivals_end: str = "last arrivals"
    mark_stall: str = "store at {ratio}"
    mark_fault: str = "fault: {setting}"
    mark_stopped: str = "stopped"
    # Side by side
    compare: str = "What differs"
    compare_before: str = "Before the runs"
    compare_same: str = "The same: {titles}."
    compare_after: str = "What came out differently"
    compare_note: str = (
        "{family} comparisons with {first}, made together: each at {alpha}, so that chance within the runs marks anything at all in at "
        "most 1 of 20 pairs. A neighbour’s noise on one of the machines is no chance within a run. What is not marked is not equal: the "
        "runs can’t tell."
    )
    compare_none: str = "Nothing beyond chance: of {family} comparisons none is marked."
    compare_all: str = "All {count} measures, marked or not"
    compare_judged: dict[str, str] = field(
        default_factory=lambda: {
            "better": "better",
            "worse": "worse",
            "differs": "differs",
            "unsure": "within chance",
            "few": "too few samples",
            "first": "",
        }
    )
    compare_passed: str = "People past “{title}”"
    compare_failed: str = "Upload attempts that failed"
    compare_rate: str = "People past the last photo per minute, full size"
    compare_drops: str = "Connections dropped by the kernel per minute"
    compare_quantile: str = "{title}, response {quantile}"
    compare_facts: dict[str, str] = field(
        default_factory=lambda: {
            "target": "target",
            "scenario": "scenario",
            "sample": "sample",
            "speed": "speed",
            "bytes": "photo bytes",
            "load": "load",
            "arrivals": "arrival curve",
            "span": "time of arrivals",
            "seed": "seed",
            "people": "plan of people",
            "version": "version",
            "machine": "machine",
            "kernel": "kernel and Python",
            "processes": "processes",
            "client": "client",
            "coverage": "coverage",
            "validity": "validity",
        }
    )
    headline_alike: str = "{b} and {a} brought about as many people past {uploads}: {people_b} and {people_a}, no difference beyond chance"
    # Live
    live_title: str = "Live: a run by gelombang"
    live_waiting: str = "waiting for the first numbers"
    live_lost: str = "no connection to the run"
    live_ended: str = "the run has ended"
    live_quiet: str = "nothing to tell"
    live_about: str = "about"
    live_listening: str = "What is wrong is said here, once there is a window of ten seconds to tell it from."
    live_pages: str = "Pages"
    live_note: str = (
        "Rates, levels and quantiles over the last 5 s of wall time, totals since the run began; what is wrong, over windows of five "
        "minutes of the people's time and at least 10 s."
    )
