"""Verification: a run's own files, read again from nothing, must say what its record says, and lose nobody and nothing.

Laws, each of which holds or names its first breaches: the files are those of the record; every person has one fate and every attempt one
outcome; tries are numbered without a gap and times run forward; what people passed they did; both ends agree on every attempt; every
acknowledged photo is in the store, whole. A fault that nobody thought of breaks one of them, because what no rule lists is unexplained.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate, Outcome
from gelombang.audit import HERE, Audit, Elsewhere, audit, can_audit
from gelombang.evidence import Evidence, read_evidence
from gelombang.host_samples import dropped_by_kernel
from gelombang.join import Joined, join
from gelombang.record import RunRecord, read_record
from gelombang.record_complaints import public_complaints
from gelombang.record_pages import page_ends
from gelombang.run_tally import fates
from gelombang.runplan import PLAN_FILE, RunPlan, read_model
from gelombang.striping import owners
from gelombang.summary import digests
from gelombang.upload_totals import photo_steps
from gelombang.windows import WindowGrid

NAMED_LIMIT = 5
"""How many breaches of a law are named."""


@dataclass(frozen=True, slots=True)
class LawResult:
    """One law: what it says, and where it is broken."""

    law: str
    breaches: tuple[str, ...]
    """At most NAMED_LIMIT, of `broken`."""
    broken: int

    @property
    def holds(self) -> bool:
        return not self.broken


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of `gelombang verify`."""

    attempts: int
    acknowledged: int
    audited: bool
    """False: there was no store to look into."""
    has_server: bool
    """False: there is no ledger of the server's, so only the generator's own laws were checked."""
    lost: int
    removed: int
    """Acknowledged photos that an auditor read back right before they were removed."""
    unexplained: int
    laws: tuple[LawResult, ...]

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing unexplained, no law broken."""
        return not self.lost and not self.unexplained and all(law.holds for law in self.laws)

    def lines(self) -> list[str]:
        """The result as text, one line each, breaches indented."""
        found = []
        for law in self.laws:
            found.append(f"{'holds ' if law.holds else 'BROKEN'}  {law.law}")
            found.extend(f"        {breach}" for breach in law.breaches)
            if law.broken > len(law.breaches):
                found.append(f"        and {law.broken - len(law.breaches):,} more")
        there = self.acknowledged - self.lost - self.removed
        kept = f" ({there:,} are there and right, {self.removed:,} were read back right and then removed)" if self.removed else ""
        lost = f"{self.lost:,} lost of {self.acknowledged:,} acknowledged photos{kept}" if self.audited else "no store to look into"
        if not self.has_server:
            found.append("the server side is not available: only the generator's own laws were checked (docs/ledger.md: how it becomes so)")
        found.append(f"{lost}; {self.unexplained:,} unexplained of {self.attempts:,} attempts")
        return found


def verify(folder: Path, elsewhere: Elsewhere = HERE) -> Verification:
    """Verify a finished run; `elsewhere` as `audit` takes it. Raises RecordError when a file is missing or can't be read."""
    record = read_record(folder)
    plan = read_model(folder / PLAN_FILE, RunPlan)
    evidence = read_evidence(folder, plan)
    joined = join(evidence, plan.scenario.journey, dropped_by_kernel(record.host))
    audited = audit(folder, evidence.acknowledged, elsewhere) if elsewhere.rows is not None or can_audit(folder) else None
    laws = [
        _law("every file is as it was when the record was written", _changed_files(folder, record)),
        _law("every planned person has exactly one fate, the record's", _fates(record, evidence)),
        _law("every person was walked by one process, the one that the plan and the deaths say", _walked(evidence, plan)),
        _law("every attempt has exactly one outcome, the record's", _outcomes(record, evidence)),
        _law("each person's tries at a step are numbered 1, 2, 3 …", _numbers(evidence)),
        _law("each person made as many attempts as their row says", _attempts_of_people(evidence)),
        _law("no attempt is sent before it is due or done before it is sent", _times(evidence)),
        _law("whoever passed a step did it, and whoever passed a photo was told so", _passed(evidence, plan)),
        _law("both ends agree on every attempt, or the table says why not", _joined(record, joined)),
        _law("what applicants' pages reported is what the record says", _pages(record, folder)),
        _law("who complained in public, and when, is what the record says", _complaints(record, evidence, plan)),
        _law("every acknowledged photo is in the store, whole, or was read back so and removed", _audited(record, audited)),
    ]
    return Verification(
        attempts=len(evidence.generator),
        acknowledged=len(evidence.acknowledged),
        audited=audited is not None,
        has_server=evidence.has_server,
        lost=audited.lost if audited is not None else 0,
        removed=audited.removed if audited is not None else 0,
        unexplained=joined.unexplained,
        laws=tuple(laws),
    )


