"""Everything that the page says, as one JSON document: the records as they are, how sure their quantiles are, and the comparison."""

from collections.abc import Sequence
from dataclasses import asdict

import orjson

from gelombang.record import RunRecord
from gelombang_reports.compare import comparison, differences, labelled
from gelombang_reports.detail import Detail
from gelombang_reports.figures import TEXT_FIGURES
from gelombang_reports.texts import ENGLISH, Texts

SCHEMA_VERSION = 1


def json_report(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts = ENGLISH) -> str:
    """The document, on one line. `runs` has a record each and what is known beside it; `differences` needs two runs, and
    `comparison` two that can be believed."""
    shown = labelled(records)
    document: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "runs": [{"record": record.model_dump(mode="json")} | _beside(detail) for record, detail in zip(records, details, strict=True)],
    }
    if len(records) > 1:
        differing, same = differences(shown, details, texts, TEXT_FIGURES)
        document["differences"] = {"differ": {row.title: row.values for row in differing}, "same": same}
    if (compared := comparison(shown, details, texts, TEXT_FIGURES)) is not None:
        document["comparison"] = {
            "family": compared.family,
            "alpha": compared.alpha,
            "measures": [
                {"title": row.title, "marked": row.marked, "runs": [asdict(found) for found in row.found]} for row in compared.rows
            ],
        }
    return orjson.dumps(document).decode()


def _beside(detail: Detail) -> dict[str, object]:
    intervals = {
        step: {name: None if found is None else [found.low, found.high] for name, found in spread.intervals.items()}
        for step, spread in detail.spread.items()
    }
    return {
        "response_intervals_seconds": intervals,
        "both_ends": {step: asdict(ends) for step, ends in detail.ends.items()},
        "attempts": [asdict(trace) for trace in detail.traces],
        "marks": [asdict(mark) for mark in detail.marks],
    }
