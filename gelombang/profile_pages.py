"""What a profile says of the applicant's pages: that the site has them, and how much of what browsers send it takes."""

from typing import Annotated

from pydantic import Field

from gelombang.profile_uploads import ProfilePart
from gelombang.scale import FixedInt


class Pages(ProfilePart):
    """HTML for people, beside the JSON for programs."""

    secure_cookies: bool = True
    """Cookies go back over TLS, or to this machine, alone. False: a rehearsal by plain HTTP on another machine."""
    reports_per_minute_limit: Annotated[FixedInt, Field(gt=0)] = 30
    """What one applicant's pages may say about their uploads in a minute of wall time."""
    reporters_limit: Annotated[FixedInt, Field(gt=0)] = 100_000
    """Applicants whose reports are counted at once; who began first makes room."""
    reports_limit: Annotated[FixedInt, Field(gt=0)] = 1_000_000
    """Reports that one process writes down; further ones are only counted."""
    forms_limit: Annotated[FixedInt, Field(gt=0)] = 32
    """Photos of plain forms that are in memory at once, where photos need tickets."""
