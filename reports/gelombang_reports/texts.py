"""Every sentence of the reports, in one place: a translation is a second `Texts`, and mypy sees when a sentence is missing.

Names in braces are filled in by the code. Sentences state what was counted and of what; they never judge more than the record does.
"""

from dataclasses import dataclass, field

from gelombang_reports.detail_texts import DetailTexts


@dataclass(frozen=True, slots=True)
class Texts(DetailTexts):
    """All texts in one language; the defaults are English."""

    language: str = "en"
    # What stands first
    stand_for: str = "{people} people stand for {full} ({scale})"
    everybody: str = "{people} people, everybody"
    scale_sample: str = "{sample} of them"
    scale_speed: str = "{speed} times as fast"
    scale_bytes: str = "photos × {ratio}"
    scale_load: str = "load × {load}"
    made_by: str = "Made by gelombang from the record of a run; nothing on this page is fetched from elsewhere."
    simulated: str = "Simulated: no request was sent."
    scene: str = "{title}: {day}, {begin} to {end} by the people’s clock."
    stopped: str = "{profile} was stopped by {by} at {clock} by the people’s clock: {reason}."
    # What happened
    headline_none: str = "No verdict: {profiles} can’t be believed"
    headline_times: str = "{b} brought {times} times as many people past {uploads} as {a}"
    headline_from_none: str = "{b} brought {people} people past {uploads}, {a} nobody"
    headline_failed: str = "{failed} of 100 upload attempts did not get through; {past} of {arrived} people got past {uploads}"
    headline_none_failed: str = "No upload attempt failed; {past} of {arrived} people got past {uploads}"
    past_both: str = "both photos"
    past_last: str = "the last upload"
    headline_no_attempts: str = "Nobody tried to upload a photo; {arrived} people arrived"
    headline_joined: str = "{joined} of {arrived} people got to the end: {title}"
    sentence_photos: str = "{past} of {arrived} people got past {uploads}."
    sentence_failed: str = "{failed} of 100 upload attempts failed."
    sentence_refused: str = "{failed} of 100 upload attempts did not get through; {refused} of 100 told their person when to come back."
    sentence_worst: str = "The largest part ({share}) ended at {place}: {meaning}"
    sentence_none_failed: str = "None of {attempts} upload attempts failed."
    sentence_joined: str = "{joined} got to the end ({title})."
    sentence_steps: str = "Of 100 attempts at all other steps {ok} went well."
    sentence_invalid: str = "This run can’t be believed; its numbers stand below as they were found, and no verdict follows from them."
    # Can it be believed
    believed: str = "Can this be believed?"
    believed_words: dict[str, str] = field(
        default_factory=lambda: {
            "VALID": "Yes: the run raised no doubts about itself.",
            "SUSPECT": "With doubts: gates and plans refuse this run until they are gone.",
            "INVALID": "No: nothing can be concluded from this run.",
        }
    )
    validity: str = "Validity"
    too_few: str = "too few samples"
    believed_with_remarks: str = "Yes, with the remarks below in mind."
    severity_words: dict[str, str] = field(default_factory=lambda: {"VALID": "remark", "SUSPECT": "SUSPECT", "INVALID": "INVALID"})
    doubts_of: str = "Doubts and remarks:"
    doubt: str = "Doubt"
    doubt_line: str = "{name}: {evidence}. What to do: {what_to_do}."
    evidence: str = "What was measured"
    what_to_do: str = "What to do"
    lateness: str = "Lateness of arrivals, p99 (wall time)"
    lateness_note: str = "how late the generator sent a person’s first request"
    offered_achieved: str = "People started of people offered"
    unsent_note: str = "{unsent} never left the generator"
    both_ends_coverage: str = "Coverage"
    unexplained: str = "Attempts unexplained"
    attempts_seen: str = "Upload attempts"
    cut_short: str = "The run was cut short at {clock}; people still inside count as cut or waiting."
    # Verdict
    verdict: str = "The verdict"
    objective: str = "Objective"
    wanted: str = "Wanted"
    found: str = "Found"
    result: str = "Result"
    wanted_found: str = "wanted {wanted}; found"
    passed: str = "met"
    failed: str = "not met"
    not_judged: str = "not judged"
    no_verdict: str = "No verdict: the run is INVALID."
    no_objectives: str = "The scenario states no objective for this profile."
    expected: str = "Expected: {story}"
    # Funnel
    funnel: str = "How far people got"
    funnel_note: str = (
        "People of the sample who passed each step, the share of those who passed the step before, and how many that is at full size."
    )
    arrived: str = "Arrived"
    of_previous: str = "{share} of those before"
    at_full_size: str = "{people} at full size"
    fates: str = "What became of them"
    fate_words: dict[str, str] = field(
        default_factory=lambda: {
            "finished": "finished",
            "gave_up": "gave up",
            "rejected": "rejected for good (wrong NIK and the like)",
            "unreachable": "never read the mail",
            "waiting": "inside or away when the run ended",
            "cut": "stopped in the middle by the end of the run",
            "unsent": "never left the generator",
        }
    )
    # Uploads
    uploads: str = "Where uploads failed"
    uploads_note: str = (
        "Every upload attempt ends in exactly one place: the stage of the server it reached, or, if the server never saw it, "
        "what the person was doing (connect, send, wait, receive)."
    )
    uploads_over_time: str = "Upload attempts by the place they ended in"
    no_uploads: str = "No upload was attempted."
    place: str = "Ended at"
    attempts: str = "Attempts"
    total: str = "All upload attempts"
    acknowledged: str = "acknowledged"
    join: str = "Both ends, attempt by attempt"
    join_note: str = (
        "What the person saw against what the server saw, joined by attempt id. "
        "An attempt that fits no known combination is unexplained; the goal is none."
    )
    join_more: str = "{count} combinations with fewer attempts"
    person_saw: str = "Person saw"
    server_saw: str = "Server saw"
    pages: str = "What applicants’ pages reported"
    pages_note: str = (
        "Uploads from the site’s own pages, as the page ended them and as the server did, joined by attempt id. "
        "They are beside the run’s people: no number above counts them."
    )
    page_said: str = "Page said"
    page_meanings: dict[str, str] = field(
        default_factory=lambda: {
            "taken": "the page heard that the photo was taken",
            "taken_elsewhere": "the page heard that the photo was taken; the server’s row of this try ended otherwise, or is missing",
            "unheard": "done at the server; the page did not hear of it, or went on with another request",
            "failed": "not taken at either end",
            "unseen": "it never reached the server",
            "silent": "the page was closed, or found no line again, before it could report",
        }
    )
    walks: str = "What one person saw"
    walks_note: str = (
        "A real browser walked the site’s own pages beside the run’s people, and is none of them. "
        "Clock times are the people’s; how long a step took is wall time of this machine, the browser’s own work included."
    )
    walk_title: str = "What one person saw at {clock}"
    walk_title_late: str = "What one person saw at {clock} (to set off at {due})"
    walk_line: str = "The line as emulated under the scale: {uplink} per second each way, {round_trip} there and back."
    walk_failed: str = "It ended early: {failed}."
    walk_no_picture: str = "no picture"
    unexplained_row: str = "unexplained"
    metrics: str = "What the service’s own metrics say"
    metrics_lead: str = "Seconds in each stage by the service’s own Prometheus, over the run: sums over everybody, not attempt by attempt."
    metrics_stage: str = "Stage"
    metrics_median: str = "Median"
    metrics_largest: str = "Largest"
    metrics_none: str = "no sample in the time of the run"
    metrics_at: str = "{seconds} after the first arrivals were due"
    log: str = "What the access log saw"
    log_lead: str = (
        "Joined by attempt id: {seen} attempts seen, {unseen} unseen. Request is the proxy’s whole time, service what stood behind it; "
        "response is what the person felt, all three p99."
    )
    log_seen: str = "Attempts seen"
    log_request: str = "Request"
    log_service: str = "Service"
    log_response: str = "Response"
    log_elsewhere: str = "not behind this log: the log saw none of its attempts"
    log_cells: str = "Person and log, answer by answer"
    log_no_answer: str = "no answer read"
    log_not_there: str = "not in the log"
    log_disagrees: str = "disagrees"
    strip: str = "At most {attempts} attempts in a column, at {clock}"
    strip_note: str = "Strips: time from left to right, {begin} to {end}; the darker, the more attempts ended there."
    # Waste
    waste: str = "What was wasted"
    received_per_kept: str = "Bytes received for each byte kept"
    attempts_per_photo: str = "Upload attempts for each photo acknowledged"
    unheard: str = "Bytes stored for people who had left"
    received_total: str = "Photo bytes received"
    kept_total: str = "Photo bytes kept for their person"
    store_used: str = "Store used for photos that were kept"
    lost: str = "Photos acknowledged and then lost"
    bytes_chart: str = "Photo bytes received and kept"
    received: str = "received"
    kept: str = "kept"
    full_size_bytes: str = "{size} at full size"
    # Response
    response: str = "How long people waited for an answer"
    response_note: str = (
        "Response by step, from the moment the person was due to the answer (or the end of patience), in the people’s time. "
        "Below each quantile its 95 % interval, with tries of one person and attempts of one minute taken together. "
        "Grey: too few samples to be read as that quantile."
    )
    on_one_axis: str = "p50, p90, p99 on one axis"
    step: str = "Step"
    samples: str = "Samples"
    ok_share: str = "Went well"
    waits_for_message: str = "waits for a message"
    response_chart: str = "Slowest 1 % (p99) over time, in seconds of the people’s time, logarithmic"
    bands_chart: str = "Response over time, in seconds of the people’s time, logarithmic"
    bands_chart_note: str = (
        "p90 in full, p50 thin; each only where a column’s attempts carry it (100 and 20). "
        "A p99 of a column would be little more than its slowest attempt."
    )
    response_chart_note: str = "Faint where a column has fewer than 1,000 attempts: there the line is near the slowest attempt seen."
    # Tiles
    tile_past: str = "people past {uploads}, of {arrived}"
    tile_failed: str = "of upload attempts failed"
    tile_attempts: str = "attempts for each photo that got through"
    tile_objectives: str = "objectives met"
    tile_end: str = "people got to the end, of {arrived}"
    # Around the page
    skip: str = "Skip the contents"
    contents: str = "On this page"
    chart_numbers: str = "The numbers of this chart"
    chart_keys: str = "Arrow keys move along the chart."
    time: str = "Time"
    only_record: str = (
        "Only record.json was there: no ledgers, segments or samples, so no intervals, no single attempts and no machine are shown."
    )
    # Over time
    offered_section: str = "Offered against achieved"
    offered_chart: str = "People who were due, were started, and got through"
    offered: str = "due"
    started: str = "started"
    past_photos_chart: str = "People past both photos"
    waiting_chart: str = "People inside and waiting"
    svg_description: str = "People’s time from left to right; values in"
    measure: str = "Measure"
    profile: str = "Profile"
    # Units
    unit_attempts: str = "attempts per second, full size"
    unit_people: str = "people per second, full size"
    unit_people_waiting: str = "people, full size"
    unit_megabytes: str = "MB per second, full size"
    unit_seconds: str = "seconds"
    # Provenance
    provenance: str = "Where this comes from"
    reproduce: str = "To run it again:"
    files: str = "SHA-256 of the run’s files"
    provenance_rows: dict[str, str] = field(
        default_factory=lambda: {
            "run": "Run",
            "scenario": "Scenario",
            "profile": "Profile",
            "started": "Started",
            "people_time": "People’s time",
            "scale": "Scale",
            "seed": "Seed",
            "digest": "Plan digest",
            "commit": "Commit",
            "host": "Host",
            "kernel": "Kernel, Python",
            "processes": "Processes",
            "cpu": "CPU, in cores",
            "listen": "Listen queue",
            "network": "Network",
        }
    )
    people_time: str = "{day}, {begin} to {end}, closed {closed}"
    host: str = "{cores} cores, {memory} of memory"
    processes: str = "{generator} generator, {server} server"
    cpu: str = "generator {generator} (at most {generator_max}), server {server}, machine {machine}"
    listen: str = "{overflows} overflows, {drops} drops"
    spoken: str = "{protocol} with {host}:{port}"
    spoken_tls: str = "{protocol} over {version} with {host}:{port}"
    through_proxy: str = ", through the proxy {proxy}"
    offered_http2: dict[bool, str] = field(
        default_factory=lambda: {True: ", which offered HTTP/2 as well", False: ", which did not offer HTTP/2"}
    )
    handshakes: str = "; {full} full handshakes, {resumed} resumed, p99 {p99}"
    network_failures: str = "; {count} times: {sentence}"
    library_client: str = " (carried by Locust’s FastHttpSession: times inside an exchange are not told apart)"
    unknown: str = "unknown"
    meaning: str = "Meaning"
    # Terminal
    console_belief: str = "lateness p99 {lateness}; started {offered}; {unexplained} unexplained"
    more_places: str = "{count} smaller places"
    more_objectives: str = "and {count} more objectives, on the page"
    found_first: str = "{found} (wanted {wanted})"
    page_at: str = "Page: {path}"


ENGLISH = Texts()
