"""Where the uploads of the made-up runs ended, in total and over time."""

from math import exp, sin

from gelombang.record import StepTotals, Windows
from gelombang.record_uploads import JoinCell, UploadFailure, Uploads

WINDOWS = 62
PEOPLE = 8_000

Where = tuple[str, str, str, int, str]

APRIL_WHERE: tuple[Where, ...] = (
    (
        "admission",
        "failed",
        "upload_failed",
        10_410,
        "all upload places of the photo store were taken after the whole photo had been received",
    ),
    ("store", "failed", "upload_timed_out", 1_644, "the site gave up waiting for the store; the store worked on"),
    ("acknowledge", "completed_unheard", "client_left", 1_203, "the photo was stored after its person had stopped waiting"),
    ("body", "rejected", "photo_too_large", 801, "the photo was over the limit, found out after all of it had been received"),
    ("acknowledge", "completed", "none", 612, "stored, and its person was told"),
    ("body", "abandoned", "client_left", 377, "the person stopped waiting while the photo was being sent"),
    ("connect", "timed_out", "none", 41, "the server never saw it: no connection before patience ran out"),
    ("send", "cut", "none", 22, "the run ended while the photo was being sent"),
)
HARDENED_WHERE: tuple[Where, ...] = (
    ("admission", "refused", "uploads_busy", 3_190, "no budget for another photo: told when to come back, before a byte was sent"),
    ("acknowledge", "completed", "none", 2_484, "stored, and its person was told"),
    ("admission", "rejected", "photo_too_large", 690, "the photo was over the limit, found out before a byte was sent"),
    ("body", "abandoned", "client_left", 148, "the person stopped waiting while the photo was being sent"),
    ("acknowledge", "completed_unheard", "client_left", 9, "the photo was stored after its person had stopped waiting"),
    ("send", "cut", "none", 6, "the run ended while the photo was being sent"),
)


def spread(total: int, weights: list[float]) -> list[int]:
    """`total` in whole parts, by largest remainder."""
    whole = sum(weights) or 1.0
    exact = [total * weight / whole for weight in weights]
    parts = [int(value) for value in exact]
    order = sorted(range(len(parts)), key=lambda i: parts[i] - exact[i])
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def windows_of(steps: list[StepTotals], uploads: Uploads, slow: dict[str, float], waiting: float) -> Windows:
    came, photos = _arrivals(), _photo_weights()
    delay = {"account": 0, "email-link": 1, "data": 2, "otp": 3, "nik": 4, "ktp": 5, "selfie": 6, "test": 21, "join": 22}
    weight = {name: (photos if name in ("ktp", "selfie") else _later(came, late)) for name, late in delay.items()}
    where = {
        ("acknowledged" if e.outcome == "completed" else f"{e.stage}/{e.outcome if e.code == 'none' else e.code}"): spread(
            e.attempts, photos
        )
        for e in uploads.where
    }
    attempts = [sum(values) for values in zip(*where.values(), strict=True)]
    ok_uploads = where["acknowledged"]
    ended = {s.step: spread(s.attempts, weight.get(s.step, came)) for s in steps}
    return Windows(
        window_seconds=60.0,
        offered=spread(PEOPLE, came),
        started=spread(PEOPLE, came),
        passed={s.step: spread(s.people_passed, weight.get(s.step, came)) for s in steps if s.milestone},
        upload_where=where,
        upload_attempts=attempts,
        upload_failed=[a - o for a, o in zip(attempts, ok_uploads, strict=True)],
        ok={s.step: spread(s.outcomes["ok"], weight.get(s.step, came)) for s in steps},
        ended=ended,
        response_p99_seconds={
            s.step: [
                None if not ended[s.step][i] else slow.get(s.step, 0.9) * (1 + 0.3 * sin(i + len(s.step))) * (1 + i / 60)
                for i in range(WINDOWS)
            ]
            for s in steps
        },
        people_waiting=[round(waiting * (1 - exp(-i / 18))) for i in range(WINDOWS)],
        received_bytes=spread(uploads.received_bytes, photos),
        kept_bytes=spread(uploads.kept_bytes, photos),
    )


def uploads_of(where: tuple[Where, ...], past_both: int, received: int, kept: int, unheard: int, store: float) -> Uploads:
    attempts = sum(entry[3] for entry in where)
    acknowledged = sum(entry[3] for entry in where if entry[1] == "completed")
    too_large = sum(entry[3] for entry in where if entry[2] == "photo_too_large")
    return Uploads(
        attempts=attempts,
        acknowledged=acknowledged,
        failed=attempts - acknowledged - too_large,
        too_large=too_large,
        where=[UploadFailure(stage=s, outcome=o, code=c, attempts=n, meaning=m) for s, o, c, n, m in where],
        received_bytes=received,
        kept_bytes=kept,
        stored_unheard_bytes=unheard,
        people_past_both_photos=past_both,
        photos_acknowledged_lost=0,
        attempts_per_acknowledged_photo=attempts / acknowledged,
        received_per_kept_byte=received / kept,
        store_used_ratio=store,
    )


def join_of(where: tuple[Where, ...]) -> list[JoinCell]:
    cells = []
    for stage, outcome, code, attempts, meaning in where:
        seen = stage not in ("connect", "send")
        client = {"completed": "ok", "refused": "refused", "rejected": "too_large", "failed": "failed"}.get(outcome, "timed_out")
        cells.append(
            JoinCell(
                client_outcome=client if seen else outcome,
                client_phase={"ok": "none", "timed_out": "wait"}.get(client, "receive") if seen else stage,
                server_stage=stage if seen else "unseen",
                server_outcome=outcome if seen else "none",
                code=code,
                attempts=attempts,
                explained=True,
                meaning=meaning,
            )
        )
    return cells


def _arrivals() -> list[float]:
    return [0.0 if i >= 60 else 0.75 + 0.6 * exp(-i / 6) + 0.05 * sin(2.1 * i) for i in range(WINDOWS)]


def _later(weights: list[float], windows: int) -> list[float]:
    return [0.0] * windows + weights[: len(weights) - windows]


def _photo_weights() -> list[float]:
    return [0.0 if i < 3 else (1 - exp(-(i - 2) / 5)) * (1 + 0.12 * sin(1.3 * i)) for i in range(WINDOWS)]
