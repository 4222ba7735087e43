"""Records of runs as they come out of the opening hour, made by hand: `collapsing()` and `hardened()` met the same 8,000 people.

The numbers are invented in the shape of the history (arrivals fall off, the registry caps the middle, uploads fail); they conserve
people and attempts as a real record does, and use no random numbers.
"""

from gelombang.attempt import Fate
from gelombang.record import (
    Doubt,
    Host,
    Judgement,
    Quantiles,
    RunRecord,
    StepTotals,
    Uploads,
    Validity,
    Windows,
)
from gelombang.runplan import ScaleNumbers
from support.traffic import APRIL_WHERE, HARDENED_WHERE, PEOPLE, WINDOWS, join_of, uploads_of, windows_of

_STEPS = (
    ("account", "Account", "request", True),
    ("email", "E-mail link arrives", "message", False),
    ("email-link", "E-mail verified", "request", True),
    ("data", "Personal data", "request", True),
    ("otp-send", "OTP asked for", "request", False),
    ("otp-sms", "OTP arrives", "message", False),
    ("otp", "OTP confirmed", "request", True),
    ("nik", "NIK verified", "message", True),
    ("photo-page", "Photo page", "request", False),
    ("ktp", "KTP photo", "photo", True),
    ("selfie", "Selfie with KTP", "photo", True),
    ("test-start", "Test begun", "request", False),
    ("test", "Test handed in", "request", True),
    ("join", "Joined the wave", "request", True),
    ("login", "Log in again", "request", False),
)


def quantiles(samples: int, p50: float, tail: float = 3.0) -> Quantiles:
    """Quantiles whose p99 is `tail` squared times the median."""
    if samples == 0:
        return Quantiles(samples=0)
    return Quantiles(samples=samples, p50_seconds=p50, p90_seconds=p50 * tail, p99_seconds=p50 * tail**2, max_seconds=p50 * tail**2 * 1.7)


def _step(index: int, reached: int, passed: int, attempts: int, p50: float, bad: dict[str, int] | None = None) -> StepTotals:
    name, title, form, milestone = _STEPS[index]
    outcomes = {"ok": attempts - sum((bad or {}).values())} | (bad or {})
    response = quantiles(attempts, p50)
    return StepTotals(
        step=name,
        title=title,
        form=form,
        milestone=milestone,
        people_reached=reached,
        people_passed=passed,
        attempts=attempts,
        outcomes=outcomes,
        response=response,
        service=response,
    )


def _record(
    profile: str, title: str, story: str, steps: list[StepTotals], uploads: Uploads, windows: Windows, objectives: list[Judgement]
) -> RunRecord:
    finished = steps[13].people_passed
    rejected, unreachable, gave_up, cut = 470, 2_060, 310, 22
    fates = {fate.name.lower(): 0 for fate in Fate if fate is not Fate.OPEN} | {
        "finished": finished,
        "gave_up": gave_up,
        "rejected": rejected,
        "unreachable": unreachable,
        "cut": cut,
        "waiting": PEOPLE - finished - gave_up - rejected - unreachable - cut,
    }
    where = tuple((e.stage, e.outcome, e.code, e.attempts, e.meaning) for e in uploads.where)
    return RunRecord(
        run_id=f"20261123-120000-{profile}",
        scenario="opening-hour",
        title="The opening hour of 11 April 2020",
        profile=profile,
        profile_title=title,
        story=story,
        started_at="2026-11-23T12:00:00+00:00",
        opens_at="2020-04-11T19:00:00+07:00",
        for_seconds=3_600.0,
        ended_seconds=3_720.0,
        cut_short=False,
        commit="0123456789abcdef0123456789abcdef01234567",
        seed=7,
        scale=ScaleNumbers(sample="1/20", speed=60.0, bytes_ratio=0.1, load=1.0),
        plan_digest="5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
        validity=Validity.VALID,
        doubts=[],
        coverage="both ends",
        people_planned=PEOPLE,
        people_stand_for=160_000,
        fates=fates,
        steps=steps,
        uploads=uploads,
        join=join_of(where),
        unexplained=0,
        windows=windows,
        objectives=objectives,
        host=Host(
            cores=2,
            memory_bytes=8_200_000_000,
            kernel="Linux 6.1.0",
            python="3.11.2",
            generator_processes=1,
            server_processes=1,
            generator_cpu_ratio=0.42,
            generator_cpu_max_ratio=0.71,
            server_cpu_ratio=0.63,
            machine_cpu_ratio=1.11,
            machine_cpu_max_ratio=1.62,
            lateness=Quantiles(samples=PEOPLE, p50_seconds=0.0004, p90_seconds=0.0009, p99_seconds=0.0031, max_seconds=0.012),
            loop_late_max_seconds=0.014,
            listen_overflows=0,
            listen_drops=0,
        ),
        files={"plan.json": "a" * 64, "server.json": "b" * 64, "ledger-generator-0.bin": "c" * 64, "ledger-server-0.bin": "d" * 64},
    )


def _before_photos() -> list[StepTotals]:
    return [
        _step(0, 8_000, 7_986, 8_011, 0.21, {"timed_out": 25}),
        _step(1, 7_986, 5_790, 7_986, 8.4, {"not_read": 2_060, "cut": 136}),
        _step(2, 5_770, 5_766, 5_771, 0.08, {"timed_out": 5}),
        _step(3, 5_540, 5_531, 5_560, 0.09, {"timed_out": 9, "invalid": 20}),
        _step(4, 5_500, 5_498, 5_516, 0.07, {"timed_out": 18}),
        _step(5, 5_498, 5_460, 5_498, 5.2, {"no_message": 12, "cut": 26}),
        _step(6, 5_450, 5_441, 5_470, 0.07, {"invalid": 29}),
        _step(7, 5_441, 1_466, 5_441, 410.0, {"invalid": 504, "cut": 3_471}),
        _step(8, 1_451, 1_448, 1_460, 0.08, {"timed_out": 12}),
    ]


