"""Guessing a journey: which values of a request were captured before, which are the person's, which nobody but the operator can know.

With two recordings of the same journey, a value that differs and stood in an earlier answer, at the same place in both recordings, is a
capture; one that differs and came from nowhere is the operator's to supply. With one recording, a value is taken for captured when it looks
made (an id, a token) and stood in an earlier answer. The latest answer wins, because tokens rotate.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from urllib.parse import urljoin

from gelombang.har.asked import URL, Place, values_asked
from gelombang.har.names import capture_name, is_id, shape_of, step_name
from gelombang.har.people import person_fields, placeholder, signs_up
from gelombang.har.recording import Exchange
from gelombang.har.sifting import Sifted, Visit
from gelombang.har.sources import Rule, rule_around, value_at, values_of
from gelombang.templates import placeholders, secret_references
from gelombang.trial.masking import looks_like_session

THINK_SECONDS_MIN = 1.0
"""Shorter gaps are the page's own doing."""
PIECE_CHARACTERS_MIN = 6
"""A captured value inside a longer one has at least so many characters."""

_MADE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_.~+/=:-]{8,}|\d{4,}|[A-Za-z0-9_-]{20,}")
_MESSAGE = re.compile(r"otp|code|kode|pin|verif|confirm|activat|token|link", re.IGNORECASE)
_KEY_HEADER = re.compile(r"api-?key|auth|secret|token|signature", re.IGNORECASE)


