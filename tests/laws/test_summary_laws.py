"""A run that is added up part by part has the record, and the page, of the run that is looked at as a whole."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.evidence import latest_us, read_evidence, shares
from gelombang.intervals import ClusterSums, clustered_effect
from gelombang.ledger import GENERATOR_ROW, read_rows
from gelombang.record import write_record
from gelombang.segments import read_segments
from gelombang.striping import Death, write_deaths
from gelombang.summary import summarise
from gelombang_reports.detail import read_detail
from support.run_folder import FACTS, UPLOAD_FAILED, RunFolder

PEOPLE = 23
PART_BYTES = 8_000
SOCKETS_DROPPED = {"listen_overflows": 3, "listen_drops": 3}


def crowd(folder: Path, server_died: bool) -> RunFolder:
    """Every fate, attempts that only one end has, photos told twice, a kernel that dropped some of what is unseen, a killed generator."""
    run = RunFolder(folder, people=PEOPLE).everybody(failures=3)
    for person in (0, 4, 5):
        for _ in range(2):
            run.attempt(person, "photo-page", Outcome.RESET, Phase.CONNECT, status=0, server=None)
            run.attempt(person, "ktp", Outcome.REFUSED, Phase.CONNECT, status=0, server=None)
    run.attempt(7, "ktp", Outcome.OPEN, server=UPLOAD_FAILED)
    run.attempt(9, "account", Outcome.FAILED, Phase.RECEIVE, Code.NONE, status=500, server=None)
    for person in (0, 4, 5, 7, 9):
        run.person(person, Fate.OPEN if person == 7 else Fate.WAITING)
    run.unsent(PEOPLE - 1)
    return run.write(died=True, server_died=server_died)


@pytest.mark.parametrize("server_died", [False, True])
def test_the_record_of_the_parts_is_that_of_the_whole(tmp_path: Path, server_died: bool) -> None:
    run = crowd(tmp_path, server_died)
    write_deaths(tmp_path, [Death(epoch=1, process=0, how="was killed", at_us=9_000_000, from_us=10_000_000, living=())])
    assert len(shares(tmp_path, PART_BYTES)) > 3
    facts = FACTS.__class__("now", listen_before=dict.fromkeys(SOCKETS_DROPPED, 0), listen_after=SOCKETS_DROPPED)
    whole = summarise(tmp_path, run.plan, run.profile, facts, {}, run.due_us())
    histograms = read_segments(tmp_path)
    parts = summarise(tmp_path, run.plan, run.profile, facts, {}, run.due_us(), part_bytes=PART_BYTES)
    assert sum(step.attempts for step in whole.steps) == len(run.generator)
    assert whole.unexplained > 0
    assert whole.complaints is not None
    assert parts.model_dump(exclude={"files"}) == whole.model_dump(exclude={"files"})
    again = read_segments(tmp_path)
    assert np.array_equal(again.windows, histograms.windows)
    assert {name: found.to_bytes() for name, found in again.response.items()} == {
        name: found.to_bytes() for name, found in histograms.response.items()
    }


def test_the_page_of_the_parts_is_that_of_the_whole(tmp_path: Path) -> None:
    run = crowd(tmp_path, server_died=False)
    record = summarise(tmp_path, run.plan, run.profile, FACTS, {}, run.due_us())
    write_record(tmp_path, record)
    whole, parts = read_detail(tmp_path, record), read_detail(tmp_path, record, PART_BYTES)
    assert whole.traces
    assert parts.traces == whole.traces
    assert parts.ends == whole.ends
    assert list(parts.spread) == list(whole.spread)
    for name, spread in whole.spread.items():
        assert parts.spread[name].design_effects == pytest.approx(spread.design_effects)
    assert parts.failed_effect == pytest.approx(whole.failed_effect)


def test_each_row_is_in_one_part_and_a_person_s_are_together(tmp_path: Path) -> None:
    run = crowd(tmp_path, server_died=True)
    parts = [read_evidence(tmp_path, run.plan, share) for share in shares(tmp_path, PART_BYTES)]
    whole = read_evidence(tmp_path, run.plan)
    for rows in ("generator", "server", "people", "acknowledged"):
        found = np.concatenate([getattr(part, rows) for part in parts])
        assert sorted(row.tobytes() for row in found) == sorted(row.tobytes() for row in getattr(whole, rows))
    people = [set(np.concatenate((part.generator["person"], part.server["person"], part.people["person"])).tolist()) for part in parts]
    assert sum(len(own) for own in people) == len(set().union(*people))
    assert all((part.generators_died, part.servers_died) == (1, 1) for part in parts)
    assert latest_us(tmp_path) == int(read_rows(tmp_path / "ledger-generator-0.bin", GENERATOR_ROW)["done"].max())


clusters = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=2, max_size=40)


@settings(max_examples=200, deadline=None)
@given(clusters, st.integers(1, 39))
def test_a_design_effect_of_clusters_that_come_in_two_goes_is_that_of_all_and_of_the_formula(
    counts: list[tuple[int, int]], cut: int
) -> None:
    samples = np.array([one + more for one, more in counts], dtype=np.float64)
    hits = np.array([one for one, _ in counts], dtype=np.float64)
    sums = ClusterSums()
    sums.add(hits[:cut], samples[:cut])
    sums.add(hits[cut:], samples[cut:])
    assert sums.effect() == pytest.approx(clustered_effect(hits, samples))
    total, filled = samples.sum(), int((samples > 0).sum())
    share = hits.sum() / total if total else 0.0
    if total >= 2 and 0 < share < 1 and filled >= 2:
        variance = filled / (filled - 1) * ((hits - share * samples) ** 2).sum()
        assert sums.effect() == pytest.approx(max(variance / (total * share * (1 - share)), 1.0), rel=1e-9, abs=1e-9)
