"""Makes small run folders whose two ledgers, people, photos and plan agree, so that tests can spoil one thing at a time.

run = RunFolder(tmp_path)
run.finished(0)
run.attempt(1, "account", Outcome.TIMED_OUT, Phase.WAIT, server=(Stage.HEADERS, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 0))
run.person(1, Fate.WAITING)
run.write()
"""

import hashlib
import json
import sqlite3
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gelombang.attempt import Code, Fate, Outcome, Phase, ServerOutcome, Stage
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, SERVER_ROW
from gelombang.profile import Profile
from gelombang.record import RunRecord, write_record
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ScaleNumbers, ServerPlan, write_model
from gelombang.scenario import Scenario
from gelombang.summary import RunFacts, summarise

ROOT = Path(__file__).parents[2]
PHOTOS_TABLE = (
    "CREATE TABLE photos(id TEXT PRIMARY KEY, person INTEGER, step INTEGER, number INTEGER, applicant INTEGER, kind TEXT,"
    " sha256 TEXT, bytes INTEGER, path TEXT, committed_us INTEGER)"
)
SECOND = 1_000_000
Server = tuple[Stage, ServerOutcome, Code, int]
DONE: Server = (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)
UPLOAD_FAILED: Server = (Stage.ADMISSION, ServerOutcome.FAILED, Code.UPLOAD_FAILED, 503)


def scenario_of(name: str = "opening-hour") -> Scenario:
    """A scenario of this repository, at full size."""
    return Scenario.model_validate(tomllib.loads((ROOT / "scenarios" / f"{name}.toml").read_text()))


def profile_of(name: str = "april-2020") -> Profile:
    """A profile of this repository, at full size."""
    return Profile.model_validate(tomllib.loads((ROOT / "server" / "profiles" / f"{name}.toml").read_text()))


