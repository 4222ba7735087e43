"""Where photos are when no folder of the server's holds them: a bucket of an S3-compatible store, by URL.

The URL says where, never who: `s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=NAME`. Access keys come from the environment of each
process alone, so a URL with an account in it is refused. Times are wall time: it is a real store that is waited for.
"""

import re
from typing import Annotated, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from gelombang.profile_uploads import ProfilePart
from gelombang.scale import FixedFloat, FixedInt

WANTED_URL = "s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=NAME, with PREFIX, endpoint and region left out or not"
DEFAULT_REGION = "us-east-1"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_REGION = re.compile(r"[a-z0-9-]{1,64}")


class ObjectsPlace(NamedTuple):
    """A URL, read."""

    bucket: str
    prefix: str | None
    """Which servers that share a site name alike."""
    endpoint: str | None
    """None: Amazon's own."""
    region: str

    @property
    def shown(self) -> str:
        return f"bucket {self.bucket} at {self.endpoint or 'Amazon S3'}"


def read_objects_url(url: str) -> ObjectsPlace:
    """Raises ValueError with what is wrong and what is wanted."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or parts.fragment:
        raise ValueError(f"url {url!r}; want {WANTED_URL}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url has an account in it; want AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the server's environment")
    if not _BUCKET.fullmatch(parts.netloc):
        raise ValueError(f"url names the bucket {parts.netloc!r}; want 3 to 63 lower-case letters, digits, dots and hyphens")
    prefix = parts.path.strip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError(f"url has the prefix {prefix!r}; want letters, digits, dots, hyphens and underlines between slashes")
    query = parse_qs(parts.query, keep_blank_values=True)
    if unknown := sorted(set(query) - {"endpoint", "region"}):
        raise ValueError(f"url has {', '.join(unknown)}; want endpoint and region alone")
    endpoint, region = (query.get(name, [None])[-1] for name in ("endpoint", "region"))
    if endpoint is not None:
        found = urlsplit(endpoint)
        if found.scheme not in ("http", "https") or not found.hostname or found.username is not None or found.path.strip("/"):
            raise ValueError(f"url has the endpoint {endpoint!r}; want http://HOST:PORT or https://HOST")
        endpoint = endpoint.rstrip("/")
    if region is not None and not _REGION.fullmatch(region):
        raise ValueError(f"url has the region {region!r}; want one such as {DEFAULT_REGION}")
    return ObjectsPlace(parts.netloc, prefix or None, endpoint, region or DEFAULT_REGION)


class Objects(ProfilePart):
    """Photos in an S3-compatible store instead of files of the server that took them."""

    url: str
    """`s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=NAME`; keys from the environment. Without a prefix each run has its own."""
    puts_limit: Annotated[FixedInt, Field(gt=0, le=256)] = 16
    """Photos on their way into the store at once, from one process: each is in memory for as long."""
    put_seconds: Annotated[FixedFloat, Field(gt=0, le=60)] = 5.0
    """What a photo may take to be in the store, tries repeated and waits included."""
    try_seconds: Annotated[FixedFloat, Field(gt=0, le=60)] = 2.0
    """What one try may take."""
    repeats_limit: Annotated[FixedInt, Field(ge=0, le=10)] = 3
    """Tries after the first that failed for want of an answer, or with one of 5xx."""
    repeat_after_seconds: Annotated[FixedFloat, Field(gt=0, le=10)] = 0.1
    """Wait before the first of those; the next waits are drawn from a range that doubles."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        read_objects_url(self.url)
        if self.try_seconds > self.put_seconds:
            raise ValueError(f"try_seconds {self.try_seconds:g} with put_seconds {self.put_seconds:g}; want a try not above the whole")
        return self

    @property
    def place(self) -> ObjectsPlace:
        return read_objects_url(self.url)
