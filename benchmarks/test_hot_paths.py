"""What is done for every attempt, every photo and every plan, timed by pytest-benchmark (`make bench`). Nothing here asserts a time."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gelombang.arrivals import make_plan
from gelombang.attempt import Outcome, Phase
from gelombang.attempt_id import AttemptId, parse_traceparent
from gelombang.histogram import Histogram
from gelombang.journey import compile_journey, outcome_of_answer
from gelombang.loading import load_scenario
from gelombang.person import make_person, template_values
from gelombang.scale import Scale
from gelombang.seeds import Purpose, draw
from gelombang.sharing import ProcessorSharing
from gelombang.step_parts import TusUpload
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.photos import PhotoLibrary
from gelombang_loadtests.recorder import Ending, Recorder
from gelombang_loadtests.tus import Upload, Verdict
from gelombang_server.inspect_jpeg import inspect_jpeg
from gelombang_server.multipart import photo_part

PHOTO_BYTES = 100_000
PIXELS_LIMIT = 25_000_000


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PhotoLibrary:
    return PhotoLibrary.build(tmp_path_factory.mktemp("photos"), 1_000_000)


def test_plan_of_the_first_21_hours_at_full_size(benchmark: BenchmarkFixture) -> None:
    scenario = load_scenario("surge-2020")
    plan = benchmark(make_plan, scenario, Scale(), 7)
    assert plan.people > 1_400_000


def test_one_random_number(benchmark: BenchmarkFixture) -> None:
    assert 0 <= benchmark(draw, 7, 1_234_567, Purpose.PATIENCE, 3) < 1 << 64


def test_one_person_and_what_they_write(benchmark: BenchmarkFixture) -> None:
    scenario = load_scenario("opening-hour")
    values = benchmark(lambda: template_values(make_person(7, 123_456, scenario, 99)))
    assert values["nik"].startswith("99")


def test_attempt_id_to_header_and_back(benchmark: BenchmarkFixture) -> None:
    attempt = AttemptId(1, 123_456, 0, 9, 4)
    assert benchmark(lambda: parse_traceparent(attempt.traceparent(1))) == attempt


def test_ledger_row_of_one_attempt(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 0, 1)
    ending = Ending(Outcome.OK, Phase.RECEIVE, exchanges=1, status=201)

    def one() -> None:
        row = recorder.begin_attempt(5, 9, 1, 1_000, 1_100)
        recorder.end_attempt(row, ending, 1_200, Outcome.OK)

    benchmark(one)
    recorder.close()


def test_histogram_of_a_hundred_thousand_samples(benchmark: BenchmarkFixture) -> None:
    samples = np.random.default_rng(1).lognormal(8, 1, 100_000).astype(np.int64)
    histogram = benchmark(Histogram.of, samples)
    assert histogram.quantile_us(0.5) is not None


def test_merging_the_histograms_of_eight_processes(benchmark: BenchmarkFixture) -> None:
    chance = np.random.default_rng(1)
    parts = [Histogram.of(chance.lognormal(8, 1, 10_000).astype(np.int64)) for _ in range(8)]

    def one() -> Histogram:
        whole = Histogram()
        for part in parts:
            whole.merge(part)
        return whole

    assert benchmark(one).quantile_us(0.99) is not None


def test_what_an_answer_means_and_where_it_leads(benchmark: BenchmarkFixture) -> None:
    journey = compile_journey(load_scenario("opening-hour"))
    step = journey.index("ktp")
    target = benchmark(lambda: journey.follow(step, outcome_of_answer(201, None)))
    assert journey.names[target] == "selfie"


def test_a_tus_upload_in_three_patches(benchmark: BenchmarkFixture) -> None:
    """The protocol's part of it, with a checksum each: create, three chunks of 64 KiB, done."""
    body = TusUpload.model_validate({"file": "ktp.jpg", "chunk_bytes": 65_536, "checksum": "sha1"})
    photo = bytes(3 * 65_536)
    answers = [Answer(status=201, headers={b"location": b"/files/a"})]
    answers += [Answer(status=204, headers={b"upload-offset": str(part * 65_536).encode()}) for part in (1, 2, 3)]

    def one() -> Verdict | None:
        upload = Upload(body, "http://site.example/files", [photo], {"filename": "ktp.jpg"})
        verdict = None
        for answer in answers:
            verdict = upload.take(answer, Outcome.OK, upload.wanted().url)
        return verdict

    assert benchmark(one) == Verdict(Outcome.OK)


def test_one_turn_at_a_store_with_800_turns(benchmark: BenchmarkFixture) -> None:
    sharing: ProcessorSharing[int] = ProcessorSharing(13_500_000.0)
    clock = count(1_000, 1_000)
    jobs = count()
    for _ in range(800):
        sharing.begin(next(clock), next(jobs), 1e12)

    def one() -> None:
        now = next(clock)
        sharing.begin(now, next(jobs), 1.0)
        sharing.advance(now + 900)

    benchmark(one)
    assert sharing.in_progress >= 800


def test_making_and_hashing_a_photo(benchmark: BenchmarkFixture, library: PhotoLibrary) -> None:
    serial = count()
    photo = benchmark(lambda: library.photo("ktp", PHOTO_BYTES, b"%d" % next(serial)).sha256)
    assert len(photo) == 32


def test_inspecting_a_photo(benchmark: BenchmarkFixture, library: PhotoLibrary) -> None:
    body = b"".join(library.photo("ktp", PHOTO_BYTES, b"1").parts)
    assert benchmark(inspect_jpeg, body, PIXELS_LIMIT).name == "NONE"


def test_taking_a_photo_out_of_its_form(benchmark: BenchmarkFixture, library: PhotoLibrary) -> None:
    photo = b"".join(library.photo("ktp", PHOTO_BYTES, b"1").parts)
    head = b'--x\r\ncontent-disposition: form-data; name="photo"; filename="ktp.jpg"\r\ncontent-type: image/jpeg\r\n\r\n'
    body = head + photo + b"\r\n--x--\r\n"
    found = benchmark(photo_part, "multipart/form-data; boundary=x", body)
    assert found == photo