def _law(law: str, breaches: Iterator[str]) -> LawResult:
    named: list[str] = []
    broken = 0
    for breach in breaches:
        broken += 1
        if broken <= NAMED_LIMIT:
            named.append(breach)
    return LawResult(law, tuple(named), broken)


def _changed_files(folder: Path, record: RunRecord) -> Iterator[str]:
    now = digests(folder)
    for name in sorted(record.files.keys() | now.keys()):
        if record.files.get(name) != now.get(name):
            yield f"{name} is {'missing' if name not in now else 'new' if name not in record.files else 'changed'}"


def _fates(record: RunRecord, evidence: Evidence) -> Iterator[str]:
    people = evidence.people
    persons, counts = np.unique(people["person"], return_counts=True)
    for person in persons[counts > 1].tolist():
        yield f"person {person} has more than one row"
    for person in persons[persons >= record.people_planned].tolist():
        yield f"person {person} has a row, and {record.people_planned} people were planned (numbered from 0)"
    for person in people["person"][people["fate"] >= len(Fate)].tolist():
        yield f"person {person} has a fate that there is not"
    for person in np.setdiff1d(evidence.generator["person"], people["person"]).tolist():
        yield f"person {person} has attempts and no row"
    if (people["fate"] < len(Fate)).all():
        yield from _differences("people", record.fates, fates(people, record.people_planned))


def _walked(evidence: Evidence, plan: RunPlan) -> Iterator[str]:
    people = evidence.people["person"].astype(np.int64)
    due_us = np.zeros(int(people.max()) + 1 if len(people) else 0, dtype=np.int64)
    due_us[people] = evidence.people["due"]
    owner, epoch = owners(due_us, plan.generator_processes, evidence.deaths)
    wrong = (owner[people] != evidence.people_process) | (epoch[people] != evidence.people["epoch"])
    for row, process in zip(evidence.people[wrong], evidence.people_process[wrong].tolist(), strict=True):
        person = int(row["person"])
        wanted = f"process {owner[person]} in epoch {epoch[person]}"
        yield f"person {person} was walked by process {process} in epoch {row['epoch']}; want {wanted}"


def _outcomes(record: RunRecord, evidence: Evidence) -> Iterator[str]:
    rows = evidence.generator
    beyond = int(((rows["step"] >= len(record.steps)) | (rows["outcome"] >= len(Outcome))).sum())
    if beyond:
        yield f"{beyond} attempts have a step or an outcome that there is not"
    for index, step in enumerate(record.steps):
        counts = np.bincount(rows["outcome"][rows["step"] == index], minlength=len(Outcome))[: len(Outcome)]
        found = {Outcome(i).name.lower(): int(n) for i, n in enumerate(counts) if n}
        yield from _differences(f"attempts at {step.step}", step.outcomes, found)
        if found.get("open"):
            yield f"{found['open']} attempts at {step.step} were begun and never ended, though their process lived"


def _differences(what: str, said: dict[str, int], found: dict[str, int]) -> Iterator[str]:
    for name in sorted(said.keys() | found.keys()):
        if said.get(name, 0) != found.get(name, 0):
            yield f"{what}: {found.get(name, 0)} {name}; the record says {said.get(name, 0)}"


def _numbers(evidence: Evidence) -> Iterator[str]:
    rows = evidence.generator
    order = np.lexsort((rows["number"], rows["tab"], rows["step"], rows["person"]))
    ranked = rows[["person", "step", "tab", "number"]][order]
    same = np.ones(len(ranked), dtype=np.bool_)
    for name in ("person", "step", "tab"):
        same[1:] &= ranked[name][1:] == ranked[name][:-1]
    same[:1] = False
    before = np.zeros(len(ranked), dtype=np.int64)
    before[1:] = np.where(same[1:], ranked["number"][:-1], 0)
    for row in ranked[ranked["number"] != before + 1].tolist():
        yield f"person {row[0]}, step {row[1]}: try {row[3]} follows no try {row[3] - 1}, or is there twice"


def _attempts_of_people(evidence: Evidence) -> Iterator[str]:
    # A killed generator wrote each attempt, but maybe not yet how many they were.
    dead = {death.process for death in evidence.deaths}
    if evidence.generators_died > len(dead):
        return
    people = evidence.people[~np.isin(evidence.people_process, list(dead))]
    persons, counts = np.unique(evidence.generator["person"], return_counts=True)
    made = np.zeros(len(people), dtype=np.int64)
    if len(persons):
        place = np.minimum(np.searchsorted(persons, people["person"]), len(persons) - 1)
        made = np.where(persons[place] == people["person"], counts[place], 0)
    wrong = made != people["attempts"]
    for person, said, found in zip(people["person"][wrong].tolist(), people["attempts"][wrong].tolist(), made[wrong].tolist(), strict=True):
        yield f"person {person} has {found} attempts; their row says {said}"


