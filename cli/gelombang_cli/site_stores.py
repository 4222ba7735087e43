"""The reference server's database and store of photos as the command sees them: which ones a run is given, and what is in them after it."""

import argparse
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from gelombang.audit import HERE, Elsewhere
from gelombang.errors import InputError
from gelombang.profile import Database, Profile
from gelombang.profile_objects import WANTED_URL, Objects
from gelombang.runplan import SERVER_FILE, ServerPlan, read_model


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Where the reference server keeps what it is told."""
    parser.add_argument("--database", metavar="URL", help="PostgreSQL instead of a file for the reference server; secrets as ${env:NAME}")
    parser.add_argument("--schema", metavar="NAME", help="its schema, which servers that share the site name alike (default: a run's own)")
    parser.add_argument(
        "--objects", metavar="URL", help="bucket of an S3-compatible store for its photos, s3://BUCKET/PREFIX?endpoint=URL&region=NAME"
    )


def with_stores(profile: Profile, parsed: argparse.Namespace) -> Profile:
    """A profile whose site keeps people and photos where the options say; what is not given stays as it is. Raises InputError."""
    changes: dict[str, object] = {}
    given = {name: value for name, value in (("url", parsed.database), ("schema_name", parsed.schema)) if value is not None}
    if given:
        try:
            changes["database"] = database = Database.model_validate(profile.database.model_dump() | given)
        except ValidationError as error:
            if error.errors()[0]["loc"] == ("schema_name",):
                raise InputError(f"--schema is {parsed.schema!r}; want lower-case letters, digits and underlines, a letter first") from None
            wanted = "postgresql://USER@HOST:PORT/NAME, secrets as ${env:NAME} or ${file:PATH}"
            raise InputError(f"--database can't be used ({error.errors()[0]['msg']}); want {wanted}") from None
        if database.url is None:
            raise InputError(f"--schema is {parsed.schema} and there is no --database; want both, because a file has no schemas")
    if parsed.objects is not None:
        place = {} if profile.objects is None else profile.objects.model_dump()
        try:
            changes["objects"] = Objects.model_validate(place | {"url": parsed.objects})
        except ValidationError as error:
            raise InputError(f"--objects can't be used ({error.errors()[0]['msg']}); want {WANTED_URL}") from None
    return profile.model_copy(update=changes)


def elsewhere(folder: Path) -> Elsewhere:
    """What of a run's site is not in the run's folder, because its profile names a database or a store of photos by URL.

    To look into it raises GelombangError when it can't be reached, because then nobody can say what is stored.
    """
    if not (folder / SERVER_FILE).exists():
        return HERE
    plan = read_model(folder / SERVER_FILE, ServerPlan)
    found = HERE
    if plan.profile.database.url is not None:
        from gelombang_server.postgres.address import address_of
        from gelombang_server.postgres.photos import read_photos

        found = found._replace(rows=partial(read_photos, address_of(plan.profile.database, plan.run)))
    if plan.profile.objects is not None:
        from gelombang_server.objects.address import address_of as bucket_of
        from gelombang_server.objects.shelf import ObjectShelf

        found = found._replace(shelf=ObjectShelf(bucket_of(plan.profile.objects, plan.run)))
    return found
