"""For all tests: hypothesis judges behaviour, never the speed of a machine that others use too."""

import os

from hypothesis import settings

settings.register_profile("gelombang", deadline=None, derandomize=os.environ.get("CI") == "true", print_blob=True)
settings.load_profile("gelombang")
