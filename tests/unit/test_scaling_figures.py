"""The figures of docs/scaling.md: what is worked out of rounds, of bounds and of a run's record."""

from pathlib import Path

import pytest
from between_marks import write_between
from scaling.bill import bill, rows
from scaling.hosts import PROCESSOR, REGISTRY, SHARED, STORE, WRITER, Point, bounds, stations
from scaling.pages import host_lines, law_lines, process_lines
from scaling.picture import svg
from scaling.prices import PerFinished, Prices, prices
from scaling.processes import LARGE_PHOTO_BYTES, POINTS
from scaling.rounds import POSTGRESQL, SQLITE, Measured, Round, read_measured

from gelombang.errors import InputError
from gelombang_capacity.scalability import scalability
from support.records import hardened

ASKS = PerFinished(
    arrivals=1.8,
    small=11.0,
    passwords=1.8,
    photo_tries=3.0,
    photos_kept=2.0,
    writes=12.0,
    lookups=1.34,
    mails=2.8,
    sms=1.35,
    received_bytes=2_000_000.0,
    kept_bytes=1_960_000.0,
)
PRICE = Prices(
    small_seconds=0.0002,
    photo_seconds=0.002,
    photo_byte_seconds=1e-9,
    password_seconds=0.02,
    decode_seconds=0.01,
    write_seconds=0.0002,
)


def law(number: float, contention: float, coherency: float) -> float:
    return 100 * number / (1 + contention * (number - 1) + coherency * number * (number - 1))


def one_round(number: int, api: int, uploads: int, seconds: float, photo_bytes: int = 60_000, database: str = SQLITE) -> Round:
    return Round(
        number=number,
        api=api,
        uploads=uploads,
        database=database,
        photo_bytes=photo_bytes,
        people=400,
        seconds=seconds,
        api_cpu_seconds=[0.64 / api] * api,
        uploads_cpu_seconds=[0.8 / uploads] * uploads,
        checks_cpu_seconds=0.2,
        client_cpu_seconds=0.6,
        commits=1_000.0,
        writes=4_000.0,
        writer_seconds=0.8,
        waited_for_writer_seconds=0.1,
    )


def measured(*more: Round) -> Measured:
    rounds = [one_round(number, api, uploads, 2.0 + 0.2 * number) for number in range(3) for api, uploads in POINTS]
    large = [one_round(number, 1, 1, 4.0, LARGE_PHOTO_BYTES) for number in range(3)]
    return Measured(
        made_at="2026-11-26T12:00:00+00:00",
        commit="abc",
        cores=2,
        rounds=[*rounds, *large, *more],
        password_seconds=[0.016, 0.018, 0.030],
        decode_seconds=[0.01],
    )


def test_the_scalability_law_gives_back_the_numbers_that_its_points_were_made_with() -> None:
    found = scalability([(float(n), law(n, 0.1, 0.02)) for n in range(1, 7)])
    assert found is not None
    assert (found.contention, found.coherency) == pytest.approx((0.1, 0.02))
    assert found.peak_requests_in_service == pytest.approx((0.9 / 0.02) ** 0.5)


