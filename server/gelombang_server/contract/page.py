"""Writes `docs/openapi.json`, the contract of `programme`, which is `hardened` and more: `python -m gelombang_server.contract.page`.

A test fails while it is stale.
"""

import json
from pathlib import Path

from gelombang.loading import load_profile
from gelombang_server.app import site_routes
from gelombang_server.contract.document import document

PAGE = Path("docs/openapi.json")


def text() -> str:
    """The page as it should be."""
    profile = load_profile("programme")
    return json.dumps(document(profile, site_routes(profile)), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    PAGE.write_text(text())
    print(PAGE.resolve())


if __name__ == "__main__":
    main()