@dataclass(slots=True)
class Draft:
    """One step to be."""

    name: str
    visit: Visit
    think_seconds: float | None
    replaced: dict[Place, str] = field(default_factory=dict)
    """Places whose recorded value is not written, and what is written there."""
    captures: dict[str, Rule] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What the operator should look at, as comments above the step."""


@dataclass(slots=True)
class Guess:
    """A journey to be, and what is left to do by hand."""

    drafts: list[Draft]
    left: list[str] = field(default_factory=list)
    feed_columns: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    waits_for_message: bool = False

    @property
    def captures(self) -> int:
        return sum(len(draft.captures) for draft in self.drafts)


def guess(first: Sifted, second: Sifted | None, unknown: str = "differs between the recordings and came from nowhere") -> Guess:
    """The journey of one recording, or of what two have in common with the first. `unknown` is said of what only the operator can know."""
    return _Guesser(first, second, unknown).guess()


class _Guesser:
    def __init__(self, first: Sifted, second: Sifted | None, unknown: str) -> None:
        self._visits = first.visits
        self._origin = first.origin
        self._others = _aligned(first.visits, second.visits) if second else [None] * len(first.visits)
        self._has_two = second is not None
        self._unknown_words = unknown
        self._signs_up = signs_up(visit.asked for visit in first.visits)
        self._guess = Guess([])
        self._names: dict[tuple[int, Rule], str] = {}

    def guess(self) -> Guess:
        for i, visit in enumerate(self._visits):
            taken = [draft.name for draft in self._guess.drafts]
            name = step_name(visit.asked.method, _common_path(visit, self._others[i]), taken)
            self._guess.drafts.append(Draft(name, visit, self._thinking(i)))
        for i, draft in enumerate(self._guess.drafts):
            self._fill(i, draft)
        return self._guess

    def _thinking(self, i: int) -> float | None:
        gaps = [_gap(self._visits, self._visits[i])]
        other = self._others[i]
        if other is not None:
            gaps.append(_gap(tuple(visit for visit in self._others if visit is not None), other))
        gap = math.exp(sum(math.log(max(gap, 0.01)) for gap in gaps) / len(gaps))
        return round(gap, 1) if i and gap >= THINK_SECONDS_MIN else None

    def _fill(self, i: int, draft: Draft) -> None:
        asked, other = draft.visit.asked, self._others[i]
        if self._has_two and other is None:
            draft.notes.append("only in the first recording: is it part of the journey?")
        values = values_asked(asked)
        others = values_asked(other.asked) if other is not None else None
        persons = person_fields(asked)
        if self._whole_url(i, asked, None if other is None else other.asked):
            values = {place: value for place, value in values.items() if place[0] not in ("url", "path", "query")}
        for place, value in values.items():
            if place == URL or not value:
                continue
            if place in persons:
                self._persons(draft, place, persons[place], value)
            else:
                self._value(i, draft, place, value, others)
            if place not in draft.replaced and (placeholders(value) or secret_references(value)):
                self._guess.left.append(f"step {draft.name}: {place_in_words(place)} holds braces, which a scenario reads as a placeholder")

    def _persons(self, draft: Draft, place: Place, field_name: str, value: str) -> None:
        text = placeholder(field_name, value, self._signs_up)
        draft.replaced[place] = text
        if not self._signs_up:
            column = text.rpartition(".")[2].rstrip("}")
            if column not in self._guess.feed_columns:
                self._guess.feed_columns.append(column)

    def _whole_url(self, i: int, asked: Exchange, other: Exchange | None) -> bool:
        """Whether the address as a whole was named by an earlier answer, and has to be taken from there."""
        elsewhere = asked.origin != self._origin
        differs = other is not None and other.url != asked.url
        made = any(is_id(segment) for segment in asked.split.path.split("/")) or _MADE.search(asked.split.query) is not None
        if not (elsewhere or differs or (other is None and made)):
            return False
        for j in range(i - 1, -1, -1):
            for rule, value in _values(self._visits[j]).items():
                if not value.startswith(("/", "http://", "https://")) or urljoin(asked.url, value).partition("#")[0] != asked.url:
                    continue
                before = self._others[j]
                if other is not None and before is not None:
                    named = _found(before, rule)
                    if named is None or urljoin(other.url, named).partition("#")[0] != other.url:
                        continue
                self._guess.drafts[i].replaced[URL] = f"{{{self._captured(j, rule, rule.rule)}}}"
                return True
        return False

    def _value(self, i: int, draft: Draft, place: Place, value: str, others: dict[Place, str] | None) -> None:
        other = None if others is None else others.get(place)
        differs = others is not None and other != value
        looks_made = _MADE.fullmatch(value.removeprefix("Bearer ")) is not None or looks_like_session(place[1])
        if differs or (others is None and looks_made):
            text = self._source(i, place, value, other if differs else None)
            if text is not None:
                draft.replaced[place] = text
                return
        if place[0] == "header" and _KEY_HEADER.search(place[1]):
            self._secret(draft, place)
        elif differs or (others is None and looks_like_session(place[1])):
            self._unknown(draft, place)

    def _source(self, i: int, place: Place, value: str, other: str | None) -> str | None:
        """The text with a placeholder for what an earlier answer held; None when it came from nowhere."""
        for j in range(i - 1, -1, -1):
            for rule, found in _values(self._visits[j]).items():
                if found == value and (other is None or self._held(j, rule) == other):
                    return f"{{{self._captured(j, rule, rule.rule)}}}"
        for j in range(i - 1, -1, -1):
            for rule, found in _values(self._visits[j]).items():
                if len(found) >= PIECE_CHARACTERS_MIN and found in value and (other is None or self._fits(j, rule, found, value, other)):
                    return value.replace(found, f"{{{self._captured(j, rule, rule.rule)}}}", 1)
        for j in range(i - 1, -1, -1):
            around = rule_around(self._visits[j].answered, value) if len(value) >= PIECE_CHARACTERS_MIN else None
            if around is not None and (other is None or self._held(j, around) == other):
                return f"{{{self._captured(j, around, place[1] or place[0])}}}"
        return None

    def _held(self, j: int, rule: Rule) -> str | None:
        before = self._others[j]
        return None if before is None else _found(before, rule)

    def _fits(self, j: int, rule: Rule, found: str, value: str, other: str) -> bool:
        """Whether the same rule explains the other recording's value too, with the same text around it."""
        held = self._held(j, rule)
        return held is not None and held in other and value.replace(found, "\0", 1) == other.replace(held, "\0", 1)

    def _captured(self, j: int, rule: Rule, words: str) -> str:
        known = self._names.get((j, rule))
        if known is not None:
            return known
        name = capture_name(words.rpartition("@")[0] if rule.way == "css" else words, [*self._names.values(), *_PERSON_NAMES])
        self._names[j, rule] = name
        self._guess.drafts[j].captures[name] = rule
        return name

    def _secret(self, draft: Draft, place: Place) -> None:
        variable = re.sub(r"[^A-Z0-9]+", "_", place[1].upper())
        draft.replaced[place] = f"${{env:{variable}}}"
        if variable not in self._guess.secrets:
            self._guess.secrets.append(variable)
            self._guess.left.append(f"step {draft.name}: the header {place[1]} came from nowhere: set the environment variable {variable}")

    def _unknown(self, draft: Draft, place: Place) -> None:
        where = place_in_words(place)
        why = self._unknown_words if self._has_two else "looks made and came from nowhere"
        hint = ""
        if _MESSAGE.search(f"{place[1]} {draft.visit.asked.split.path}"):
            hint = "; from a mail or SMS? then put a message step before this one"
            self._guess.waits_for_message = True
        draft.notes.append(f"{where} {why}: yours to supply{hint}")
        self._guess.left.append(f"step {draft.name}: {where} {why}{hint}")
        if looks_like_session(place[1]):
            variable = re.sub(r"[^A-Z0-9]+", "_", place[1].upper()).strip("_")
            draft.replaced[place] = f"${{env:{variable}}}"
            self._guess.secrets.append(variable)


