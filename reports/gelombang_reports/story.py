"""What happened, in sentences: the same words on the page, in the terminal and in a job summary.

An INVALID run gets no sentence that could be quoted as a result.
"""

import shlex
from collections.abc import Sequence

from gelombang.intervals import share_difference
from gelombang.record import RunRecord, StepTotals, Validity
from gelombang_reports.figures import Figures, clock_text
from gelombang_reports.people import arrived, photo_steps
from gelombang_reports.places import failed_ratio, place_name, refused_ratio, worst
from gelombang_reports.texts import Texts


def stand_for(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> tuple[str, ...]:
    """The very first line: for how many people the sample stands. One line when all records agree."""
    return tuple(dict.fromkeys(_stand_for(record, texts, figures) for record in records))


def stops(records: Sequence[RunRecord], texts: Texts) -> tuple[str, ...]:
    """Who ended which run before its time, and why; it stands before everything else."""
    return tuple(
        texts.stopped.format(
            profile=record.profile,
            by=record.stopped_by,
            clock=clock_text(record.opens_at, record.stopped_seconds or 0.0),
            reason=record.stop_reason.rstrip("."),
        )
        for record in records
        if record.stopped_by is not None
    )


def headline(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> str:
    """The one thing to remember."""
    invalid = [record.profile for record in records if record.validity is Validity.INVALID]
    if invalid:
        return texts.headline_none.format(profiles=", ".join(invalid))
    if len(records) > 1 and all(record.uploads for record in records):
        return _compared(records[0], records[-1], texts, figures)
    return _alone(records[0], texts, figures)


def sentence(record: RunRecord, texts: Texts, figures: Figures) -> str:
    """What happened to the people of one profile."""
    if record.validity is Validity.INVALID:
        return texts.sentence_invalid
    parts: list[str] = []
    if record.uploads is not None and record.uploads.attempts:
        past = figures.count(record.uploads.people_past_both_photos)
        parts.append(texts.sentence_photos.format(past=past, arrived=figures.count(arrived(record)), uploads=_uploads(record, texts)))
        parts.append(_failures(record, texts, figures))
    if (end := _last_milestone(record)) is not None:
        parts.append(texts.sentence_joined.format(joined=figures.count(end.people_passed), title=end.title))
    parts.extend(_other_steps(record, texts))
    return " ".join(parts)


def tiles(record: RunRecord, texts: Texts, figures: Figures) -> list[tuple[str, str]]:
    """Four numbers to remember, each with what it is; none of an INVALID run."""
    if record.validity is Validity.INVALID:
        return []
    people, uploads, ratio, end = figures.count(arrived(record)), record.uploads, failed_ratio(record), _last_milestone(record)
    found: list[tuple[str, str]] = []
    if uploads is not None and ratio is not None:
        words = texts.tile_past.format(uploads=_uploads(record, texts), arrived=people)
        found += [(figures.count(uploads.people_past_both_photos), words), (figures.share(ratio, 1.0), texts.tile_failed)]
        found.append((figures.decimal(uploads.attempts_per_acknowledged_photo), texts.tile_attempts))
    elif end is not None:
        found.append((figures.count(end.people_passed), texts.tile_end.format(arrived=people)))
    judged = [judgement for judgement in record.objectives if judgement.passed is not None]
    if judged:
        met = sum(bool(judgement.passed) for judgement in judged)
        found.append((f"{met}{figures.gap}/{figures.gap}{len(judged)}", texts.tile_objectives))
    return found


def commands(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """The command lines that make these runs again: one for all profiles whose other settings agree."""
    profiles: dict[tuple[str, ...], list[str]] = {}
    for record in records:
        scale = record.scale
        rest = ["--sample", scale.sample, "--speed", f"{scale.speed:g}", "--bytes", f"{scale.bytes_ratio:g}"]
        rest += ["--load", f"{scale.load:g}"] if scale.load != 1 else []
        rest += ["--seed", str(record.seed), "--for", f"{record.for_seconds:g}"]
        profiles.setdefault((record.scenario, *rest), []).append(record.profile)
    lines: list[str] = []
    for (scenario, *settings), names in profiles.items():
        wanted = [word for name in names for word in ("--profile", name)]
        lines.append(shlex.join(["gelombang", "run", scenario, *wanted, *settings]))
    return tuple(lines)


def scale_words(record: RunRecord, texts: Texts, figures: Figures) -> str:
    """`1/50 of them, 60 times as fast, photos × 0.1`."""
    scale = record.scale
    parts = [texts.scale_sample.format(sample=scale.sample), texts.scale_speed.format(speed=figures.decimal(scale.speed))]
    if scale.bytes_ratio != 1:
        parts.append(texts.scale_bytes.format(ratio=f"{scale.bytes_ratio:g}"))
    if scale.load != 1:
        parts.append(texts.scale_load.format(load=f"{scale.load:g}"))
    return ", ".join(parts)


def of_hundred(ratio: float) -> str:
    """Of 100, as people say it: 0 and 100 only of none and all."""
    value = 100 * ratio
    if 0 < value < 1:
        return "less than 1"
    if 99 < value < 100:
        return "more than 99"
    return f"{value:.0f}"


def sentence_case(words: str) -> str:
    """A sentence that begins with a number may begin with words instead: `less than 1 of 100`."""
    return words[:1].upper() + words[1:]


def _stand_for(record: RunRecord, texts: Texts, figures: Figures) -> str:
    people, full = figures.count(record.people_planned), figures.count(record.people_stand_for)
    if record.scale.sample == "1" and record.scale.speed == 1:
        return texts.everybody.format(people=people)
    return texts.stand_for.format(people=people, full=full, scale=scale_words(record, texts, figures))


def _compared(first: RunRecord, second: RunRecord, texts: Texts, figures: Figures) -> str:
    assert first.uploads is not None
    assert second.uploads is not None
    a, b = first.uploads.people_past_both_photos, second.uploads.people_past_both_photos
    chance = share_difference((a, arrived(first)), (b, arrived(second)))
    if chance.low <= 0 <= chance.high:
        words = {"b": second.profile, "a": first.profile, "people_b": figures.count(b), "people_a": figures.count(a)}
        return texts.headline_alike.format(uploads=_uploads(first, texts), **words)
    if a == 0:
        return texts.headline_from_none.format(b=second.profile, a=first.profile, people=figures.count(b), uploads=_uploads(first, texts))
    times = figures.decimal(b / a)
    return texts.headline_times.format(b=second.profile, a=first.profile, times=times, uploads=_uploads(first, texts))


def _alone(record: RunRecord, texts: Texts, figures: Figures) -> str:
    people, end = figures.count(arrived(record)), _last_milestone(record)
    ratio = failed_ratio(record)
    if record.uploads is not None and ratio is not None:
        past = figures.count(record.uploads.people_past_both_photos)
        if not ratio:
            return texts.headline_none_failed.format(past=past, arrived=people, uploads=_uploads(record, texts))
        words = texts.headline_failed.format(failed=of_hundred(ratio), past=past, arrived=people, uploads=_uploads(record, texts))
        return sentence_case(words)
    if end is None or photo_steps(record):
        return texts.headline_no_attempts.format(arrived=people)
    return texts.headline_joined.format(joined=figures.count(end.people_passed), arrived=people, title=end.title)


def _uploads(record: RunRecord, texts: Texts) -> str:
    """What people had to get past: the two photos of the registration, or whatever a service of somebody's own takes last."""
    return texts.past_both if len(photo_steps(record)) > 1 else texts.past_last


def _failures(record: RunRecord, texts: Texts, figures: Figures) -> str:
    assert record.uploads is not None
    place, ratio = worst(record), failed_ratio(record)
    if place is None or not ratio:
        return texts.sentence_none_failed.format(attempts=figures.count(record.uploads.attempts))
    share = figures.share(place.attempts, record.uploads.failed)
    refused = refused_ratio(record)
    how_many = texts.sentence_refused if refused else texts.sentence_failed
    first = sentence_case(how_many.format(failed=of_hundred(ratio), refused=of_hundred(refused)))
    name = place_name(place.stage, place.outcome, place.code)
    return f"{first} {texts.sentence_worst.format(share=share, place=name, meaning=place.meaning.rstrip('.') + '.')}"


def _other_steps(record: RunRecord, texts: Texts) -> list[str]:
    others = [step for step in record.steps if step.form == "request"]
    attempts = sum(step.attempts for step in others)
    if not attempts:
        return []
    ok = sum(step.outcomes.get("ok", 0) for step in others)
    return [texts.sentence_steps.format(ok=of_hundred(ok / attempts))]


def _last_milestone(record: RunRecord) -> StepTotals | None:
    return next((step for step in reversed(record.steps) if step.milestone), None)
