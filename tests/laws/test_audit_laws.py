"""The audit, which looks at photos a batch at a time with arrays, finds what the plain words of its definition say of all of them at once.

Sites are drawn whose people, tries, digests and lengths are few, so that photos and acknowledgements agree, nearly agree, and stand there
twice; photos are there, gone or spoilt; the trail has right, wrong and unreadable photos, rows that differ from the database, rows twice,
in any order, and of photos that nobody stored.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.audit import Audit, Elsewhere, StoredPhoto, audit
from gelombang.audit_trail import TRAIL_FILE, Finding, audited_row
from gelombang.ledger import ACKNOWLEDGED_ROW

THERE, GONE, SPOILT = range(3)
DIGESTS = [hashlib.sha256(bytes([n])).digest() for n in range(3)]
LISTED = 2


@dataclass(frozen=True)
class Words:
    """What is said of a photo: by the database, by the trail, to its person."""

    person: int
    step: int
    number: int
    digest: bytes
    size_bytes: int


@dataclass(frozen=True)
class Noted:
    photo: int
    words: Words
    finding: int


@dataclass(frozen=True)
class Site:
    photos: list[Words]
    states: list[int]
    strangers: list[str]
    noted: list[Noted]
    told: list[Words]


WORDS = st.builds(Words, st.integers(0, 2), st.integers(8, 9), st.integers(1, 2), st.sampled_from(DIGESTS), st.integers(10, 11))


@st.composite
def sites(draw: st.DrawFn) -> Site:
    photos = draw(st.lists(WORDS, max_size=12))
    known = st.sampled_from(photos) | WORDS if photos else WORDS
    noted = []
    for number in draw(st.permutations(range(1, len(photos) + 3))):
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
            as_stored = photos[number - 1] if number <= len(photos) else draw(WORDS)
            finding = draw(st.sampled_from([*[Finding.RIGHT] * 4, *Finding, 0]))
            noted.append(Noted(number, draw(st.just(as_stored) | known), finding))
    if draw(st.booleans()):
        noted.sort(key=lambda row: row.photo)
    return Site(
        photos,
        draw(st.lists(st.sampled_from([THERE, THERE, GONE, SPOILT]), min_size=len(photos), max_size=len(photos))),
        draw(st.lists(st.sampled_from(["z.jpg", "00/a name that is longer than the others.jpg", "ü.jpg"]), unique=True)),
        noted,
        draw(st.lists(known, max_size=12)),
    )


class ShelfInMemory:
    def __init__(self, site: Site) -> None:
        self._site = site

    def whole(self, photos: list[StoredPhoto]) -> list[bool]:
        return [self._site.states[int(photo.path[:3])] == THERE for photo in photos]

    def names(self) -> Iterator[str]:
        yield from self._site.strangers
        yield from (name(i) for i, state in enumerate(self._site.states) if state != GONE)


def name(place: int) -> str:
    return f"{place:03}.jpg"


def named(words: Words) -> str:
    return f"person {words.person}, step {words.step}, try {words.number}"


def plainly(site: Site) -> Audit:
    """The definition, one photo and one acknowledgement after the other."""
    is_whole, is_removed, wrong = [], [], []
    for place, (photo, state) in enumerate(zip(site.photos, site.states, strict=True)):
        rows = [row for row in site.noted if row.photo == place + 1]
        is_noted = bool(rows and rows[0].finding)
        is_right = is_noted and rows[0].finding == Finding.RIGHT and rows[0].words == photo
        is_wrong = is_noted and not is_right
        if is_wrong:
            wrong.append(name(place))
        is_removed.append(is_right and state == GONE)
        is_whole.append(is_removed[-1] or (state == THERE and not is_wrong))
    strangers = [f"{named(row.words)}, of which the database knows nothing" for row in site.noted if row.photo > len(site.photos)]
    places = [place_of(told, site.photos) for told in site.told]
    good = [
        place is not None and is_whole[place] and site.photos[place].size_bytes == told.size_bytes
        for place, told in zip(places, site.told, strict=True)
    ]
    stands_for = [place for place, is_good in zip(places, good, strict=True) if place is not None and is_good]
    lost = [named(told) for told, is_good in zip(site.told, good, strict=True) if not is_good]
    broken = [name(place) for place, whole in enumerate(is_whole) if not whole]
    unheard = [photo.size_bytes for place, photo in enumerate(site.photos) if place not in stands_for]
    return Audit(
        acknowledged=len(site.told),
        found=len(stands_for),
        lost=len(lost),
        lost_first=lost[:LISTED],
        stored=len(site.photos),
        wrong_digest=len(broken),
        wrong_digest_first=broken[:LISTED],
        stored_unheard=len(unheard),
        stored_unheard_bytes=sum(unheard),
        removed=sum(is_removed[place] for place in stands_for),
        read_back=len(site.noted),
        read_back_wrong=len(wrong) + len(strangers),
        read_back_wrong_first=[*wrong, *strangers][:LISTED],
        orphan_files=len(site.strangers),
        orphan_files_first=sorted(site.strangers)[:LISTED],
    )


def place_of(told: Words, photos: list[Words]) -> int | None:
    """The stored photo that an acknowledgement stands for."""
    same_try = [i for i, photo in enumerate(photos) if (photo.person, photo.step, photo.number) == (told.person, told.step, told.number)]
    if same_try and photos[same_try[-1]].digest == told.digest:
        return same_try[-1]
    same_bytes = [i for i, photo in enumerate(photos) if (photo.person, photo.step, photo.digest) == (told.person, told.step, told.digest)]
    return same_bytes[-1] if same_bytes else None


def as_written(noted: Noted) -> bytes:
    words = noted.words
    return audited_row(words.person, noted.photo, 0, words.step, words.number, words.size_bytes, cast(Finding, noted.finding), words.digest)


def looked_into(folder: Path, site: Site) -> Audit:
    rows = [StoredPhoto(p.person, p.step, p.number, p.digest.hex(), p.size_bytes, name(i)) for i, p in enumerate(site.photos)]
    (folder / TRAIL_FILE).write_bytes(b"".join(map(as_written, site.noted)))
    told = np.zeros(len(site.told), ACKNOWLEDGED_ROW)
    for row, words in zip(told, site.told, strict=True):
        row["person"], row["step"], row["number"], row["bytes"] = words.person, words.step, words.number, words.size_bytes
        row["sha256"] = np.frombuffer(words.digest, np.uint8)
    return audit(folder, told, Elsewhere(lambda: iter(rows), ShelfInMemory(site)))


@pytest.fixture(autouse=True, scope="module")
def small_batches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gelombang.audit.LOOKED_AT_PHOTOS", 3)
        patched.setattr("gelombang.audit.LISTED_LIMIT", LISTED)
        patched.setattr("gelombang.audit_trail.SCANNED_ROWS", 4)
        patched.setattr("gelombang.photo_names.TAKEN_NAMES", 2)
        patched.setattr("gelombang.told_photos.JUDGED_ROWS", 5)
        yield


@settings(max_examples=300, deadline=None)
@given(sites())
def test_photos_looked_at_a_batch_at_a_time_are_found_lost_and_named_as_the_definition_says(
    tmp_path_factory: pytest.TempPathFactory, site: Site
) -> None:
    folder = tmp_path_factory.getbasetemp() / "audited"
    folder.mkdir(exist_ok=True)
    assert looked_into(folder, site) == plainly(site)