_PERSON_NAMES = ("name", "email", "phone", "nik", "kk", "birth_date", "address", "password")


def place_in_words(place: Place) -> str:
    """How an operator calls a place in a request."""
    kind, name = place
    match kind:
        case "path":
            return f"segment {name} of the path"
        case "json":
            return f"the body's {name}"
        case "raw":
            return "the body"
        case "url":
            return "the address"
    return f"the {'field' if kind in ('form', 'part') else kind} {name}"


def _gap(visits: Sequence[Visit], visit: Visit) -> float:
    """From the end of everything before to the beginning of this."""
    ends = [earlier.ended_seconds for earlier in visits if earlier.asked.began_seconds < visit.asked.began_seconds]
    return max(visit.asked.began_seconds - max(ends), 0.0) if ends else 0.0


def _aligned(visits: Sequence[Visit], others: Sequence[Visit]) -> list[Visit | None]:
    """For each visit the one that stands in its place in the other recording."""
    found: list[Visit | None] = [None] * len(visits)
    blocks = SequenceMatcher(None, [_key(v) for v in visits], [_key(v) for v in others], autojunk=False).get_matching_blocks()
    for block in blocks:
        for k in range(block.size):
            found[block.a + k] = others[block.b + k]
    _fill_gaps(found, visits, others)
    return found


def _fill_gaps(found: list[Visit | None], visits: Sequence[Visit], others: Sequence[Visit]) -> None:
    """Between two visits that were found, those with the same method, host and length of path, in their order: ids come in all shapes."""
    place = {id(other): k for k, other in enumerate(others)}
    for i, visit in enumerate(visits):
        if found[i] is not None:
            continue
        before = next((place[id(other)] for other in reversed(found[:i]) if other is not None), -1)
        after = next((place[id(other)] for other in found[i + 1 :] if other is not None), len(others))
        found[i] = next((other for other in others[before + 1 : after] if _loosely(other) == _loosely(visit)), None)


def _common_path(visit: Visit, other: Visit | None) -> str:
    """The segments of a path that the other recording has too: what differs names one thing, whatever it looks like."""
    path = visit.asked.split.path
    others = path.split("/") if other is None else other.asked.split.path.split("/")
    return "/".join(segment for segment, its in zip(path.split("/"), others, strict=True) if segment == its)


def _key(visit: Visit) -> tuple[str, str, str]:
    return visit.asked.method, visit.asked.host, shape_of(visit.asked.split.path)


def _loosely(visit: Visit) -> tuple[str, str, int]:
    return visit.asked.method, visit.asked.host, visit.asked.split.path.count("/")


@lru_cache(maxsize=1_000)
def _values_of(exchange: Exchange) -> dict[Rule, str]:
    return values_of(exchange)


def _values(visit: Visit) -> dict[Rule, str]:
    return _values_of(visit.answered)


def _found(visit: Visit, rule: Rule) -> str | None:
    return value_at(visit.answered, rule) if rule.way == "regex" else _values(visit).get(rule)


def reasons(dropped: Counter[str]) -> str:
    """What was dropped and why, the most frequent first."""
    return ", ".join(f"{count} × {reason}" for reason, count in dropped.most_common())
