"""The summary as Markdown, for the job page of a CI system."""

import re
from collections.abc import Iterable, Sequence

from gelombang.record import Judgement, RunRecord, Validity
from gelombang_reports import people, places, story
from gelombang_reports.compare import comparison, differences, labelled
from gelombang_reports.detail import Detail
from gelombang_reports.figures import NOTHING, TEXT_FIGURES
from gelombang_reports.texts import ENGLISH, Texts
from gelombang_reports.waste import waste

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@])")


def markdown_summary(records: Sequence[RunRecord], texts: Texts = ENGLISH, details: Sequence[Detail] = ()) -> str:
    """What happened, as GitHub-flavoured Markdown; texts of the record can't become mark-up."""
    figures = TEXT_FIGURES
    details = details or [Detail()] * len(records)
    records = labelled(records)
    lines = [f"**{escape(line)}**\n" for line in story.stops(records, texts)]
    lines += [escape(line) for line in story.stand_for(records, texts, figures)]
    lines += ["", f"## {escape(story.headline(records, texts, figures))}", ""]
    for record in records:
        lines.append(f"- **{escape(record.profile)}** ({record.validity}): {escape(story.sentence(record, texts, figures))}")
        for doubt in record.doubts:
            words = texts.doubt_line.format(name=doubt.name, evidence=doubt.evidence, what_to_do=doubt.what_to_do)
            lines.append(f"  - {texts.severity_words[doubt.severity.value]}: {escape(words)}")
    profiles = [record.profile for record in records]
    lines += _table(
        (texts.objective, texts.profile, texts.wanted, texts.found, texts.result),
        [row for record in records for row in _objectives(record, texts)],
        texts.verdict,
    )
    lines += _compared(records, details, texts)
    rungs = people.funnel(records, texts.arrived)
    lines += _table(
        (texts.step, *profiles), [(r.title, *[figures.count(x.people) if x else NOTHING for x in r.lanes]) for r in rungs], texts.funnel
    )
    found = places.places(records)
    rows = [(texts.acknowledged if p.acknowledged else p.name, *[figures.count(n) for n in p.attempts], p.meaning) for p in found]
    lines += _table((texts.place, *profiles, texts.meaning), rows, texts.uploads)
    lines += _table((texts.measure, *profiles), [(m.title, *m.values) for m in waste(records, texts, figures)], texts.waste)
    return "\n".join(lines) + "\n"


def _compared(records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts) -> list[str]:
    """What differs before the runs, and what came out differently beyond chance; nothing for one run."""
    if len(records) < 2:
        return []
    profiles = [record.profile for record in records]
    differing, same = differences(records, details, texts, TEXT_FIGURES)
    lines = _table(("", *profiles), [(row.title, *row.values) for row in differing], texts.compare)
    lines += ["", escape(texts.compare_same.format(titles=", ".join(same)))]
    found = comparison(records, details, texts, TEXT_FIGURES)
    if found is None:
        return lines
    rows = [
        (row.title, *[" ".join(part for part in (one.words, texts.compare_judged[one.judged], one.change) if part) for one in row.found])
        for row in found.rows
        if row.marked
    ]
    lines += _table((texts.measure, *profiles), rows, texts.compare_after)
    note = texts.compare_note if rows else texts.compare_none
    return [*lines, "", escape(note.format(family=found.family, first=profiles[0], alpha=f"{found.alpha:.2g}"))]


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _objectives(record: RunRecord, texts: Texts) -> Iterable[tuple[str, ...]]:
    if record.validity is Validity.INVALID:
        return [(texts.no_verdict, record.profile, NOTHING, NOTHING, texts.not_judged)]
    return [(o.name, record.profile, o.wanted, o.found, _result(o, texts)) for o in record.objectives]


def _result(judgement: Judgement, texts: Texts) -> str:
    return {True: texts.passed, False: texts.failed, None: texts.not_judged}[judgement.passed]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> list[str]:
    if not rows:
        return []
    written = ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in (heads, *rows)]
    return ["", f"### {escape(title)}", "", written[0], "|" + " --- |" * len(heads), *written[1:]]