def test_the_scalability_law_has_no_peak_without_coherency_and_says_nothing_of_three_points() -> None:
    found = scalability([(float(n), 100.0 * n / (1 + 0.5 * (n - 1))) for n in range(1, 5)])
    assert found is not None
    assert found.contention == pytest.approx(0.5)
    assert found.coherency == pytest.approx(0.0, abs=1e-9)
    assert scalability([(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]) is None


def test_a_points_row_has_median_least_and_most_of_its_rounds() -> None:
    row = next(line for line in process_lines(measured()) if line.startswith("| 2, 1 |"))
    assert "| 182 (167 to 200) |" in row
    assert "| 3.60 (3.60 to 3.60) |" in row
    assert "the client, 0.27 of a core" not in row
    assert "an upload process, 0.36 of a core" in row
    assert row.endswith("| 36% | 4.0 |")


def test_rounds_on_postgresql_have_rows_of_their_own_and_set_the_price_of_a_shared_write() -> None:
    shared = one_round(0, 1, 1, 4.0, database=POSTGRESQL).model_copy(update={"writer_seconds": 4.0})
    assert any(line.startswith("| 1, 1, PostgreSQL |") for line in process_lines(measured(shared)))
    assert prices(measured()).write_seconds == pytest.approx(0.0002)
    assert prices(measured(shared)).write_seconds == pytest.approx(0.001)


def test_what_a_photo_and_a_small_request_cost_comes_from_one_process_of_each() -> None:
    found = prices(measured())
    assert found.small_seconds == pytest.approx(0.64 / 400 / 8)
    assert found.photo_seconds == pytest.approx(0.8 / 400 / 2)
    assert found.password_seconds == pytest.approx(1.25 * 0.018)


def test_figures_without_large_photos_are_refused() -> None:
    without = measured().model_copy(update={"rounds": [one_round(0, 1, 1, 2.0)]})
    with pytest.raises(InputError, match="photos of 980,000 bytes"):
        prices(without)


def test_figures_that_are_not_there_are_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there; want the figures"):
        read_measured(tmp_path / "rounds.json")


def test_the_resource_with_the_least_bound_binds() -> None:
    of_2020 = bounds(1, SHARED[0], ASKS, PRICE)
    assert min(of_2020, key=lambda name: of_2020[name]) == STORE
    assert of_2020[STORE] == pytest.approx(13.5e6 / 2_160_000)
    assert of_2020[REGISTRY] == pytest.approx(11.2 / 1.34)
    any_store = bounds(32, SHARED[2], ASKS, PRICE)
    assert min(any_store, key=lambda name: any_store[name]) == WRITER
    assert any_store[WRITER] == pytest.approx(1 / (12 * 0.0002))
    in_parts = bounds(32, SHARED[3], ASKS, PRICE)
    assert WRITER not in in_parts
    assert min(in_parts, key=lambda name: in_parts[name]) == PROCESSOR
    assert in_parts[PROCESSOR] == pytest.approx(32 * bounds(1, SHARED[3], ASKS, PRICE)[PROCESSOR])


def test_all_kinds_of_work_fill_a_hosts_cores_at_the_same_rate_and_a_slower_writer_holds_up_small_requests() -> None:
    costs = stations({PROCESSOR: 100.0}, ASKS, 0.5)
    assert costs.api_seconds * 11.0 == pytest.approx(0.02)
    assert costs.ticket_seconds * 3.0 == pytest.approx(0.02)
    assert costs.hash_seconds * 1.8 == pytest.approx(0.02)
    assert stations({PROCESSOR: 100.0, WRITER: 50.0}, ASKS, 0.5).api_seconds == pytest.approx(2 * costs.api_seconds)


def test_what_a_million_cost_is_the_runs_own_figures_over_its_people() -> None:
    record = hardened()
    found = bill(record, PRICE)
    steps = {step.step: step for step in record.steps}
    assert record.uploads is not None
    assert record.host.server_cpu_ratio is not None
    assert (found.registered, found.finished) == (steps["account"].people_passed, steps["join"].people_passed)
    assert found.run_cpu_seconds == pytest.approx(record.host.server_cpu_ratio * record.ended_seconds / record.scale.speed)
    assert found.kept_bytes == pytest.approx(record.uploads.kept_bytes / record.scale.bytes_ratio)
    by_name = {what: (registered, finished) for what, registered, finished, _ in rows(found)}
    registered, finished = by_name["CPU in all"]
    assert registered == pytest.approx(found.cpu_seconds / 3_600 / found.registered * 1e6)
    assert finished == pytest.approx(registered * found.registered / found.finished)
    assert by_name["mails"][0] == pytest.approx((found.registered + steps["nik"].people_passed) / found.registered)


def test_at_the_peoples_own_speed_and_size_nothing_is_added_but_decoding() -> None:
    record = hardened()
    whole = record.model_copy(update={"scale": record.scale.model_copy(update={"speed": 1.0, "bytes_ratio": 1.0})})
    found = bill(whole, PRICE)
    assert found.password_cpu_seconds == 0
    assert found.photo_cpu_seconds == 0
    assert found.decode_cpu_seconds > 0


def test_a_simulated_run_has_no_bill() -> None:
    with pytest.raises(InputError, match="no live run of the reference server"):
        bill(hardened().model_copy(update={"kind": "simulated"}), PRICE)


def test_the_law_is_told_for_each_series_that_was_measured() -> None:
    assert sum("API processes, one upload process" in line for line in law_lines(measured())) == 1
    few = measured().model_copy(update={"rounds": [one_round(0, 1, 1, 2.0)]})
    assert all("none: 1 points" in line for line in law_lines(few)[2:])


def test_a_host_says_what_binds_and_the_picture_names_it() -> None:
    points = [
        Point(hosts=hosts, shared=shared.name, bounds={PROCESSOR: 100.0 * hosts, STORE: 250.0}, finished_below=90.0, finished_above=0.0)
        for shared in SHARED
        for hosts in (1, 2, 4, 8, 16, 32)
    ]
    lines = host_lines(points)
    assert "| 2 | 200/s, processor (90; 0) |" in lines[3]
    assert "| 4 | 250/s, store (90; 0) |" in lines[4]
    drawn = svg(measured(), points)
    assert drawn.count("250/s, store") == len(SHARED)
    assert "<svg" in svg(measured(), [])


def test_lines_are_put_between_their_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n")
    write_between(page, "a", ["new", "lines"])
    assert page.read_text() == "before\n<!-- a -->\nnew\nlines\n<!-- /a -->\nafter\n"
    with pytest.raises(SystemExit, match="has no lines <!-- b -->"):
        write_between(page, "b", ["new"])