def _times(evidence: Evidence) -> Iterator[str]:
    rows = evidence.generator
    ended = ~np.isin(rows["outcome"], (Outcome.OPEN, Outcome.PROCESS_DIED))
    wrong = (rows["sent"] < rows["due"]) | (ended & (rows["done"] < rows["sent"]))
    yield from (f"{_name(row)}: due {row['due']}, sent {row['sent']}, done {row['done']} µs" for row in rows[wrong])


def _passed(evidence: Evidence, plan: RunPlan) -> Iterator[str]:
    """A passing time needs an attempt that ended ok or conflict at that step; a photo's needs an acknowledgement."""
    rows, steps = evidence.generator, plan.scenario.journey
    photos = photo_steps(steps)
    well = np.isin(rows["outcome"], (Outcome.OK, Outcome.CONFLICT))
    for index, step in enumerate(steps):
        passed = evidence.people["person"][evidence.people["passed"][:, index] > 0]
        did = rows["person"][well & (rows["step"] == index)]
        yield from (f"person {person} passed {step.step} with no attempt that ended well" for person in _without(passed, did))
        if index in photos:
            told = evidence.acknowledged["person"][evidence.acknowledged["step"] == index]
            done = rows["person"][(rows["outcome"] == Outcome.OK) & (rows["step"] == index)]
            killed = rows["person"][(rows["outcome"] == Outcome.PROCESS_DIED) & (rows["step"] == index)]
            yield from (
                f"person {person} was told that {step.step} is stored, and no acknowledgement is recorded"
                for person in _without(done, told)
            )
            yield from (
                f"person {person} has an acknowledgement of {step.step} that no attempt was told"
                for person in _without(told, np.concatenate((done, killed)))
            )


def _without(these: NDArray[np.uint64], those: NDArray[np.uint64]) -> Sequence[int]:
    found: list[int] = np.setdiff1d(these, those).tolist()
    return found


def _joined(record: RunRecord, joined: Joined) -> Iterator[str]:
    for cell in joined.cells:
        if not cell.explained:
            server = f"{cell.server_stage} {cell.server_outcome} {cell.code}".rstrip()
            yield f"{cell.attempts:,} × {cell.client_outcome} {cell.client_phase} | {server}: {cell.meaning}"
    if joined.unexplained != record.unexplained:
        yield f"{joined.unexplained} are unexplained; the record says {record.unexplained}"
    if _counted(joined.cells) != _counted(record.join):
        yield "the joined table is another than the record's"


def _pages(record: RunRecord, folder: Path) -> Iterator[str]:
    found, said = ({end.cell[:-1]: end.attempts for end in ends} for ends in (page_ends(folder), record.pages))
    for names in sorted(found.keys() | said.keys()):
        if found.get(names) != said.get(names):
            yield f"{' '.join(filter(None, names))}: {found.get(names, 0)} tries; the record says {said.get(names, 0)}"


def _complaints(record: RunRecord, evidence: Evidence, plan: RunPlan) -> Iterator[str]:
    scale = plan.scale.scale()
    grid = WindowGrid.over(record.for_seconds, record.ended_seconds, scale.speed)
    found = public_complaints(plan.scenario, scale, plan.seed, evidence.generator, grid)
    if found != record.complaints:
        people, said = (part.people + part.later if part else 0 for part in (found, record.complaints))
        yield f"{people} people complain by the ledger; the record says {said}, or other steps or windows"


def _counted(cells: Sequence[object]) -> set[str]:
    return {repr(cell) for cell in cells}


def _audited(record: RunRecord, audited: Audit | None) -> Iterator[str]:
    if audited is None:
        if record.uploads is not None and record.uploads.audited:
            yield "the store is gone, and the record says that it was looked into"
        return
    yield from (f"acknowledged and lost: {name}" for name in audited.lost_first)
    yield from (f"stored and not whole: {name}" for name in audited.wrong_digest_first)
    yield from (f"read back and not what was acknowledged: {name}" for name in audited.read_back_wrong_first)
    if record.uploads is not None and audited.lost != record.uploads.photos_acknowledged_lost:
        yield f"{audited.lost} are lost; the record says {record.uploads.photos_acknowledged_lost}"


def _name(row: np.void) -> str:
    return f"person {row['person']}, step {row['step']}, try {row['number']}"
