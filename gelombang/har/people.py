"""Which fields of a recording are about the person, and what a scenario writes in their place.

In a recording that signs somebody up, a person of the run brings their own: name, mail address, password. In one that logs somebody in who
exists already, the values are the operator's: a row of the feed `accounts` for each person.
"""

import re
from collections.abc import Iterable

from gelombang.har.asked import Place, values_asked
from gelombang.har.recording import Exchange

FEED = "accounts"

_FIELDS = (
    ("password", re.compile(r"passw|pwd|sandi")),
    ("email", re.compile(r"e?mail|surel")),
    ("phone", re.compile(r"phone|mobile|msisdn|telp|telepon|nohp|whatsapp")),
    ("nik", re.compile(r"nik|ktpnumber|nationalid")),
    ("kk", re.compile(r"kk|nokk|kartukeluarga")),
    ("birth_date", re.compile(r"birthdate|dateofbirth|dob|tanggallahir")),
    ("user", re.compile(r"user|username|login|userid")),
    ("name", re.compile(r"name|fullname|nama|namalengkap")),
    ("address", re.compile(r"address|alamat")),
)
_WHOLE = frozenset({"nik", "kk", "name", "user", "address"})
"""Fields whose pattern has to be the whole name: others begin or end with these words and mean something else."""
_SURE = frozenset({"password", "email", "phone", "nik"})
"""One of these makes a request one about a person."""
_SIGN_UP = re.compile(r"sign-?_?up|regist|daftar|accounts?/?$|users?/?$|enrol|join", re.IGNORECASE)
_BODIES = ("form", "json", "part", "query")


def field_of(place: Place) -> str | None:
    """Which field of a person stands at a place, by its name; None for anything else."""
    kind, name = place
    if kind not in _BODIES:
        return None
    words = re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].lower())
    for field, pattern in _FIELDS:
        found = pattern.fullmatch(words) if field in _WHOLE else pattern.search(words)
        if found:
            return field
    return None


def person_fields(exchange: Exchange) -> dict[Place, str]:
    """The fields of a request that are about a person; empty when nothing in it says that it is about one."""
    fields = {place: field for place in values_asked(exchange) if (field := field_of(place)) is not None}
    return fields if _SURE & set(fields.values()) else {}


def signs_up(exchanges: Iterable[Exchange]) -> bool:
    """Whether somebody who did not exist before is made in a recording."""
    for exchange in exchanges:
        fields = person_fields(exchange)
        if exchange.method in ("POST", "PUT") and "email" in fields.values() and _SIGN_UP.search(exchange.split.path):
            return True
    return False


def placeholder(field: str, value: str, signed_up: bool) -> str:
    """What stands for a person's field."""
    if not signed_up:
        return f"{{feed.{FEED}.{'username' if field == 'user' else field}}}"
    if field == "user":
        return "{email}" if "@" in value else "user{nik}"
    return f"{{{field}}}"
