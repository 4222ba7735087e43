"""The NIK (national identity number) of the modelled country: 16 digits that say where and when somebody was registered.

PP RR DD DDMMYY SSSS: province, regency, district, date of birth (day + 40 for women), serial. This site knows one province, 99, which
does not exist, so that no number here can be anybody's. The modelled registry does not know regency 99. Pure functions.
"""

from datetime import date

PROVINCE = "99"
UNKNOWN_REGENCY = "99"
OPENING_DAY = date(2020, 4, 11)
AGE_LIMIT_YEARS = 18
_WOMEN_DAY_OFFSET = 40


def nik_fault(nik: str) -> str | None:
    """What is wrong with the structure of a NIK; None when nothing is."""
    if len(nik) != 16 or not nik.isascii() or not nik.isdigit():
        return "a NIK has 16 digits"
    if nik[:2] != PROVINCE:
        return f"a NIK of this site begins with {PROVINCE}"
    if nik[2:4] == "00" or nik[4:6] == "00":
        return "regency and district of a NIK are 01 to 99"
    if nik[12:] == "0000":
        return "the serial of a NIK is 0001 to 9999"
    day, month = int(nik[6:8]), int(nik[8:10])
    if not 1 <= (day - _WOMEN_DAY_OFFSET if day > _WOMEN_DAY_OFFSET else day) <= 31 or not 1 <= month <= 12:
        return "digits 7 to 12 of a NIK are a date of birth"
    return None


def is_born_on(nik: str, birth_date: date) -> bool:
    """Whether a NIK without faults carries this date of birth."""
    day = int(nik[6:8]) % _WOMEN_DAY_OFFSET
    return (day, int(nik[8:10]), int(nik[10:12])) == (birth_date.day, birth_date.month, birth_date.year % 100)


def is_old_enough(birth_date: date) -> bool:
    """18 years or older on the day of the opening."""
    limit = OPENING_DAY.replace(year=OPENING_DAY.year - AGE_LIMIT_YEARS)
    return birth_date <= limit


def is_known_to_registry(nik: str) -> bool:
    """What the civil registry would answer."""
    return nik[2:4] != UNKNOWN_REGENCY
