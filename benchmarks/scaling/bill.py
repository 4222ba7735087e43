"""What a million people cost, from the record of a run: CPU, bytes, writes and messages. No money: prices of machines are nobody's facts.

The run's own CPU is that of its scale: a password costs a `--speed`-th of its price, photos are `--bytes` of their size. So what was
measured stands apart from what is added for full price and full size, which is reckoned with measured prices. The generator's CPU is not
the site's and is in no figure.
"""

from dataclasses import dataclass

from scaling.prices import Prices

from gelombang.errors import InputError
from gelombang.record import RunRecord
from gelombang_capacity.demand import PASSWORD_STEPS
from gelombang_capacity.plan_outcome import WRITES

MILLION = 1e6
SECONDS_OF_AN_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Bill:
    """Of a whole run, at the run's own number of people; bytes at full size."""

    registered: int
    finished: int
    run_cpu_seconds: float
    """API and upload processes, as measured."""
    password_cpu_seconds: float
    """What hashes at full price add."""
    photo_cpu_seconds: float
    """What photos at full size add."""
    decode_cpu_seconds: float
    """Of the process that decodes each stored photo."""
    received_bytes: float
    kept_bytes: float
    writes: int
    mails: int
    sms: int

    @property
    def cpu_seconds(self) -> float:
        return self.run_cpu_seconds + self.password_cpu_seconds + self.photo_cpu_seconds + self.decode_cpu_seconds


def bill(record: RunRecord, price: Prices) -> Bill:
    """Read one live run against the reference server. Raises InputError when it is none, or nobody finished."""
    if record.kind != "live" or record.host.server_cpu_ratio is None or record.uploads is None:
        raise InputError(f"{record.run_id} is no live run of the reference server with photos; want one, because its CPU is the question")
    steps = {step.step: step for step in record.steps}
    missing = {"account", "nik", "otp-send", "join"} - steps.keys()
    if missing:
        raise InputError(f"{record.run_id} has no step {', '.join(sorted(missing))}; want a run of the opening hour or the surge")
    registered, finished = steps["account"].people_passed, steps["join"].people_passed
    if finished == 0:
        raise InputError(f"{record.run_id}: nobody finished; want a run in which people get through")
    scale, uploads = record.scale.scale(), record.uploads
    hashed = sum(step.attempts for name, step in steps.items() if name in PASSWORD_STEPS)
    received = uploads.received_bytes / scale.bytes_ratio
    return Bill(
        registered=registered,
        finished=finished,
        run_cpu_seconds=record.host.server_cpu_ratio * record.ended_seconds / scale.speed,
        password_cpu_seconds=hashed * price.password_seconds * (1 - 1 / scale.speed),
        photo_cpu_seconds=(received - uploads.received_bytes) * price.photo_byte_seconds,
        decode_cpu_seconds=uploads.acknowledged * price.decode_seconds,
        received_bytes=received,
        kept_bytes=uploads.kept_bytes / scale.bytes_ratio,
        writes=sum(step.people_passed for name, step in steps.items() if name in WRITES),
        mails=registered + steps["nik"].people_passed,
        sms=steps["otp-send"].outcomes.get("ok", 0),
    )


def rows(found: Bill) -> list[tuple[str, float, float, str]]:
    """What, per million who register, per million who finish, and its unit."""

    def row(what: str, amount: float, unit: str) -> tuple[str, float, float, str]:
        return what, amount / found.registered * MILLION, amount / found.finished * MILLION, unit

    hours = 1 / SECONDS_OF_AN_HOUR
    return [
        row("CPU of the server as the run measured it", found.run_cpu_seconds * hours, "core-hours"),
        row("… passwords at full price", found.password_cpu_seconds * hours, "core-hours"),
        row("… photos at full size", found.photo_cpu_seconds * hours, "core-hours"),
        row("… each stored photo decoded once", found.decode_cpu_seconds * hours, "core-hours"),
        row("CPU in all", found.cpu_seconds * hours, "core-hours"),
        row("photo bytes received", found.received_bytes / 1e9, "GB"),
        row("photo bytes stored", found.kept_bytes / 1e9, "GB"),
        row("database writes", found.writes / MILLION, "million"),
        row("mails", found.mails / MILLION, "million"),
        row("SMS", found.sms / MILLION, "million"),
    ]
