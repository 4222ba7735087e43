"""For all tests: hypothesis judges behaviour, never the speed of a machine that others use too. Sites have one key for people's data."""

import os
from base64 import urlsafe_b64encode

from hypothesis import settings

from gelombang_server.sealing import KEY_BYTES, KEY_VARIABLE

settings.register_profile("gelombang", deadline=None, derandomize=os.environ.get("CI") == "true", print_blob=True)
settings.load_profile("gelombang")

# Whoever starts a site twice over one database keeps its key. A site in a test's own process would draw one for all tests after it, so that
# which of them had a key hung on their order; a test that wants none takes it away.
os.environ.setdefault(KEY_VARIABLE, urlsafe_b64encode(bytes(KEY_BYTES)).decode())
