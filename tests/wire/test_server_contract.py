"""The OpenAPI document is made from the routes, and what the site answers is what it says: schemathesis finds nothing else."""

import asyncio
import os
from pathlib import Path

import pytest
from serversite import plan, profile, serving

from gelombang.loading import load_profile
from gelombang.profile_uploads import UploadProtocol
from gelombang_server.app import site_routes
from gelombang_server.contract import page
from gelombang_server.contract.operations import OPERATIONS
from gelombang_server.problem import STATUS_OF_CODE
from gelombang_server.routes import Route

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = ROOT / ".venv-schemathesis" / "bin" / "schemathesis"
"""In an environment of its own, which `make test` builds: it does not run beside the urllib3 of grafana-client."""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"


def test_the_page_is_what_the_routes_make_of_it() -> None:
    assert (ROOT / page.PAGE).read_text() == page.text(), "stale; python -m gelombang_server.contract.page writes it"


def test_every_route_of_both_sites_has_its_operation_and_each_operation_a_route() -> None:
    rows = [row for name in ("programme", "april-2020") for row in site_routes(load_profile(name))]
    assert {row.route for row in rows} == set(OPERATIONS) == {route for route in Route if not route.is_page} - {Route.UNKNOWN}
    assert {profile(name).uploads.protocol for name in ("hardened", "april-2020")} == set(UploadProtocol)


def test_every_code_of_a_route_has_its_status() -> None:
    for operation in OPERATIONS.values():
        assert set(operation.all_codes()) <= set(STATUS_OF_CODE)


@pytest.fixture(scope="module")
def schemathesis() -> str:
    """The program; where CI=true a missing one fails."""
    if not SCHEMATHESIS.exists():
        reason = f"{SCHEMATHESIS} is not there; want `make .venv-schemathesis/.ready`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return str(SCHEMATHESIS)


@pytest.mark.parametrize("name", ["hardened", "april-2020"])
async def test_schemathesis_finds_no_answer_that_is_not_in_the_document(tmp_path: Path, name: str, schemathesis: str) -> None:
    # Bytes are bytes, whatever tus calls them.
    (tmp_path / "media.py").write_text(
        'import schemathesis\nschemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")\n'
    )
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "media", "PYTHONPATH": str(tmp_path)}
    async with serving(plan(tmp_path, profile(name, uploads={"own_process": False}))) as site:
        session = await site.sign_up()
        await site.verify_email()
        command = (schemathesis, "run", f"{site.url}/openapi.json", "--max-examples", "3", "--checks", CHECKS, "--no-color")
        more = ("--phases", "coverage,fuzzing", "--generation-deterministic", "--header", f"Authorization: Bearer {session}")
        # A caller who waits for a moment only is told 504, and schemathesis takes no 5xx for an answer.
        more += ("--header", "Request-Timeout: 30")
        run = await asyncio.create_subprocess_exec(
            *command, *more, cwd=tmp_path, env=hooks, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()[-4_000:]
    assert b"generated" in said
