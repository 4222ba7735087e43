"""Uploads by tus against a server that speaks the protocol strictly, in a process of its own: whole, broken off, gone, refused."""

import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from foreign.bed_processes import BED, end
from gelombang.attempt import Fate, Outcome
from gelombang.attempt_id import AttemptId, parse_traceparent
from gelombang.scenario import Scenario
from tests.support.small_scenario import scenario
from tests.wire.test_engine_on_sockets import Run, picture


@dataclass(frozen=True)
class TusSite:
    """Where it is, and what came of its uploads."""

    url: str

    def uploads(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/state", timeout=5) as answer:
            state: list[dict[str, Any]] = json.load(answer)
        return state


@pytest.fixture
def site() -> Iterator[TusSite]:
    process = subprocess.Popen([sys.executable, str(BED / "tus.py"), "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield TusSite(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        end(process)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(bytes(range(251)) * 2_000)
    return path


def one_person(path: str, tus: dict[str, Any], arrivals_per_second: float = 10.0, **step: Any) -> Scenario:
    upload = {"step": "scan", "form": "request", "method": "POST", "path": path, "body": {"tus": {"resume_seconds": 0.01, **tus}}, **step}
    patient = {"attempts_limit": 3, "retry_seconds": {"value": 0.01}}
    return scenario(upload, arrivals_per_second=arrivals_per_second, for_seconds=0.1, drain_seconds=20.0, **patient)


def walked(folder: Path, site: TusSite, what: Scenario) -> Run:
    (folder / "run").mkdir()
    return Run(folder / "run", what, site.url).walk()


def outcomes(run: Run) -> list[Outcome]:
    return [Outcome(value) for value in run.attempts["outcome"]]


def test_a_file_arrives_whole_in_chunks_that_are_one_attempt(tmp_path: Path, site: TusSite, file: Path) -> None:
    run = walked(tmp_path, site, one_person("/files", {"file": str(file), "chunk_bytes": 100_000, "checksum": "sha1"}))
    (upload,) = site.uploads()
    assert upload["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert upload["metadata"] == {"filename": "scan.pdf", "filetype": "application/pdf"}
    assert (upload["patches"], upload["heads"]) == (6, 0)
    (attempt,) = run.attempts
    assert (Outcome(attempt["outcome"]), attempt["exchanges"], attempt["status"]) == (Outcome.OK, 7, 204)
    assert attempt["bytes_sent"] > file.stat().st_size
    # Every exchange carries the attempt's trace id, and a number of its own.
    traces = [parse_traceparent(text) for text in upload["traces"]]
    assert traces == [AttemptId(5, 0, 0, 0, 1)] * 7
    assert len(set(upload["traces"])) == 7
    assert [kind for kind, _ in run.heard] == ["POST", *["PATCH"] * 6]


def test_a_drawn_photo_arrives_in_one_patch_with_metadata_of_the_step(tmp_path: Path, site: TusSite) -> None:
    run = walked(tmp_path, site, one_person("/files", {"photo": "ktp", "metadata": {"who": "{email}", "private": ""}}))
    assert outcomes(run) == [Outcome.OK]
    (upload,) = site.uploads()
    assert upload["metadata"] == {"who": "pendaftar.0.5@warga.example", "private": ""}
    photo = b"".join(bytes(part) for part in picture("ktp", 3_000_000, b"5.0.0").parts)  # type: ignore[arg-type]
    assert (upload["length"], upload["sha256"], upload["patches"]) == (3_000_000, hashlib.sha256(photo).hexdigest(), 1)


@pytest.mark.parametrize(
    ("fault", "heads"), [("cut=123456", 1), ("busy=2", 2), ("spoil", 1)], ids=["a lost connection", "two errors", "a checksum"]
)
def test_after_a_break_the_upload_goes_on_where_the_site_stands(tmp_path: Path, site: TusSite, file: Path, fault: str, heads: int) -> None:
    run = walked(tmp_path, site, one_person(f"/files?{fault}", {"file": str(file), "checksum": "sha256"}))
    assert (outcomes(run), run.fate_count(Fate.FINISHED)) == ([Outcome.OK], 1)
    (upload,) = site.uploads()
    assert upload["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert upload["heads"] == heads
    if "cut" in fault:
        # The 123,456 bytes that were kept did not go over the line a second time.
        assert run.attempts["bytes_sent"][0] < file.stat().st_size + 300_000


def test_an_upload_that_is_gone_is_begun_anew_within_the_attempt(tmp_path: Path, site: TusSite, file: Path) -> None:
    run = walked(tmp_path, site, one_person("/files?gone", {"file": str(file)}))
    assert outcomes(run) == [Outcome.OK]
    assert [(upload["there"], upload["kept"]) for upload in site.uploads()] == [(False, 0), (True, file.stat().st_size)]


def test_what_a_refused_attempt_had_sent_is_not_sent_again_by_the_next_one(tmp_path: Path, site: TusSite, file: Path) -> None:
    run = walked(tmp_path, site, one_person("/files?away=200000", {"file": str(file), "chunk_bytes": 100_000}))
    assert outcomes(run) == [Outcome.REFUSED, Outcome.OK]
    (upload,) = site.uploads()
    assert (upload["heads"], upload["kept"], upload["patches"]) == (1, file.stat().st_size, 7)
    assert list(run.attempts["exchanges"]) == [4, 5]


def test_a_photo_that_is_too_large_is_uploaded_again_smaller(tmp_path: Path, site: TusSite) -> None:
    run = walked(tmp_path, site, one_person("/files?max=1000000", {"photo": "ktp"}))
    assert outcomes(run) == [Outcome.TOO_LARGE, Outcome.OK]
    assert [upload["length"] for upload in site.uploads()] == [500_000]


def test_what_the_upload_s_address_is_can_be_captured_and_rules_hold_for_the_last_answer(tmp_path: Path, site: TusSite, file: Path) -> None:
    step = {"capture": {"where": {"header": "Location"}}, "success": {"rules": {"whole": {"header": "upload-offset", "equals": "502000"}}}}
    what = one_person("/files", {"file": str(file)}, **step)
    look = {"step": "look", "form": "request", "method": "HEAD", "path": "{where}", "headers": {"tus-resumable": "1.0.0"}}
    what = Scenario.model_validate(what.model_dump(mode="json", by_alias=True, exclude_none=True) | {"journey": [*_steps(what), look]})
    run = walked(tmp_path, site, what)
    assert run.fate_count(Fate.FINISHED) == 1
    assert site.uploads()[0]["heads"] == 1


def test_each_of_many_people_has_an_upload_of_their_own(tmp_path: Path, site: TusSite) -> None:
    run = walked(tmp_path, site, one_person("/files?cut=1000000", {"photo": "ktp", "chunk_bytes": 400_000}, arrivals_per_second=100.0))
    assert run.fate_count(Fate.FINISHED) == 10
    uploads = site.uploads()
    assert len({upload["sha256"] for upload in uploads}) == len(uploads) == 10
    assert all(upload["kept"] == 3_000_000 for upload in uploads)


def test_a_site_that_is_no_tus_server_is_a_fault_of_the_protocol(tmp_path: Path, site: TusSite, file: Path) -> None:
    run = walked(tmp_path, site, one_person("/state", {"file": str(file)}))
    assert set(outcomes(run)) == {Outcome.INVALID}


def _steps(what: Scenario) -> list[dict[str, Any]]:
    return [step.model_dump(mode="json", by_alias=True, exclude_none=True) for step in what.journey]
