"""A person: a small row that says what differs from the next one, and functions that work the rest out when it is asked for.

Everything follows from (seed, index) by counter-based draws; identities follow from the index alone, so that no two people of a run can
share one. Nobody here exists: the NIK's province is 99, the phone number belongs to no operator, the mail domain is reserved (RFC 2606),
and the names are made of words for weather and sea.

A NIK is unique by construction. With index = q · 989,901 + r, the pair (district 01-99, serial 0001-9999) is a permutation of r, and the
day of birth is 1 + (q + a number made of r) mod 28: two people with the same district and serial differ in the day. That holds for
28 · 989,901 people, and the region is left free to say whether the modelled civil registry knows the NIK (region 99: it does not).
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gelombang.patience import draw_number
from gelombang.scenario import Patience, Scenario
from gelombang.seeds import LEAST_UNIT, Purpose, draw, mix, unit
from gelombang.steps import MessageStep, PhotoKind

_SERIALS = 9_999
_DISTRICTS = 99
_BLOCK = _SERIALS * _DISTRICTS
_DAYS = 28
PEOPLE_LIMIT = _BLOCK * _DAYS
"""How many people can have a NIK of their own: 27,717,228."""

_BLOCK_STEP = 611_953
_PHONES = 100_000_000
_PHONE_STEP = 61_803_399
_PHONE_STEP_INVERSE = pow(_PHONE_STEP, -1, _PHONES)
_OPENING_DAY = date(2020, 4, 11)
_YOUNG_RATIO = 0.71
_WOMEN_RATIO = 0.47

_GIVEN = ("Ombak", "Awan", "Bayu", "Embun", "Fajar", "Gerimis", "Hujan", "Kabut", "Pelangi", "Senja", "Angin", "Cahaya", "Riak", "Buih")
_FAMILY = ("Samudera", "Muara", "Teluk", "Karang", "Pesisir", "Tanjung", "Palung", "Delta", "Laguna", "Selat", "Dermaga", "Mercusuar")


class Identified(Protocol):
    """Whoever has an identity."""

    @property
    def seed(self) -> int: ...
    @property
    def index(self) -> int: ...
    @property
    def run(self) -> int: ...
    @property
    def nik_known(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, without what they do: enough to know their address, numbers and password."""

    seed: int
    index: int
    run: int
    nik_known: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One planned person, as the generator carries them; times and sizes are those of the scaled scenario."""

    seed: int
    index: int
    run: int
    scenario: Scenario
    """The scaled scenario, shared by all."""
    uplink_bytes_per_second: float
    round_trip_seconds: float
    nik_known: bool
    persona: int | None = None
    """Which of the scenario's personas; None where it has none."""

    @property
    def patience(self) -> Patience:
        """How this person waits, tries again and leaves."""
        return self.scenario.patience if self.persona is None else (self.scenario.persona or [])[self.persona].patience


def make_person(seed: int, index: int, scenario: Scenario, run: int) -> Person:
    """The `index`-th planned person of a run. `scenario` is the scaled one."""
    assert 0 <= index < PEOPLE_LIMIT
    line = scenario.people.line
    uplink, round_trip = unit(seed, index, Purpose.UPLINK), unit(seed, index, Purpose.ROUND_TRIP)
    if unit(seed, index, Purpose.FIXED_LINE) < line.fixed_line_ratio:
        bytes_per_second = line.fixed_uplink_bytes_per_second.quantile(uplink)
        round_trip_seconds = line.fixed_round_trip_seconds.quantile(round_trip)
    else:
        bytes_per_second = line.uplink_bytes_per_second.quantile(uplink) * line.uplink_ratio
        round_trip_seconds = line.round_trip_seconds.quantile(round_trip)
    known = unit(seed, index, Purpose.NIK_VALID) < scenario.people.nik_known_ratio
    return Person(seed, index, run, scenario, bytes_per_second, round_trip_seconds, known, persona_of(seed, index, scenario))


def persona_of(seed: int, index: int, scenario: Scenario) -> int | None:
    """Which persona the `index`-th person is, by the weights; None where the scenario has none."""
    if scenario.persona is None:
        return None
    place = unit(seed, index, Purpose.PERSONA) * sum([persona.weight for persona in scenario.persona])
    for number, persona in enumerate(scenario.persona):
        place -= persona.weight
        if place < 0:
            return number
    return len(scenario.persona) - 1


def think_seconds(person: Person, step: int, n: int) -> float:
    """What the person does before the step, for the n-th time; 0 when the step names nothing."""
    thinking = person.scenario.journey[step].think_seconds
    if thinking is None:
        return 0.0
    return thinking.quantile(unit(person.seed, person.index, Purpose.THINK, draw_number(step, n)))


def page_patience_seconds(person: Person, step: int, number: int) -> float:
    """How long the person waits for the answer of attempt `number` at a request step."""
    return person.patience.page_seconds.quantile(unit(person.seed, person.index, Purpose.PATIENCE, draw_number(step, number)))


def least_page_patience_seconds(person: Person) -> float:
    """What no draw of `page_patience_seconds` is below, for anybody of the same persona."""
    return person.patience.page_seconds.quantile(LEAST_UNIT)


