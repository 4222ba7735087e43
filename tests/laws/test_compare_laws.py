"""Two runs of the same thing: the whole comparison, as a page makes it, marks nothing in at least 19 of 20 pairs."""

import numpy as np

from gelombang.histogram import Histogram
from gelombang.intervals import design_effect
from gelombang.record import RunRecord
from gelombang.segments import Segments
from gelombang_reports.compare import comparison, labelled
from gelombang_reports.detail import Detail
from gelombang_reports.figures import TEXT_FIGURES
from gelombang_reports.response import StepSpread
from gelombang_reports.texts import ENGLISH
from support.records import hardened

ALPHA = 0.05
ROUNDS = 120
SLACK = 3.1 * (ALPHA * (1 - ALPHA) / ROUNDS) ** 0.5
PROBABILITIES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def drawn_run(chance: np.random.Generator) -> tuple[RunRecord, Detail]:
    """One truth: people pass by chance; a person tries three times at a step, and their tries resemble each other."""
    record = hardened()
    steps = []
    histograms: dict[str, Histogram] = {}
    spread: dict[str, StepSpread] = {}
    for step in record.steps:
        passed = int(chance.binomial(8_000, step.people_passed / 8_000))
        steps.append(step.model_copy(update={"people_passed": passed}))
        people = 150
        slow = np.repeat(chance.normal(0.0, 1.0, people), 3) + chance.normal(0.0, 0.4, 3 * people)
        us = (np.exp(slow) * 50_000).astype(np.int64)
        own = histograms[step.step] = Histogram.of(us)
        person = np.repeat(np.arange(people), 3)
        effects = {name: design_effect(us > (own.quantile_us(p) or 0.0), person) for name, p in PROBABILITIES.items()}
        spread[step.step] = StepSpread(dict.fromkeys(PROBABILITIES), effects)
    assert record.uploads is not None
    tries = record.uploads.failed + record.uploads.acknowledged
    failed = int(chance.binomial(tries, 0.6))
    uploads = record.uploads.model_copy(update={"failed": failed, "acknowledged": tries - failed})
    return (
        record.model_copy(update={"steps": steps, "uploads": uploads}),
        Detail(spread=spread, segments=Segments(steps=list(histograms), response=histograms)),
    )


def test_two_runs_of_one_truth_are_marked_in_at_most_one_pair_of_twenty():
    chance = np.random.default_rng(11)
    marked = 0
    for _ in range(ROUNDS):
        (first, beside), (second, other) = drawn_run(chance), drawn_run(chance)
        found = comparison(labelled([first, second]), [beside, other], ENGLISH, TEXT_FIGURES)
        assert found is not None
        assert found.family > 30
        marked += any(row.marked for row in found.rows)
    assert marked / ROUNDS <= ALPHA + SLACK