class RunFolder:
    """A run's folder in the making. Times are wall µs from the run's zero; person i is due at (i + 1) × `every_us`."""

    def __init__(
        self, path: Path, people: int = 10, profile: str = "april-2020", speed: float = 60.0, sample: str = "1/50", every_us: int = SECOND
    ) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.people = people
        self.every_us = every_us
        self.profile = profile_of(profile)
        self.scenario = scenario_of()
        self.steps = [step.step for step in self.scenario.journey]
        self.plan = RunPlan(
            run_id="20260101-000000-test",
            run=1,
            seed=7,
            plan_digest="0" * 64,
            scale=ScaleNumbers(sample=sample, speed=speed, bytes_ratio=0.1),
            scenario=self.scenario,
            profile=profile,
            target_url="http://127.0.0.1:1",
            harness_url="http://127.0.0.1:2",
            harness_token="test-token",
            zero_us=1_000_000_000,
            for_seconds=3_600.0,
            generator_processes=1,
        )
        self.server_zero_us = self.plan.zero_us - 5 * SECOND
        """The server's own zero lies before the run's, as in a live run."""
        self.generator: list[np.void] = []
        self.server: list[np.void] = []
        self.persons: dict[int, np.void] = {}
        self.acknowledged: list[np.void] = []
        self.photos: list[tuple[object, ...]] = []
        self._numbers: dict[tuple[int, int], int] = {}
        self._clock: dict[int, int] = {}

    def due_us(self) -> np.ndarray:
        """When each planned person is due."""
        return (np.arange(self.people, dtype=np.int64) + 1) * self.every_us

    def attempt(
        self,
        person: int,
        step: str,
        outcome: Outcome = Outcome.OK,
        phase: Phase = Phase.NONE,
        code: Code = Code.NONE,
        status: int = 200,
        server: Server | None = DONE,
        took_us: int = 20_000,
        late_us: int = 500,
        received_bytes: int = 0,
        kept_bytes: int = 0,
    ) -> int:
        """One attempt on both ends (`server=None`: unseen), due 100 ms after the one before; its number."""
        index = self.steps.index(step)
        number = self._numbers[person, index] = self._numbers.get((person, index), 0) + 1
        due = self._clock.get(person, int(self.due_us()[person]) - 100_000) + 100_000
        sent, done = due + late_us, due + late_us + took_us
        self._clock[person] = done
        row = np.zeros(1, GENERATOR_ROW)[0]
        for name, value in {
            "person": person, "step": index, "number": number, "outcome": outcome, "phase": phase, "exchanges": 1, "status": status,
            "code": code, "due": due, "sent": sent, "done": 0 if outcome is Outcome.OPEN else done, "bytes_sent": received_bytes,
            "wait_us": took_us,
        }.items():  # fmt: skip
            row[name] = value
        self.generator.append(row)
        if server is not None:
            self.seen(person, index, number, server, sent + 300, done - 300, received_bytes, kept_bytes)
        return number

    def seen(
        self,
        person: int,
        step: int,
        number: int,
        server: Server,
        began_us: int,
        ended_us: int,
        received_bytes: int = 0,
        kept_bytes: int = 0,
    ) -> None:
        """A row in the server's ledger; times from the run's zero."""
        row = np.zeros(1, SERVER_ROW)[0]
        shift = self.plan.zero_us - self.server_zero_us
        for name, value in {
            "person": person, "step": step, "number": number, "stage": server[0], "outcome": server[1], "code": server[2],
            "status": server[3], "exchanges": 1, "began": began_us + shift, "ended": ended_us + shift, "bytes_received": received_bytes,
            "bytes_kept": kept_bytes,
        }.items():  # fmt: skip
            row[name] = value
        self.server.append(row)

    def photo(self, person: int, step: str, size_bytes: int = 1_000) -> None:
        """A photo stored and acknowledged, on both ends, in the database and on disk."""
        number = self.attempt(
            person, step, status=201, server=(*DONE[:3], 201), received_bytes=size_bytes, kept_bytes=size_bytes, took_us=400_000
        )
        digest = self.store(person, step, number, size_bytes)
        row = np.zeros(1, ACKNOWLEDGED_ROW)[0]
        for name, value in {
            "person": person, "step": self.steps.index(step), "number": number, "bytes": size_bytes,
            "sha256": np.frombuffer(digest, np.uint8),
        }.items():  # fmt: skip
            row[name] = value
        self.acknowledged.append(row)

    def store(self, person: int, step: str, number: int, size_bytes: int = 1_000) -> bytes:
        """A photo in the database and on disk; its SHA-256."""
        data = f"{person}/{step}/{number}/".encode().ljust(size_bytes, b"x")
        digest = hashlib.sha256(data)
        name = f"{person}-{step}-{number}.jpg"
        photos = self.path / "site" / "photos"
        photos.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(data)
        kind = "ktp" if step == "ktp" else "selfie"
        row = (name, person, self.steps.index(step), number, person + 1, kind, digest.hexdigest(), size_bytes, name, self._clock[person])
        self.photos.append(row)
        return digest.digest()

    def person(self, person: int, fate: Fate) -> None:
        """The person's row: what they passed and did follows from their attempts so far."""
        row = np.zeros(1, PERSON_ROW)[0]
        own = [r for r in self.generator if r["person"] == person]
        row["person"], row["fate"], row["attempts"] = person, fate, len(own)
        row["due"] = self.due_us()[person]
        if fate is not Fate.UNSENT:
            row["started"] = min((r["sent"] for r in own), default=row["due"])
            row["done"] = max((r["done"] for r in own), default=row["due"])
            row["step"] = own[-1]["step"] if own else 0
        for r in own:
            if r["outcome"] == Outcome.OK and not row["passed"][r["step"]]:
                row["passed"][r["step"]] = r["done"]
        self.persons[person] = row

    def registered(self, person: int) -> None:
        """Account, e-mail, data, OTP, NIK and the photo page, all ok."""
        for step in self.steps[: self.steps.index("ktp")]:
            is_message = self.scenario.journey[self.steps.index(step)].form == "message"
            self.attempt(person, step, status=0 if is_message else 200, server=None if is_message else DONE)

    def finished(self, person: int, failures: int = 0) -> None:
        """Somebody who gets through everything, after this many failed uploads of the KTP photo."""
        self.registered(person)
        for _ in range(failures):
            self.failed_upload(person)
        self.photo(person, "ktp")
        self.photo(person, "selfie", 2_000)
        for step in ("test-start", "test", "join"):
            self.attempt(person, step)
        self.person(person, Fate.FINISHED)

    def failed_upload(self, person: int, step: str = "ktp", size_bytes: int = 1_000) -> None:
        """What people read in 2020."""
        self.attempt(
            person, step, Outcome.FAILED, Phase.RECEIVE, Code.UPLOAD_FAILED, 503, UPLOAD_FAILED, took_us=300_000, received_bytes=size_bytes
        )

    def gave_up(self, person: int, failures: int = 3) -> None:
        """Somebody who leaves for good at the KTP photo."""
        self.registered(person)
        for _ in range(failures):
            self.failed_upload(person)
        self.person(person, Fate.GAVE_UP)

    def unreachable(self, person: int) -> None:
        """Somebody who never reads the mail."""
        self.attempt(person, "account")
        self.attempt(person, "email", Outcome.NOT_READ, Phase.INBOX, status=0, server=None)
        self.person(person, Fate.UNREACHABLE)

    def unsent(self, person: int) -> None:
        """Somebody who never left the generator."""
        self.person(person, Fate.UNSENT)

    def everybody(self, failures: int = 2) -> "RunFolder":
        """Each planned person by turns: finished, finished after failures, gave up, unreachable, finished."""
        for person in range(self.people):
            match person % 5:
                case 2:
                    self.gave_up(person, failures)
                case 3:
                    self.unreachable(person)
                case turn:
                    self.finished(person, failures if turn == 1 else 0)
        return self

    def write(self, died: bool = False, server_died: bool = False) -> "RunFolder":
        """Write everything; `died` and `server_died` leave that end's ledger as a killed process does, with a tail of zeros."""
        write_model(self.path / PLAN_FILE, self.plan)
        write_model(self.path / SERVER_FILE, self.server_plan())
        self._rows("ledger-generator-0.bin", self.generator, GENERATOR_ROW, tail=5 if died else 0)
        self._rows("people-0.bin", [self.persons[i] for i in sorted(self.persons)], PERSON_ROW)
        self._rows("acknowledged-0.bin", self.acknowledged, ACKNOWLEDGED_ROW)
        self._rows("ledger-server-0.bin", self.server, SERVER_ROW, tail=5 if server_died else 0)
        (self.path / "site" / "photos").mkdir(parents=True, exist_ok=True)
        database = self.path / "site" / "gelombang.sqlite3"
        database.unlink(missing_ok=True)
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(PHOTOS_TABLE)
        connection.executemany(f"INSERT INTO photos VALUES ({', '.join('?' * 10)})", self.photos)
        connection.commit()
        connection.close()
        return self

    def server_plan(self) -> ServerPlan:
        """The orders of the server."""
        return ServerPlan(
            run=1,
            seed=7,
            scale=self.plan.scale,
            profile=self.profile,
            folder=str(self.path),
            zero_us=self.server_zero_us,
            processes=1,
            public_port=0,
            harness_port=0,
            harness_token="test-token",
        )

    def _rows(self, name: str, rows: Sequence[np.void], dtype: np.dtype[np.void], tail: int = 0) -> None:
        found = np.zeros(len(rows) + tail, dtype)
        for i, row in enumerate(rows):
            found[i] = row
        found.tofile(self.path / name)


FACTS = RunFacts(
    started_at="2026-01-01T00:00:00+00:00", machine={"cores": 2, "memory_bytes": 8_000_000_000, "kernel": "6.1", "python": "3.11"}
)


def recorded(folder: Path, people: int = 6) -> RunRecord:
    """A whole run: some finish, one after failures, one gives up, one never reads the mail, one leaves while waiting; with the machine's
    samples, and a kernel that drops a connection each second."""
    run = RunFolder(folder, people=people).everybody(failures=2)
    run.attempt(5, "ktp", Outcome.TIMED_OUT, Phase.WAIT, status=0, server=None, took_us=700_000)
    run.person(5, Fate.WAITING)
    run.write()
    samples = [{"t_us": t * 1_000_000, "machine_cpu_share": 0.5, "server_cpu_cores": 0.25, "listen_drops": 7 + t} for t in range(4)]
    (folder / "host.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    record = summarise(run.path, run.plan, run.profile, FACTS, {}, run.due_us())
    write_record(run.path, record)
    return record
