"""The reference server's database as the command sees it: which one a run is given, and what is in it afterwards."""

from pathlib import Path

from pydantic import ValidationError

from gelombang.audit import StoredPhoto
from gelombang.errors import InputError
from gelombang.profile import Database, Profile
from gelombang.runplan import SERVER_FILE, ServerPlan, read_model


def with_database(profile: Profile, url: str | None) -> Profile:
    """A profile whose site has its database at `url`; None leaves it as it is. Raises InputError."""
    if url is None:
        return profile
    try:
        database = Database.model_validate(profile.database.model_dump() | {"url": url})
    except ValidationError as error:
        wanted = "postgresql://USER@HOST:PORT/NAME, secrets as ${env:NAME} or ${file:PATH}"
        raise InputError(f"--database can't be used ({error.errors()[0]['msg']}); want {wanted}") from None
    return profile.model_copy(update={"database": database})


def stored_photos(folder: Path) -> list[StoredPhoto] | None:
    """The photos in the database of a run whose profile names one by URL; None where it is a file in the run's folder.

    Raises GelombangError when it can't be reached, because then nobody can say what is stored.
    """
    if not (folder / SERVER_FILE).exists():
        return None
    plan = read_model(folder / SERVER_FILE, ServerPlan)
    if plan.profile.database.url is None:
        return None
    from gelombang_server.postgres.address import address_of
    from gelombang_server.postgres.photos import read_photos

    return read_photos(address_of(plan.profile.database, plan.run))
