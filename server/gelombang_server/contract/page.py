"""Writes `docs/openapi.json`, the contract of `hardened`: `python -m gelombang_server.contract.page`. A test fails while it is stale."""

import json
import tomllib
from pathlib import Path

from gelombang.profile import Profile
from gelombang.resources import profiles_folder
from gelombang_server.app import site_routes
from gelombang_server.contract.document import document

PAGE = Path("docs/openapi.json")


def text() -> str:
    """The page as it should be."""
    profile = Profile.model_validate(tomllib.loads((profiles_folder() / "hardened.toml").read_text()))
    return json.dumps(document(profile, site_routes(profile)), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    PAGE.write_text(text())
    print(PAGE.resolve())


if __name__ == "__main__":
    main()