def collapsing() -> RunRecord:
    """april-2020: account to OTP go well; then the photos fail."""
    uploads = uploads_of(APRIL_WHERE, 186, 1_986_000_000, 78_400_000, 171_000_000, 0.09)
    acknowledged = uploads.acknowledged
    attempts = {"ktp": 13_600, "selfie": uploads.attempts - 13_600}
    good = {"ktp": acknowledged - 190, "selfie": 190}
    bad = {name: {"failed": n - good[name] - 1_400, "timed_out": 1_000, "too_large": 400} for name, n in attempts.items() if name == "ktp"}
    bad["selfie"] = {"failed": attempts["selfie"] - 190 - 20, "timed_out": 20}
    steps = [
        *_before_photos(),
        _step(9, 1_420, 422, attempts["ktp"], 38.0, bad["ktp"]),
        _step(10, 410, 186, attempts["selfie"], 41.0, bad["selfie"]),
        _step(11, 171, 170, 172, 0.07, {"timed_out": 2}),
        _step(12, 61, 61, 61, 0.08),
        _step(13, 58, 58, 58, 0.08),
        _step(14, 12, 12, 12, 0.3),
    ]
    slow = {"ktp": 88.0, "selfie": 92.0, "account": 1.4}
    objectives = [
        Judgement(
            name="photos get through as slowly as in 2020 (1.03 people per second)",
            passed=True,
            wanted="0.7 to 1.5 people per second",
            found="1.04 people per second",
        ),
        Judgement(name="most uploads fail", passed=True, wanted="0.85 or more", found="0.957"),
        Judgement(name="account, e-mail, data and OTP answer in time", passed=True, wanted="p99 of 2 s or less", found="1.89 s"),
        Judgement(name="nothing acknowledged is lost", passed=True, wanted="0", found="0"),
        Judgement(name="nothing is unexplained", passed=True, wanted="0", found="0"),
    ]
    return _record(
        "april-2020",
        "The site of April 2020: no admission control beyond its pool of upload places",
        "Account, e-mail, data and OTP go well; then the photos fail, again and again.",
        steps,
        uploads,
        windows_of(steps, uploads, slow, 5_300.0),
        objectives,
    )


def hardened() -> RunRecord:
    """The same people, six times as many past both photos."""
    uploads = uploads_of(HARDENED_WHERE, 1_131, 371_000_000, 318_000_000, 1_100_000, 0.86)
    ktp = 4_020
    steps = [
        *_before_photos(),
        _step(9, 1_430, 1_340, ktp, 9.0, {"refused": 2_150, "too_large": 430, "timed_out": 97}),
        _step(10, 1_320, 1_131, uploads.attempts - ktp, 8.0, {"refused": 1_040, "too_large": 260, "timed_out": 66}),
        _step(11, 1_110, 1_108, 1_112, 0.07, {"timed_out": 4}),
        _step(12, 540, 540, 541, 0.08, {"timed_out": 1}),
        _step(13, 521, 521, 521, 0.08),
        _step(14, 9, 9, 9, 0.3),
    ]
    slow = {"ktp": 41.0, "selfie": 38.0, "account": 1.2}
    objectives = [
        Judgement(name="at least four times as many people get past both photos", passed=True, wanted="4 times or more", found="6.1 times"),
        Judgement(name="the store is used for photos that are kept", passed=True, wanted="0.8 or more", found="0.86"),
        Judgement(name="account, e-mail, data and OTP answer in time", passed=False, wanted="p99 of 2 s or less", found="2.31 s"),
        Judgement(name="nothing acknowledged is lost", passed=None, wanted="0", found="the audit was not run"),
    ]
    return _record(
        "hardened",
        "The same store, registry and people; tickets, bounded queues, uploads in a process of their own",
        "The same store and people; about six times as many get past both photos.",
        steps,
        uploads,
        windows_of(steps, uploads, slow, 4_600.0),
        objectives,
    )


def doubtful(record: RunRecord, severity: Validity) -> RunRecord:
    """The same run with one doubt of that severity."""
    doubt = Doubt(
        name="late generator",
        severity=severity,
        evidence="p99 lateness 48 ms; the limit is 5 ms",
        what_to_do="use a smaller --sample, or a second generator process",
    )
    return record.model_copy(update={"validity": severity, "doubts": [doubt]})


def empty() -> RunRecord:
    """Everybody arrived, nobody came as far as an upload; there is nothing to divide by."""
    source = collapsing()
    none = StepTotals.model_validate(
        source.steps[9].model_dump()
        | {"people_reached": 0, "people_passed": 0, "attempts": 0, "outcomes": {}, "response": {"samples": 0}, "service": {"samples": 0}}
    )
    uploads = Uploads(
        attempts=0,
        acknowledged=0,
        failed=0,
        too_large=0,
        where=[],
        received_bytes=0,
        kept_bytes=0,
        stored_unheard_bytes=0,
        people_past_both_photos=0,
        photos_acknowledged_lost=0,
        attempts_per_acknowledged_photo=None,
        received_per_kept_byte=None,
        store_used_ratio=None,
    )
    quiet = {"upload_where": {}, "upload_attempts": [0] * WINDOWS, "upload_failed": [0] * WINDOWS}
    windows = source.windows.model_copy(update=quiet | {"received_bytes": [0] * WINDOWS, "kept_bytes": [0] * WINDOWS})
    return source.model_copy(
        update={"steps": [*source.steps[:9], none], "uploads": uploads, "join": [], "windows": windows, "objectives": []}
    )
