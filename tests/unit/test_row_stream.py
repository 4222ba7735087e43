"""What a worker sends of its ledgers while it runs, and in the end, is exactly what has ended."""

from pathlib import Path

import numpy as np

from gelombang.attempt import Fate, Outcome
from gelombang.created import CreatedRows
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, read_rows
from gelombang_loadtests.recorder import Ending
from gelombang_loadtests.row_stream import FileTails, StreamedRecorder


def test_every_row_is_taken_once_when_it_has_ended_and_none_before(tmp_path: Path) -> None:
    recorder = StreamedRecorder(tmp_path, 1, 10, lambda index: index % 2)
    taken: dict[str, bytes] = {}

    def take() -> set[str]:
        new = recorder.take()
        for name, content in new.items():
            taken[name] = taken.get(name, b"") + content
        return set(new)

    people = [recorder.begin_person(i, 10 + i, 20 + i) for i in range(3)]
    tries = [recorder.begin_attempt(i, 0, 1, 10 + i, 20 + i) for i in range(3)]
    assert take() == set()
    recorder.acknowledge(1, 0, 1, 99, b"x" * 32)
    recorder.end_attempt(tries[1], Ending(Outcome.OK), 40, Outcome.OK)
    assert take() == {"ledger-generator-1.bin", "acknowledged-1.bin"}
    recorder.end_person(people[1], Fate.FINISHED, 0, 1, 41)
    assert take() == {"people-1.bin"}
    recorder.end_attempt(tries[0], Ending(Outcome.CUT), 50, Outcome.CUT)
    recorder.end_person(people[0], Fate.CUT, 0, 1, 50)
    assert recorder.end_all_people(Fate.WAITING, 60) == 1
    recorder.unsent_person(3, 70)
    recorder.close()
    take()
    assert take() == set()
    for name, dtype in (("ledger-generator-1.bin", GENERATOR_ROW), ("people-1.bin", PERSON_ROW), ("acknowledged-1.bin", ACKNOWLEDGED_ROW)):
        whole = read_rows(tmp_path / name, dtype)
        sent = np.frombuffer(taken[name], dtype=dtype)
        if name.startswith("ledger"):
            whole = whole[whole["outcome"] != Outcome.OPEN]
        assert sorted(row.tobytes() for row in sent) == sorted(row.tobytes() for row in whole)
    rows = np.frombuffer(taken["people-1.bin"], dtype=PERSON_ROW)
    assert {int(row["person"]): (int(row["fate"]), int(row["epoch"])) for row in rows} == {
        0: (Fate.CUT, 0), 1: (Fate.FINISHED, 1), 2: (Fate.WAITING, 0), 3: (Fate.UNSENT, 1),
    }  # fmt: skip


def test_other_files_are_followed_as_they_grow_and_the_list_of_people_keeps_one_head(tmp_path: Path) -> None:
    tails = FileTails(tmp_path, 0)
    assert tails.take() == {}
    rows = CreatedRows(tmp_path)
    rows.add(7, "a@b.example", "+620", {})
    (tmp_path / "generator-0.jsonl").write_text("{}\n")
    first = tails.take()
    assert first["generator-0.jsonl"] == b"{}\n"
    assert first["created.csv"].startswith(b"7,a@b.example,")
    rows.add(8, "c@b.example", "+621", {})
    rows.close()
    assert tails.take()["created.csv"].startswith(b"8,")
    assert tails.take() == {}