def upload_patience_seconds(person: Person, step: int, number: int, shows_progress: bool) -> float:
    """How long the person waits from the start of sending a photo; longer when the page shows progress."""
    patience = person.patience
    seconds = patience.upload_seconds.quantile(unit(person.seed, person.index, Purpose.PATIENCE, draw_number(step, number)))
    return seconds * patience.upload_progress_ratio if shows_progress else seconds


def photo_bytes(person: Person, kind: PhotoKind, use_smaller: bool, n: int = 0) -> int:
    """The size of the photo that the person sends: the first one, or their n-th smaller copy."""
    photo = person.scenario.people.photos[kind]
    which = 0 if kind is PhotoKind.KTP else 1
    if use_smaller:
        size = photo.smaller_copy_bytes.quantile(unit(person.seed, person.index, Purpose.SMALLER_COPY_SIZE, draw_number(which, n)))
    else:
        size = photo.first_bytes.quantile(unit(person.seed, person.index, Purpose.PHOTO_SIZE, which))
    return max(1, round(size))


def reads_message(person: Person, step: int) -> bool:
    """Whether the person will ever read the message of this step; the others are unreachable."""
    waiting = person.scenario.journey[step]
    assert isinstance(waiting, MessageStep)
    return unit(person.seed, person.index, Purpose.EMAIL_READ, step) < waiting.read_ratio


def birth_date(person: Identified) -> date:
    """18 to 60 years old on the opening day, 71 % of them 18 to 35."""
    low, high = (18, 35) if _share(person, 0) < _YOUNG_RATIO else (36, 60)
    age = low + int(_share(person, 1) * (high - low + 1))
    month = 1 + int(_share(person, 2) * 12)
    block, rest = divmod(person.index, _BLOCK)
    day = 1 + (block + mix(rest + 1)) % _DAYS
    had_birthday = (month, day) <= (_OPENING_DAY.month, _OPENING_DAY.day)
    return date(_OPENING_DAY.year - age - (0 if had_birthday else 1), month, day)


def nik(person: Identified) -> str:
    """16 digits: province 99, region, district, day of birth (+ 40 for women), month, year, serial."""
    region = 1 + int(_share(person, 4) * 98) if person.nik_known else 99
    place = person.index % _BLOCK * _BLOCK_STEP % _BLOCK
    district, serial = 1 + place // _SERIALS, 1 + place % _SERIALS
    born = birth_date(person)
    day = born.day + (40 if _share(person, 3) < _WOMEN_RATIO else 0)
    return f"99{region:02d}{district:02d}{day:02d}{born.month:02d}{born.year % 100:02d}{serial:04d}"


def kk(person: Identified) -> str:
    """The family card: province 99, region, district, a day of issue in 2010 to 2019, serial. Families share cards, so it may repeat."""
    bits = draw(person.seed, person.index, Purpose.IDENTITY, 5)
    region, district, day, month, year, serial = (
        1 + bits % 98,
        1 + bits // 98 % 99,
        1 + bits // 9_702 % 28,
        1 + bits // 271_656 % 12,
        10 + bits // 3_259_872 % 10,
        1 + bits // 32_598_720 % _SERIALS,
    )
    return f"99{region:02d}{district:02d}{day:02d}{month:02d}{year:02d}{serial:04d}"


def email(person: Identified) -> str:
    """One address per person and run, at a domain that nobody can have."""
    return f"pendaftar.{person.index}.{person.run:x}@warga.example"


def phone(person: Identified) -> str:
    """+62000 and eight digits: one number per person, of no operator."""
    return f"+62000{person.index * _PHONE_STEP % _PHONES:08d}"


def index_of_address(address: str, run: int) -> int | None:
    """Whose mail address or phone number this is; None when it is nobody's of this run."""
    if address.startswith("+62000"):
        digits = address[6:]
        return int(digits) * _PHONE_STEP_INVERSE % _PHONES if len(digits) == 8 and digits.isascii() and digits.isdigit() else None
    _, _, rest = address.partition("pendaftar.")
    index, _, rest = rest.partition(".")
    return int(index) if index.isascii() and index.isdigit() and rest == f"{run:x}@warga.example" else None


def name(person: Identified) -> str:
    """Two words for weather and sea."""
    bits = draw(person.seed, person.index, Purpose.IDENTITY, 6)
    return f"{_GIVEN[bits % len(_GIVEN)]} {_FAMILY[bits // len(_GIVEN) % len(_FAMILY)]}"


def password(person: Identified) -> str:
    """16 characters, the same each time this person logs in."""
    return f"{draw(person.seed, person.index, Purpose.IDENTITY, 7):016x}"


def address(person: Identified) -> str:
    """A street that does not exist."""
    bits = draw(person.seed, person.index, Purpose.IDENTITY, 8)
    return f"Jalan Contoh {1 + bits % 400} No. {1 + bits // 400 % 200}, Kota Contoh"


def template_values(person: Identified) -> dict[str, str]:
    """What the placeholders of a person stand for: exactly `gelombang.templates.PERSON_FIELDS`."""
    return {
        "name": name(person),
        "email": email(person),
        "phone": phone(person),
        "nik": nik(person),
        "kk": kk(person),
        "birth_date": birth_date(person).isoformat(),
        "address": address(person),
        "password": password(person),
    }


def _share(person: Identified, channel: int) -> float:
    return unit(person.seed, person.index, Purpose.IDENTITY, channel)
